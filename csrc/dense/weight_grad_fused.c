/* Tiles of the fused weight gradient, and how threads share them. */
#include "dense/weight_grad_fused.h"

#include "runtime/input_prefetch.h"
#include "gemm/pack.h"

enum {
    FEW_PANELS = 4, /* up to so many read x as it lies; for more a strip of x is packed */
    X_ELEMENTS = (1 << 20) / sizeof(real),
    COLUMN_ELEMENTS = (2 << 20) / sizeof(real),
};

/* --- a tile --- */

FNN_INLINE void apply_pending_vector(const weight_grad_sink *sink, const update_vectors *u, const pending_tile *q,
                                     ptrdiff_t i, const int rule) {
    const ptrdiff_t left = q->cols - i % GEMM_NR_VECTORS * VL;
    if (left <= 0) return;
    real *w = sink->w + q->at + i * VL;
    real *m = update_keeps_m(rule) ? sink->m + q->at + i * VL : w;
    real *v = update_keeps_v(rule) ? sink->v + q->at + i * VL : w;
    const vreal g = vload(q->gradient + i * VL);
    if (left >= VL)
        update_one((enum update_rule)rule, u, w, m, v, g, sink->update.decays, true, VL);
    else
        update_one((enum update_rule)rule, u, w, m, v, g, sink->update.decays, false, left);
}

/* Adds the products of the inputs of a tile and the deltas of its outputs, of one sample. */
FNN_INLINE void add_products(vreal acc[GEMM_MR][GEMM_NR_VECTORS], const real *x, const real *b, const int vectors) {
    vreal bv[GEMM_NR_VECTORS];
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) bv[j] = vload(b + j * VL);
#pragma GCC unroll 12
    for (int i = 0; i < GEMM_MR; i++) {
        const vreal av = vset(x[i]);
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) acc[i][j] = vfma(av, bv[j], acc[i][j]);
    }
}

/* The update rules that are not applied vector by vector between multiply-adds, but whole tiles at a time. */
enum { OTHER_RULES = -1 };

enum {
    LINE = FNN_CACHE_LINE / sizeof(real),
    LINES = GEMM_MR * GEMM_NR / LINE,
    VECTORS = GEMM_MR * GEMM_NR_VECTORS,
    MOST = LINES > VECTORS ? LINES : VECTORS,
};

/* What is done beside product k < MOST of the tile at `at`: applies a vector of what waits, and fetches a line of what
 * the tile will be applied to. With AVX2 it is done before the products, which leave no register for it. */
FNN_INLINE void beside_product(const weight_grad_sink *sink, const update_vectors *u, const pending_tile *q,
                               ptrdiff_t waiting, ptrdiff_t at, ptrdiff_t k, const int rule) {
    if (k < waiting) apply_pending_vector(sink, u, q, k, rule);
    if (k >= LINES) return;
    fnn_prefetch(sink->w + at + k * LINE);
    if (rule == OTHER_RULES ? sink->m != NULL : update_keeps_m(rule)) fnn_prefetch(sink->m + at + k * LINE);
    if (rule == OTHER_RULES ? sink->v != NULL : update_keeps_v(rule)) fnn_prefetch(sink->v + at + k * LINE);
}

