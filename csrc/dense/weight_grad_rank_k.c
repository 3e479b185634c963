/* The weight gradient of few samples, in one pass over the weights and without a gradient in memory.
 *
 * The rows of dout over a strip of columns stay in registers. The gradients of one input over that strip are short
 * chains of multiply-adds, which the sink takes at once.
 */
#include "dense/weight_grad_rank_k.h"

#include "dense/zero_inputs.h"
#include "runtime/input_prefetch.h"

enum {
    STRIP_VECTORS = GEMM_NR_VECTORS,
    STRIP = STRIP_VECTORS * VBYTES / sizeof(real), /* columns */
    SERIAL_ELEMENTS = 1 << 13,
    BLOCK_ROWS = 64, /* inputs whose gradients an update rule without strips of its own takes together */
};

typedef struct {
    ptrdiff_t n, d, m;
    ptrdiff_t first, end; /* the inputs; the sink's row 0 is that of `first` */
    const real *x, *dout;
    const int64_t *index;
    const weight_grad_sink *sink;
    ptrdiff_t tasks;
    const int64_t *used; /* the only inputs whose weights change, used_count of them; NULL: all */
    ptrdiff_t used_count;
} rank_k;

/* What a strip does with its gradient: an update rule's step, or one of these: store it, or add it to what is there; or
 * SGD's step for the inputs that are used. */
enum { STORE = -1, SGD_OF_USED = -2 };

/* Columns from j on: STRIP_VECTORS whole vectors, or one with `tail` columns. */
FNN_INLINE void strip(const rank_k *o, const int samples, const int vectors, const int asked, ptrdiff_t j,
                      ptrdiff_t tail) {
    const int action = asked == SGD_OF_USED ? UPDATE_SGD : asked;
    const weight_grad_sink *sink = o->sink;
    const bool whole = vectors == STRIP_VECTORS || (VBYTES < 64 && tail == VL); /* a mask costs AVX-512 nothing */
    const update_vectors u = update_broadcast(&sink->update);
    const real *row[RANK_K_MAX_SAMPLES + 1]; /* of x */
    const ptrdiff_t m = o->m, count = asked == SGD_OF_USED ? o->used_count : o->end - o->first;
    const ptrdiff_t start = sink_offset(sink, 0, j);
    /* never read where the rule does not keep them */
    real *const first = action >= 0 && update_keeps_m(action) ? sink->m : sink->w;
    real *const second = action >= 0 && update_keeps_v(action) ? sink->v : sink->w;
    vreal dz[RANK_K_MAX_SAMPLES][STRIP_VECTORS];
    const char *prefetch = NULL;
    const ptrdiff_t prefetch_lines = fnn_input_prefetch_next(count, &prefetch);
#pragma GCC unroll 12
    for (int s = 0; s < samples; s++)
#pragma GCC unroll 2
        for (int c = 0; c < vectors; c++) {
            const real *p = o->dout + s * m + j + c * VL;
            dz[s][c] = whole ? vload(p) : vload_part(p, tail);
        }
    for (int s = 0; s < samples; s++) row[s] = o->x + fnn_row(o->index, s) * o->d + o->first;
    for (ptrdiff_t t = 0; t < count; t++) {
        const ptrdiff_t i = asked == SGD_OF_USED ? o->used[t] : t;
        if (t < prefetch_lines) fnn_prefetch(prefetch + t * FNN_CACHE_LINE);
#pragma GCC unroll 2
        for (int c = 0; c < vectors; c++) {
            const ptrdiff_t at = start + i * sink->ld + c * VL;
            vreal g = vset(0);
#pragma GCC unroll 12
            for (int s = 0; s < samples; s++) g = vfma(vset(row[s][i]), dz[s][c], g);
            if (action == STORE && sink->accumulate) g += whole ? vload(sink->w + at) : vload_part(sink->w + at, tail);
            if (action == STORE) {
                if (whole)
                    vstore(sink->w + at, g);
                else
                    vstore_part(sink->w + at, g, tail);
            } else {
                update_one((enum update_rule)action, &u, sink->w + at, first + at, second + at, g, sink->update.decays,
                           whole, tail);
            }
        }
    }
}

#define STRIPS(samples, action)                                                                 \
    static void strips_##samples##_##action(const rank_k *o, ptrdiff_t j, ptrdiff_t j_end) {    \
        for (; j + STRIP <= j_end; j += STRIP) strip(o, samples, STRIP_VECTORS, action, j, VL); \
        for (; j < j_end; j += VL) strip(o, samples, 1, action, j, fnn_min(VL, j_end - j));     \
    }

