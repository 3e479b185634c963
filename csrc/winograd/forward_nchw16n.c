/* The kernel of Winograd's convolution in the layout NCHW16n, and the form of the algorithm that it takes. */
#include "winograd/rounded_products.h"

void FN(winograd_forward_nchw16n)(const fnn_op *op) {
    /* x[g,c,h,w,16], u[e,j,36,k,24], b[f]?, out[g,f,p,q,16], work[*]?; size, pad_h, pad_w, kind, alpha, precision */
    const ptrdiff_t *n = op->n, size = (ptrdiff_t)op->s[0];
    const winograd_problem p = {
        .x = IN(0),
        .u = IN(1),
        .b = op->p[2],
        .out = OUT(3),
        .image_blocks = n[0],
        .h = n[2],
        .w = n[3],
        .groups = n[4],
        .filter_blocks = n[5],
        .channels = n[6],
        .filters = n[7] / n[4],
        .p = n[8],
        .q = n[9],
        .pad_h = (ptrdiff_t)op->s[1],
        .pad_w = (ptrdiff_t)op->s[2],
        .kind = (int)op->s[3],
        .alpha = (real)op->s[4],
        .rows = winograd_split_axis(n[8], size),
        .cols = winograd_split_axis(n[9], size),
    };
    winograd_rounding r;
    if (p.channels <= FNN_WINOGRAD_SMALL_CHANNELS && winograd_small_c_weights(&p) <= WINOGRAD_SMALL_C_WEIGHTS)
        FN(winograd_forward_small_c)(&p);
    else
        FN(winograd_forward_gemm)(&p, FN(winograd_rounding_serves)(&p, op->p[4], (int)op->s[5], &r) ? &r : NULL);
}
