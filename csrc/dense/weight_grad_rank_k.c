/* Weight gradients of few samples: no gradient in memory, one pass over the weights.
 *
 * The rows of dout over a strip of columns stay in registers. For each input, the strip of its gradient is a short
 * chain of multiply-adds, spent at once.
 */
#include "dense/weight_grad_rank_k.h"

#include "runtime/input_prefetch.h"

enum { STRIP_VECTORS = TILE_VECTORS, SERIAL_ELEMENTS = 1 << 13 };

typedef struct {
    ptrdiff_t n, d, m;
    const real *x, *dout;
    const int64_t *index;
    const outer_sink *sink;
    ptrdiff_t tasks;
} outer;

/* What a strip does with its gradient: the update rules, or: */
enum { STORE = -1, ADD = -2 };

FNN_INLINE void strip(const outer *o, const int samples, const int vectors, const int action, const bool whole,
                      ptrdiff_t j, ptrdiff_t tail) {
    const outer_sink *sink = o->sink;
    const update_vectors u = update_broadcast(&sink->update);
    const real *row[OUTER_MAX_SAMPLES + 1]; /* of x */
    const ptrdiff_t d = o->d, m = o->m, start = outer_place(sink, 0, j);
    real *const first = action == UPDATE_ADAM ? sink->m : sink->w; /* never read where the rule has none */
    real *const second = action == UPDATE_ADAM || action == UPDATE_MOMENTUM ? sink->v : sink->w;
    vreal dz[OUTER_MAX_SAMPLES][STRIP_VECTORS];
    const char *ahead = NULL;
    const ptrdiff_t ahead_lines = fnn_ahead_take(d, &ahead);
#pragma GCC unroll 12
    for (int s = 0; s < samples; s++)
#pragma GCC unroll 2
        for (int c = 0; c < vectors; c++) {
            const real *p = o->dout + s * m + j + c * VL;
            dz[s][c] = whole || c < vectors - 1 ? vload(p) : vload_part(p, tail);
        }
    for (int s = 0; s < samples; s++) row[s] = o->x + fnn_row(o->index, s) * d;
    for (ptrdiff_t i = 0; i < d; i++) {
        if (i < ahead_lines) fnn_prefetch(ahead + i * FNN_LINE);
#pragma GCC unroll 2
        for (int c = 0; c < vectors; c++) {
            const ptrdiff_t at = start + i * sink->ld + c * VL;
            const bool full = whole || c < vectors - 1;
            vreal g = vset(0);
#pragma GCC unroll 12
            for (int s = 0; s < samples; s++) g = vfma(vset(row[s][i]), dz[s][c], g);
            if (action == ADD) g += full ? vload(sink->w + at) : vload_part(sink->w + at, tail);
            if (action < 0) {
                if (full)
                    vstore(sink->w + at, g);
                else
                    vstore_part(sink->w + at, g, tail);
            } else {
                update_one((enum update_rule)action, &u, sink->w + at, first + at, second + at, g, sink->decays, full,
                           tail);
            }
        }
    }
}

#define STRIPS(samples, action)                                                                       \
    static void strips_##samples##_##action(const outer *o, ptrdiff_t j, ptrdiff_t j_end) {           \
        const ptrdiff_t width = STRIP_VECTORS * VL;                                                   \
        for (; j + width <= j_end; j += width) strip(o, samples, STRIP_VECTORS, action, true, j, VL); \
        if (j + VL < j_end)                                                                           \
            strip(o, samples, 2, action, false, j, j_end - j - VL);                                   \
        else if (j < j_end)                                                                           \
            strip(o, samples, 1, action, false, j, j_end - j);                                        \
    }

#define ACTIONS(samples)             \
    STRIPS(samples, STORE)           \
    STRIPS(samples, ADD)             \
    STRIPS(samples, UPDATE_SGD)      \
    STRIPS(samples, UPDATE_MOMENTUM) \
    STRIPS(samples, UPDATE_ADAM)

#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) _(0) _(1) _(2) _(3) _(4) _(5) _(6) _(7) _(8) _(9) _(10) _(11) _(12)
#else
#define EACH(_) _(0) _(1) _(2) _(3) _(4) _(5) _(6)
#endif

EACH(ACTIONS)

typedef void (*strips_fn)(const outer *o, ptrdiff_t j, ptrdiff_t j_end);

#define ROW(samples)                                                                                                \
    [samples] = {strips_##samples##_UPDATE_SGD, strips_##samples##_UPDATE_MOMENTUM, strips_##samples##_UPDATE_ADAM, \
                 strips_##samples##_STORE, strips_##samples##_ADD},
static const strips_fn instances[OUTER_MAX_SAMPLES + 1][5] = {EACH(ROW)};

static void run_task(void *context, int task) {
    const outer *o = context;
    const ptrdiff_t unit = o->sink->panel != 0 ? TILE_COLS : VL, units = (o->m + unit - 1) / unit;
    const ptrdiff_t j = units * task / o->tasks * unit, j_end = fnn_min(o->m, units * (task + 1) / o->tasks * unit);
    const outer_sink *sink = o->sink;
    const int action = sink->updates ? (int)sink->update.rule : sink->accumulate ? 4 : 3;
    if (j < j_end) instances[o->n][action](o, j, j_end);
}

void FN(outer_run)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index, const real *dout,
                   const outer_sink *sink) {
    outer o = {n, d, m, x, dout, index, sink, 1};
    if (d * m >= SERIAL_ELEMENTS) o.tasks = fnn_get_num_threads();
    fnn_parallel((int)o.tasks, run_task, &o);
}
