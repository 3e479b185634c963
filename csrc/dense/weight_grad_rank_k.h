/* The weight gradient of few samples, xᵀ · dout, and what becomes of a gradient. */
#ifndef FASTNN_DENSE_WEIGHT_GRAD_RANK_K_H
#define FASTNN_DENSE_WEIGHT_GRAD_RANK_K_H

#include "runtime/kernel.h"
#include "gemm/microkernel.h"
#include "dense/optimizer_update.h"

/* Where a gradient (rows, columns) goes: stored in w, added to w, or spent on an update of w (with its state m, v). */
typedef struct {
    real *w, *m, *v;
    ptrdiff_t ld;    /* from row to row of w, m and v */
    ptrdiff_t panel; /* 0, or: they are kept in panels of TILE_COLS columns, this far apart */
    bool accumulate; /* w holds a gradient to add to (not with updates) */
    bool updates, decays;
    update update;
} outer_sink;

/* Where the element of a row and a column lies. */
FNN_INLINE ptrdiff_t outer_place(const outer_sink *sink, ptrdiff_t row, ptrdiff_t col) {
    if (sink->panel == 0) return row * sink->ld + col;
    return col / TILE_COLS * sink->panel + row * sink->ld + col % TILE_COLS;
}

FNN_INLINE void outer_spend_at(const outer_sink *sink, ptrdiff_t at, const real *dw, ptrdiff_t count) {
    real *w = sink->w + at;
    if (sink->updates) {
        real *m = sink->m == NULL ? NULL : sink->m + at, *v = sink->v == NULL ? NULL : sink->v + at;
        update_run(&sink->update, w, m, v, dw, count, sink->decays);
    } else if (sink->accumulate) {
        for (ptrdiff_t i = 0; i < count; i++) w[i] = dw[i] + w[i];
    } else {
        memcpy(w, dw, (size_t)count * sizeof(real));
    }
}

/* Call for the parameters of row `row` from column `col` on (in one panel), to be updated soon. */
FNN_INLINE void outer_prefetch(const outer_sink *sink, ptrdiff_t row, ptrdiff_t col, ptrdiff_t count) {
    const ptrdiff_t at = outer_place(sink, row, col);
    const real *const arrays[] = {sink->w, sink->m, sink->v};
    for (int a = 0; a < 3; a++)
        for (ptrdiff_t c = 0; arrays[a] != NULL && c < count; c += VL) __builtin_prefetch(arrays[a] + at + c, 1);
}

/* Spend `count` gradients on the parameters of row `row` from column `col` on (in one panel). */
FNN_INLINE void outer_spend(const outer_sink *sink, ptrdiff_t row, ptrdiff_t col, const real *dw, ptrdiff_t count) {
    outer_spend_at(sink, outer_place(sink, row, col), dw, count);
}

/* Spend `rows` whole rows of `cols` gradients, close together in dw, from row `row` on. */
FNN_INLINE void outer_spend_rows(const outer_sink *sink, ptrdiff_t row, ptrdiff_t cols, const real *dw,
                                 ptrdiff_t rows) {
    if (sink->ld == cols && sink->panel == 0) {
        outer_spend_at(sink, row * cols, dw, rows * cols);
    } else {
        for (ptrdiff_t r = 0; r < rows; r++) outer_spend(sink, row + r, 0, dw + r * cols, cols);
    }
}

/* Up to this many samples their rows of dout stay in registers while w streams by. */
enum { OUTER_MAX_SAMPLES = TILE_ROWS };

/* x (n, d), its rows read by `index` if there is one, dout (n, m) → gradient (d, m), element by element one chain over
 * the samples, as gemm_run makes it. */
void FN(outer_run)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index, const real *dout,
                   const outer_sink *sink);

#endif