/* The rules with strips of their own. */
#define ACTIONS(samples)             \
    STRIPS(samples, STORE)           \
    STRIPS(samples, UPDATE_SGD)      \
    STRIPS(samples, SGD_OF_USED)     \
    STRIPS(samples, UPDATE_MOMENTUM) \
    STRIPS(samples, UPDATE_ADAM)

#if FNN_VECTOR_REGISTERS == 32 || VBYTES == 32
#define EACH(_) _(0) _(1) _(2) _(3) _(4) _(5) _(6) _(7) _(8) _(9) _(10) _(11) _(12)
#else
#define EACH(_) _(0) _(1) _(2) _(3) _(4) _(5) _(6)
#endif

EACH(ACTIONS)

typedef void (*strips_fn)(const rank_k *o, ptrdiff_t j, ptrdiff_t j_end);

enum { STORING = FNN_UPDATE_RULE_COUNT, UPDATING_USED, ACTION_COUNT };

#define ROW(samples)                                                                                              \
    [samples] = {                                                                                                 \
        [UPDATE_SGD] = strips_##samples##_UPDATE_SGD,     [UPDATE_MOMENTUM] = strips_##samples##_UPDATE_MOMENTUM, \
        [UPDATE_ADAM] = strips_##samples##_UPDATE_ADAM,   [STORING] = strips_##samples##_STORE,                   \
        [UPDATING_USED] = strips_##samples##_SGD_OF_USED,                                                         \
    },
static const strips_fn instances[RANK_K_MAX_SAMPLES + 1][ACTION_COUNT] = {EACH(ROW)};

/* Columns j … j_end-1 for a rule without strips of its own: gradients of some inputs are stored, then applied. */
static void apply_by_blocks(const rank_k *o, ptrdiff_t j, ptrdiff_t j_end) {
    FNN_ALIGNED real block[BLOCK_ROWS * STRIP] = {0};
    for (; j < j_end; j += STRIP) {
        const ptrdiff_t cols = fnn_min(STRIP, j_end - j);
        /* column j of the gradient is column 0 of the block */
        const weight_grad_sink stored = {.w = block, .ld = o->sink->ld == cols ? cols : sink_whole_vectors(cols)};
        rank_k part = *o;
        part.sink = &stored;
        part.dout = o->dout + j;
        for (part.first = 0; part.first < o->d; part.first = part.end) {
            part.end = fnn_min(o->d, part.first + BLOCK_ROWS);
            instances[o->n][STORING](&part, 0, cols);
            FN(sink_apply_rows)(o->sink, sink_offset(o->sink, part.first, j), block, stored.ld, part.end - part.first,
                                cols);
        }
    }
}

static void run_task(void *context, int task) {
    const rank_k *o = context;
    const weight_grad_sink *sink = o->sink;
    const ptrdiff_t unit = sink->panel != 0 ? GEMM_NR : VL, units = (o->m + unit - 1) / unit;
    const ptrdiff_t j = units * task / o->tasks * unit, j_end = fnn_min(o->m, units * (task + 1) / o->tasks * unit);
    const int action = o->used != NULL ? UPDATING_USED : sink->updates ? (int)sink->update.rule : STORING;
    const strips_fn strips = action >= FNN_CUSTOM ? NULL : instances[o->n][action];
    if (j < j_end) (strips == NULL ? apply_by_blocks : strips)(o, j, j_end);
}

void FN(weight_grad_rank_k)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index,
                            const real *dout, const weight_grad_sink *sink) {
    rank_k o = {n, d, m, 0, d, x, dout, index, sink, 1, NULL, 0};
    zero_inputs found;
    /* a gradient of zero changes a weight by nothing, if that is all that the rule does */
    const update *u = &sink->update;
    if (sink->updates && u->rule == UPDATE_SGD && !u->decays && isfinite(u->rate) && d * m >= SERIAL_ELEMENTS &&
        FN(zero_inputs_find)(x, n, d, index, fnn_scratch(), &found) && FN(all_finite)(dout, n * m)) {
        o.used = found.used;
        o.used_count = found.used_count;
    }
    /* as many tasks as the pass forward has, so that threads keep their panels */
    if (d * m >= SERIAL_ELEMENTS)
        o.tasks = fnn_max(fnn_min(2, fnn_get_num_threads()), fnn_threads_for((double)n * (double)d * (double)m));
    fnn_parallel((int)o.tasks, run_task, &o);
}
