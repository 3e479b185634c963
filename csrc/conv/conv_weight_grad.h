/* The weight gradient of a convolution: for every group windows × filters, sums over all windows of all images. */
#ifndef FASTNN_CONV_CONV_WEIGHT_GRAD_H
#define FASTNN_CONV_CONV_WEIGHT_GRAD_H

#include "conv/implicit_gemm_pack.h"

typedef struct {
    conv_view view;
    const real *x, *dout;
    ptrdiff_t windows, groups, x_group, f, k; /* filters and taps of a group */
    ptrdiff_t filters;                        /* of all groups */
    real *dw, *db;
    bool accumulate;
} conv_gradient;

/* conv/direct_weight_grad.c: for few filters a group; gives db too. */
bool FN(conv_weight_direct_serves)(const conv_gradient *c);
void FN(conv_weight_direct)(const conv_gradient *c);

#endif