/* A whole tile of `vectors` vectors a row: applies what is pending and leaves its own gradients pending. */
FNN_INLINE void whole_tile(const fused_block *s, const int vectors, const real *x, const int64_t *index, ptrdiff_t step,
                           ptrdiff_t at, const real *b, ptrdiff_t cols, pending_tile *q, const int rule) {
    const update_vectors u = update_broadcast(&s->sink->update);
    const ptrdiff_t n = s->n, waiting = q->cols == 0 || rule == OTHER_RULES ? 0 : VECTORS;
    const real *const first = x;
    if (rule == OTHER_RULES) FN(weight_grad_fused_finish)(s, q);
    for (ptrdiff_t k = 0; GEMM_PLAIN_LOOP && k < MOST; k++) beside_product(s->sink, &u, q, waiting, at, k, rule);
    vreal acc[GEMM_MR][GEMM_NR_VECTORS];
#pragma GCC unroll 12
    for (int i = 0; i < GEMM_MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) acc[i][j] = vset(0);
    const char *prefetch = NULL;
    const ptrdiff_t prefetch_lines = fnn_input_prefetch_next(n, &prefetch);
    ptrdiff_t k = 0;
    for (; k < (GEMM_PLAIN_LOOP ? prefetch_lines : fnn_max(n, MOST)); k++) {
        if (!GEMM_PLAIN_LOOP) beside_product(s->sink, &u, q, waiting, at, k, rule);
        if (k >= n) continue;
        if (k < prefetch_lines) fnn_prefetch(prefetch + k * FNN_CACHE_LINE);
        if (index != NULL) {
            x = first + index[k] * step;
            __builtin_prefetch(x + FUSED_STRIP);
        }
        add_products(acc, x, b, vectors);
        x += step;
        b += GEMM_NR;
    }
    for (; GEMM_PLAIN_LOOP && index == NULL && k < n; k++, x += step, b += GEMM_NR) add_products(acc, x, b, vectors);
    for (; GEMM_PLAIN_LOOP && k < n; k++, b += GEMM_NR) {
        x = first + index[k] * step;
        __builtin_prefetch(x + FUSED_STRIP);
        add_products(acc, x, b, vectors);
    }
    q->at = at;
    q->cols = cols;
#pragma GCC unroll 12
    for (int i = 0; i < GEMM_MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) vstore(q->gradient + i * GEMM_NR + j * VL, acc[i][j]);
}

/* A tile of `rows` < GEMM_MR inputs, applied at once. */
static void edge_tile(const fused_block *s, const real *x, const int64_t *index, ptrdiff_t step, ptrdiff_t row,
                      ptrdiff_t rows, ptrdiff_t p, const real *b, ptrdiff_t cols) {
    FNN_ALIGNED real gradient[GEMM_MR * GEMM_NR];
    const microkernel_args t = {
        .k = s->n,
        .a = x,
        .a_row = 1,
        .a_col = step,
        .a_k_index = index,
        .b = b,
        .ldb = GEMM_NR,
        .c = gradient,
        .ldc = GEMM_NR,
        .tail = VL,
        .b_padded = true,
    };
    FN(microkernel_get)((int)rows, GEMM_NR_VECTORS, true)(&t);
    FN(sink_apply_rows)(s->sink, sink_offset(s->sink, row, p), gradient, GEMM_NR, rows, cols);
}

/* --- rows of tiles --- */

FNN_INLINE void rows_of_tiles(const fused_block *s, const real *x, ptrdiff_t step, ptrdiff_t row, ptrdiff_t rows,
                              pending_tile *q, const int rule) {
    const int64_t *index = step == 0 ? NULL : s->index;
    for (ptrdiff_t p = s->first; p < s->end; p += GEMM_NR) {
        const real *b = s->columns + (p - s->first) * s->n;
        const ptrdiff_t cols = fnn_min(GEMM_NR, s->end - p);
        for (ptrdiff_t i = 0; i < rows; i += GEMM_MR) {
            const ptrdiff_t count = fnn_min(GEMM_MR, rows - i), at = sink_offset(s->sink, row + i, p);
            const real *from = x + (step == 0 ? i * s->n : i);
            if (count < GEMM_MR)
                edge_tile(s, from, index, step == 0 ? count : step, row + i, count, p, b, cols);
            else if (cols > (GEMM_NR_VECTORS - 1) * VL)
                whole_tile(s, GEMM_NR_VECTORS, from, index, step == 0 ? GEMM_MR : step, at, b, cols, q, rule);
            else
                whole_tile(s, GEMM_NR_VECTORS - 1, from, index, step == 0 ? GEMM_MR : step, at, b, cols, q, rule);
        }
    }
}

