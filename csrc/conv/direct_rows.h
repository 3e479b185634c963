/* Rows of an input channel as direct convolution reads them: one copy for each column of the filter.
 *
 * The copy for filter column b holds what that column reads: element i of a row belongs to output pixel i of a row.
 * Rows that lie a vertical stride apart follow each other. So what tap (a, b) reads for all output pixels of a block of
 * rows is one run of memory, and vectors go over from one row to the next.
 */
#ifndef FASTNN_CONV_DIRECT_ROWS_H
#define FASTNN_CONV_DIRECT_ROWS_H

#include "conv/im2col_view.h"

/* Copies of a channel: [filter column][phase][row of the phase][output column]. A phase is the input row modulo the
 * vertical stride. */
typedef struct {
    ptrdiff_t first, reach; /* the first output row's topmost input row, and input rows from there to its lowest one */
    ptrdiff_t phases, phase_rows;
    ptrdiff_t column_stride; /* elements from filter column to filter column */
    ptrdiff_t channel_stride;
} direct_rows;

/* The copies for blocks of at most `rows` output rows. The view must have taps. */
FNN_INLINE direct_rows direct_rows_of(const im2col_view *v, ptrdiff_t rows) {
    const ptrdiff_t span = (v->r - 1) * v->tap_h, reach = span < 0 ? -span : span;
    direct_rows d = {.first = v->row0 + fnn_min(0, span),
                     .reach = reach,
                     .phases = fnn_min(v->step_h, reach + 1),
                     .phase_rows = rows + reach / v->step_h};
    d.column_stride = d.phases * d.phase_rows * v->cols;
    d.channel_stride = v->s * d.column_stride;
    return d;
}

/* The most output rows of a block for which the copies of `channels` channels have at most `elements`, or 0. */
FNN_INLINE ptrdiff_t direct_rows_fit(const im2col_view *v, ptrdiff_t channels, ptrdiff_t elements) {
    const direct_rows d = direct_rows_of(v, 1);
    const double phase_row = (double)channels * (double)v->s * (double)d.phases * (double)v->cols;
    return fnn_max(0, fnn_min(v->rows, (ptrdiff_t)((double)elements / phase_row) - (d.phase_rows - 1)));
}

/* Blocks copy the rows twice that they share, so they have to be at least as high as these rows. */
FNN_INLINE bool direct_rows_serve(const im2col_view *v, ptrdiff_t channels, ptrdiff_t elements) {
    const ptrdiff_t rows = direct_rows_fit(v, channels, elements);
    return rows > 0 && rows >= fnn_min(v->rows, direct_rows_of(v, 1).reach);
}

/* Where tap (a, b) reads for the first output pixel of a block. */
FNN_INLINE ptrdiff_t direct_rows_tap(const direct_rows *d, const im2col_view *v, ptrdiff_t a, ptrdiff_t b) {
    const ptrdiff_t down = v->row0 + a * v->tap_h - d->first;
    return b * d->column_stride + (down % v->step_h * d->phase_rows + down / v->step_h) * v->cols;
}

/* Copies the rows of the channel x that output rows y … y+rows-1 read. */
void FN(direct_rows_pack)(const direct_rows *d, const im2col_view *v, const real *x, ptrdiff_t y, ptrdiff_t rows,
                          real *dst);

#endif
