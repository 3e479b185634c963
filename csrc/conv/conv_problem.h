/* A convolution, or its input gradient, as a product for one group after the other: results[row, window], where rows
 * are filters, or channels for the gradient. There are two ways to compute it, to the same bits (conv/implicit_gemm.c
 * says which). */
#ifndef FASTNN_CONV_CONV_PROBLEM_H
#define FASTNN_CONV_CONV_PROBLEM_H

#include "conv/implicit_gemm_pack.h"

typedef struct {
    conv_view view;
    const real *x; /* source */
    ptrdiff_t groups, x_group;
    ptrdiff_t m, k;    /* rows and taps of a group */
    ptrdiff_t windows; /* of all images */
    /* Left side, element (i, p): weight[i * a_row + p] where a_row is not 0, else weight transposed: row i is a
     * channel, p counts filters and, of the view's taps, those from (a0, b0) on in steps of (a_step, b_step). */
    const real *weight;
    ptrdiff_t w_group, a_row;
    ptrdiff_t filter, taps, s, a0, b0, a_step, b_step;
    /* results: row i, window (y, x) at out + image + i plane + (y step_h + row0) w + x step_w + col0 */
    real *out;
    ptrdiff_t out_image, out_plane, out_w, out_step_h, out_step_w, out_row0, out_col0;
    const real *bias;
    int kind; /* activation of the results, or its derivative at `at`, laid out like out, where that is not NULL */
    real alpha;
    const real *at;
} conv_product;

/* Weights of rows i … i+rows-1, tap after tap: dst[(p' - p) rows + i' - i] for taps p … p+count-1. */
void FN(conv_pack_weights)(const conv_product *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t p,
                           ptrdiff_t count, real *dst);

/* Bias, activation, and out: rows i … of windows j …, in `local`, a row in whole vectors, `ld` from row to row. */
void FN(conv_finish)(const conv_product *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t cols,
                     real *local, ptrdiff_t ld);

/* conv/direct.c: for products with few rows a group; several of the same images, as the input gradient's phases are,
 * are computed side by side. */
enum { CONV_DIRECT_PRODUCTS = 4 };
bool FN(conv_direct_serves)(const conv_product *c);
void FN(conv_direct)(const conv_product *products, int count);

#endif
