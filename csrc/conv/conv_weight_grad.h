/* The weight gradient of a convolution of plain images: for each group of channels, dw[filter][tap] = Σ over all output
 * pixels of dout[filter][pixel] × im2col[tap][pixel]; and the algorithms that compute it, which add in different
 * orders. */
#ifndef FASTNN_CONV_CONV_WEIGHT_GRAD_H
#define FASTNN_CONV_CONV_WEIGHT_GRAD_H

#include "conv/im2col_view.h"

typedef struct {
    im2col_view view;
    const real *x, *dout;
    ptrdiff_t pixels; /* output pixels of all images */
    ptrdiff_t groups, x_group_stride;
    ptrdiff_t f, k;        /* filters and taps of a group */
    ptrdiff_t all_filters; /* the filters of all groups */
    real *dw, *db;         /* db may be NULL */
    bool accumulate;       /* dw and db are added to */
} conv_weight_grad;

/* conv/direct_weight_grad.c: for few filters in a group; computes db too. */
bool FN(conv_direct_weight_grad_serves)(const conv_weight_grad *c);
void FN(conv_direct_weight_grad)(const conv_weight_grad *c);

/* conv/implicit_gemm_weight_grad.c: a matrix product. */
void FN(conv_implicit_gemm_weight_grad)(const conv_weight_grad *c);

#endif
