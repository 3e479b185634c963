/* A convolution of plain images, or its input gradient, as a matrix product for each group of channels:
 *     results[row][pixel] = Σ over the taps of weight[row][tap] im2col[tap][pixel],
 * where rows are filters, or channels for the gradient. Every result is one chain over the taps, whichever algorithm
 * computes it.
 */
#ifndef FASTNN_CONV_CONV_PROBLEM_H
#define FASTNN_CONV_CONV_PROBLEM_H

#include "conv/im2col_view.h"

typedef struct {
    im2col_view view;
    const real *x;
    ptrdiff_t groups, x_group_stride;
    ptrdiff_t m, k;   /* rows and taps of a group */
    ptrdiff_t pixels; /* output pixels of all images */
    /* Element (i, p) of a group's weights is weight[i w_row_stride + p]. Where w_row_stride is 0 they are transposed:
     * row i is a channel, and p counts filters and those of their taps that the view has, from (a0, b0) on in steps of
     * (a_step, b_step). */
    const real *weight;
    ptrdiff_t w_group_stride, w_row_stride;
    ptrdiff_t filter_stride, filter_taps, filter_cols, a0, b0, a_step, b_step;
    /* The result of row i and output pixel (y, x) goes to out + image out_image_stride + i out_plane_stride +
     * (y out_step_h + out_row0) out_w + x out_step_w + out_col0. */
    real *out;
    ptrdiff_t out_image_stride, out_plane_stride, out_w, out_step_h, out_step_w, out_row0, out_col0;
    const real *bias; /* one element for each row of all groups, or NULL */
    int kind;         /* the activation */
    real alpha;
    const real *activated; /* NULL, or laid out like out: instead of being activated, the results are multiplied with
                              the activation's derivative there */
} conv_problem;

/* dst[p' - p][i' - i] = the weights of rows i … i+rows-1 and taps p … p+count-1. */
void FN(conv_pack_weights)(const conv_problem *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t p,
                           ptrdiff_t count, real *dst);

/* The epilogue: bias and activation of results[row][pixel], rows i … i+rows-1 and pixels j … j+cols-1 of a group, and
 * their copy to out. The rows of `results` are `ld` elements apart and have room for whole vectors. */
void FN(conv_epilogue)(const conv_problem *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t cols,
                       real *results, ptrdiff_t ld);

#endif
