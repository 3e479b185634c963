/* What batch normalisation in the layout NCHW16n does to the pixels of a channel, forward and backward. */
#ifndef FASTNN_NCHW16N_BATCH_NORM_H
#define FASTNN_NCHW16N_BATCH_NORM_H

#include "norm/norm_sums.h"

/* The parameters and statistics of the channels, and where the gradients of the parameters go. */
typedef struct {
    const real *w, *b; /* scale and shift of each channel; NULL: 1 and 0 */
    const real *mean, *var;
    double eps;
    real *dw, *db;         /* NULL: not wanted */
    bool fixed_statistics; /* mean and var do not depend on x */
    bool accumulate;       /* dw and db are added to */
} nchw16n_batch_norm;

FNN_INLINE real nchw16n_deviation(const nchw16n_batch_norm *norm, ptrdiff_t c) {
    return (real)norm_deviation(norm->var[c], norm->eps);
}
FNN_INLINE real nchw16n_scale(const nchw16n_batch_norm *norm, ptrdiff_t c) {
    return norm->w == NULL ? (real)1 : norm->w[c];
}

/* Forward: scale (x - mean) + shift. */
typedef struct {
    vreal mean, scale, shift;
} nchw16n_normalizer;

FNN_INLINE nchw16n_normalizer nchw16n_normalizer_of(const nchw16n_batch_norm *norm, ptrdiff_t c) {
    return (nchw16n_normalizer){vset(norm->mean[c]), vset(nchw16n_scale(norm, c) / nchw16n_deviation(norm, c)),
                                vset(norm->b == NULL ? 0 : norm->b[c])};
}

/* x normalised, or x itself without a normalizer. */
FNN_INLINE vreal nchw16n_normalize(const nchw16n_normalizer *n, vreal x) {
    return n == NULL ? x : vfma(x - n->mean, n->scale, n->shift);
}

/* Backward: dx = scale (dout - shift - slope (x - mean)). */
typedef struct {
    real scale, shift, slope;
} nchw16n_norm_gradient;

/* Follows from Σ dout and Σ dout (x - mean) over the `count` pixels of channel c. dw and db, which follow from the same
 * sums, are written on the way. */
FNN_INLINE nchw16n_norm_gradient nchw16n_norm_gradient_of(const nchw16n_batch_norm *norm, ptrdiff_t c, double sum_dout,
                                                          double sum_product, double count) {
    const real factor = 1 / nchw16n_deviation(norm, c);
    sum_product *= (double)factor;
    if (norm->dw != NULL) norm->dw[c] = (real)sum_product + (norm->accumulate ? norm->dw[c] : 0);
    if (norm->db != NULL) norm->db[c] = (real)sum_dout + (norm->accumulate ? norm->db[c] : 0);
    const real scale = factor * nchw16n_scale(norm, c);
    if (norm->fixed_statistics) return (nchw16n_norm_gradient){scale, 0, 0};
    return (nchw16n_norm_gradient){scale, (real)(sum_dout / count), (real)(sum_product / count * (double)factor)};
}

/* The same in all lanes. */
typedef struct {
    vreal mean, scale, shift, slope;
} nchw16n_norm_backward;

FNN_INLINE nchw16n_norm_backward nchw16n_norm_backward_of(const nchw16n_batch_norm *norm, ptrdiff_t c,
                                                          const nchw16n_norm_gradient *g) {
    return (nchw16n_norm_backward){vset(norm->mean[c]), vset(g->scale), vset(g->shift), vset(g->slope)};
}

FNN_INLINE vreal nchw16n_normalize_backward(const nchw16n_norm_backward *n, vreal dout, vreal x) {
    return (dout - n->shift - (x - n->mean) * n->slope) * n->scale;
}

#endif
