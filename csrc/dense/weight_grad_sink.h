/* What becomes of a weight gradient: it is stored, added to one, or applied at once as an update of the weights. */
#ifndef FASTNN_DENSE_WEIGHT_GRAD_SINK_H
#define FASTNN_DENSE_WEIGHT_GRAD_SINK_H

#include "dense/optimizer_update.h"
#include "gemm/microkernel.h"
#include "runtime/kernel.h"

/* The gradient (rows, columns) is stored in w, added to w, or applied as an update of w with its state m and v. */
typedef struct {
    real *w, *m, *v; /* m, v: NULL where the update rule does not keep them */
    ptrdiff_t ld;    /* elements from row to row of w, m and v */
    ptrdiff_t panel; /* 0, or: w, m and v lie in panels of GEMM_NR columns, so many elements apart */
    bool accumulate; /* w holds a gradient to add to (not with updates) */
    bool updates;
    update update;
} weight_grad_sink;

/* Offset in w, m and v of the element of a row and a column. */
FNN_INLINE ptrdiff_t sink_offset(const weight_grad_sink *sink, ptrdiff_t row, ptrdiff_t col) {
    if (sink->panel == 0) return row * sink->ld + col;
    return col / GEMM_NR * sink->panel + row * sink->ld + col % GEMM_NR;
}

FNN_INLINE void sink_apply_at(const weight_grad_sink *sink, ptrdiff_t at, const real *dw, ptrdiff_t count) {
    real *w = sink->w + at;
    if (sink->updates) {
        real *m = sink->m == NULL ? NULL : sink->m + at, *v = sink->v == NULL ? NULL : sink->v + at;
        FN(update_run)(&sink->update, w, m, v, dw, count);
    } else if (sink->accumulate) {
        for (ptrdiff_t i = 0; i < count; i++) w[i] = dw[i] + w[i];
    } else {
        memcpy(w, dw, (size_t)count * sizeof(real));
    }
}

/* Fetches the parameters of row `row` from column `col` on (in one panel), which are updated soon. */
FNN_INLINE void sink_prefetch(const weight_grad_sink *sink, ptrdiff_t row, ptrdiff_t col, ptrdiff_t count) {
    const ptrdiff_t at = sink_offset(sink, row, col);
    const real *const arrays[] = {sink->w, sink->m, sink->v};
    for (int a = 0; a < 3; a++)
        for (ptrdiff_t c = 0; arrays[a] != NULL && c < count; c += VL) __builtin_prefetch(arrays[a] + at + c, 1);
}

/* Applies `count` gradients to the parameters of row `row` from column `col` on (in one panel). */
FNN_INLINE void sink_apply(const weight_grad_sink *sink, ptrdiff_t row, ptrdiff_t col, const real *dw,
                           ptrdiff_t count) {
    sink_apply_at(sink, sink_offset(sink, row, col), dw, count);
}

/* The elements of the vectors that hold a row of `cols` elements. */
FNN_INLINE ptrdiff_t sink_whole_vectors(ptrdiff_t cols) { return (cols + VL - 1) / VL * VL; }

/* Applies the gradients dw[r * ld + c] of `rows` rows and `cols` columns, in one panel, from offset `at` on. A rule of
 * the user's own is called on several rows together, which are brought together first where they lie apart: a call for
 * a short row takes longer than its elements do. It is given zeros as well, and may be given anything that stands in
 * dw behind a row, as far as that fills a vector. */
void FN(sink_apply_rows)(const weight_grad_sink *sink, ptrdiff_t at, const real *dw, ptrdiff_t ld, ptrdiff_t rows,
                         ptrdiff_t cols);

#endif
