/* Lines of a channel as a direct convolution reads them: one copy for every column of the filter.
 *
 * In the copy of column b element i belongs to window number i of a strip of rows, counted through the rows; lines that
 * lie a stride apart follow each other. So what tap (a, b) reads for all windows of the strip is one run of memory,
 * and no vector is cut where a row ends.
 */
#ifndef FASTNN_CONV_DIRECT_ROWS_H
#define FASTNN_CONV_DIRECT_ROWS_H

#include "conv/implicit_gemm_pack.h"

typedef struct {
    ptrdiff_t first, reach; /* the line of the first window's topmost tap, and lines from there to its lowest */
    ptrdiff_t phases, deep; /* lines are dealt out to `phases` stacks of `deep` */
    ptrdiff_t apart;        /* elements from column to column of the filter */
    ptrdiff_t channel;      /* elements of a channel */
} conv_lines;

/* For strips of up to `rows` rows of windows; the view has taps. */
FNN_INLINE conv_lines conv_lines_of(const conv_view *v, ptrdiff_t rows) {
    const ptrdiff_t span = (v->r - 1) * v->tap_h, reach = span < 0 ? -span : span;
    conv_lines l = {.first = v->row0 + fnn_min(0, span),
                    .reach = reach,
                    .phases = fnn_min(v->step_h, reach + 1),
                    .deep = rows + reach / v->step_h};
    l.apart = l.phases * l.deep * v->cols;
    l.channel = v->s * l.apart;
    return l;
}

/* The most rows of windows in a strip whose `channels` have at most `elements`, or 0. */
FNN_INLINE ptrdiff_t conv_lines_rows(const conv_view *v, ptrdiff_t channels, ptrdiff_t elements) {
    const conv_lines l = conv_lines_of(v, 1);
    const double line = (double)channels * (double)v->s * (double)l.phases * (double)v->cols;
    return fnn_max(0, fnn_min(v->rows, (ptrdiff_t)((double)elements / line) - (l.deep - 1)));
}

/* Where tap (a, b) of the strip's first window lies. */
FNN_INLINE ptrdiff_t conv_lines_tap(const conv_lines *l, const conv_view *v, ptrdiff_t a, ptrdiff_t b) {
    const ptrdiff_t down = v->row0 + a * v->tap_h - l->first;
    return b * l->apart + (down % v->step_h * l->deep + down / v->step_h) * v->cols;
}

/* The lines of the channel x for `rows` rows of windows from y on. */
void FN(conv_lines_pack)(const conv_lines *l, const conv_view *v, const real *x, ptrdiff_t y, ptrdiff_t rows,
                         real *dst);

#endif
