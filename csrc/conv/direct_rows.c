/* Copying the rows of an input channel for direct convolution. */
#include "conv/direct_rows.h"

/* dst[row][i] = x[top + row][i + shift] of the plane x, or zero outside it, for `rows` rows of w pixels. */
static void shift_rows(const real *x, ptrdiff_t h, ptrdiff_t w, ptrdiff_t top, ptrdiff_t rows, ptrdiff_t shift,
                       real *dst) {
    const ptrdiff_t edge = shift < 0 ? -shift : shift;
    const ptrdiff_t begin = fnn_min(rows, fnn_max(0, -top)), end = fnn_max(begin, fnn_min(rows, h - top));
    if (edge >= w || begin == end) {
        zero_run(dst, rows * w);
        return;
    }
    zero_run(dst, begin * w);
    zero_run(dst + end * w, (rows - end) * w);
    /* All rows are copied at once, without reading outside the plane. The columns at the edge, which got pixels of the
     * neighbouring row, are then set to zero. */
    const ptrdiff_t first = (top + begin) * w + shift, last = (top + end) * w + shift;
    const ptrdiff_t from = fnn_max(0, first), to = fnn_min(h * w, last);
    copy_run(dst + begin * w + from - first, x + from, to - from);
    real *column = dst + begin * w + (shift < 0 ? 0 : w - edge);
    for (ptrdiff_t row = begin; row < end; row++, column += w)
        for (ptrdiff_t i = 0; i < edge; i++) column[i] = 0;
}

void FN(direct_rows_pack)(const direct_rows *d, const im2col_view *v, const real *x, ptrdiff_t y, ptrdiff_t rows,
                          real *dst) {
    const ptrdiff_t top = d->first + y * v->step_h, in_rows = (rows - 1) * v->step_h + d->reach + 1;
    if (v->step_h == 1 && v->step_w == 1 && v->w == v->cols) {
        for (ptrdiff_t b = 0; b < v->s; b++)
            shift_rows(x, v->h, v->w, top, in_rows, v->col0 + b * v->tap_w, dst + b * d->column_stride);
        return;
    }
    for (ptrdiff_t phase = 0; phase < d->phases; phase++) {
        real *to = dst + phase * d->phase_rows * v->cols;
        for (ptrdiff_t row = phase; row < in_rows; row += v->step_h, to += v->cols)
            FN(im2col_pack_row)(v, x, top + row, to, d->column_stride);
    }
}