void FN(weight_grad_fused_rows)(const fused_block *s, const real *x, ptrdiff_t step, ptrdiff_t row, ptrdiff_t rows,
                                pending_tile *q) {
    switch (s->sink->update.rule) {
        case UPDATE_SGD: rows_of_tiles(s, x, step, row, rows, q, UPDATE_SGD); break;
        case UPDATE_MOMENTUM: rows_of_tiles(s, x, step, row, rows, q, UPDATE_MOMENTUM); break;
        case UPDATE_ADAM: rows_of_tiles(s, x, step, row, rows, q, UPDATE_ADAM); break;
        default: rows_of_tiles(s, x, step, row, rows, q, OTHER_RULES);
    }
}

void FN(weight_grad_fused_finish)(const fused_block *s, pending_tile *q) {
    if (q->cols > 0) FN(sink_apply_rows)(s->sink, q->at, q->gradient, GEMM_NR, GEMM_MR, q->cols);
    q->cols = 0;
}

void FN(weight_grad_fused_pack)(real *columns, ptrdiff_t n, ptrdiff_t m, const real *dout, ptrdiff_t first,
                                ptrdiff_t end) {
    for (ptrdiff_t p = first; p < end; p += GEMM_NR)
        FN(pack_cols)(columns + (p - first) * n, GEMM_NR, n, fnn_min(GEMM_NR, end - p), dout + p, m, 1);
}

/* --- all of it --- */

typedef struct {
    ptrdiff_t n, d, m;
    const real *x, *dout;
    const int64_t *index;
    const weight_grad_sink *sink;
    ptrdiff_t tasks;
} whole;

/* Inputs row … row_end-1, outputs first … end-1. */
static void block(const whole *v, ptrdiff_t row, ptrdiff_t row_end, ptrdiff_t first, ptrdiff_t end) {
    real *packed = fnn_scratch(), *columns = packed + X_ELEMENTS;
    const ptrdiff_t most = COLUMN_ELEMENTS / v->n / GEMM_NR * GEMM_NR;
    pending_tile q = {.cols = 0};
    for (ptrdiff_t next; first < end; first = next) {
        next = fnn_min(end, first + most);
        const fused_block s = {v->sink, v->n, first, next, v->index, columns};
        FN(weight_grad_fused_pack)(columns, v->n, v->m, v->dout, first, next);
        const bool packs = next - first > FEW_PANELS * GEMM_NR;
        for (ptrdiff_t r = row; r < row_end; r += FUSED_STRIP) {
            const ptrdiff_t rows = fnn_min(FUSED_STRIP, row_end - r);
            for (ptrdiff_t i = 0; packs && i < rows; i += GEMM_MR)
                FN(pack_rows)(packed + i * v->n, fnn_min(GEMM_MR, rows - i), v->n, v->x + r + i, 1, v->d, NULL,
                              v->index);
            FN(weight_grad_fused_rows)(&s, packs ? packed : v->x + r, packs ? 0 : v->d, r, rows, &q);
        }
        FN(weight_grad_fused_finish)(&s, &q);
    }
}

/* A task has panels of its own, the same that it reads going forward (gemm/gemm.c), and of the rest a run of inputs. */
static void run_task(void *context, int task) {
    const whole *v = context;
    const ptrdiff_t own = gemm_panels_per_thread(v->m, v->tasks) * GEMM_NR, rest = v->tasks * own;
    const ptrdiff_t tiles = (v->d + GEMM_MR - 1) / GEMM_MR, begin = tiles * task / v->tasks * GEMM_MR;
    block(v, 0, v->d, task * own, (task + 1) * own);
    block(v, begin, fnn_min(v->d, tiles * (task + 1) / v->tasks * GEMM_MR), rest, v->m);
}

bool FN(weight_grad_fused_serves)(ptrdiff_t n, const weight_grad_sink *sink) {
    return sink->updates && sink->panel != 0 && n > 0 && n * FUSED_STRIP + VL <= X_ELEMENTS;
}

void FN(weight_grad_fused)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index, const real *dout,
                           const weight_grad_sink *sink) {
    whole v = {n, d, m, x, dout, index, sink, fnn_threads_for((double)n * (double)d * (double)m)};
    fnn_parallel((int)v.tasks, run_task, &v);
}
