/* Batch normalisation of images innermost: what it makes of a channel's pixels, and of their gradients. */
#ifndef FASTNN_NCHW16N_BATCH_NORM16N_H
#define FASTNN_NCHW16N_BATCH_NORM16N_H

#include "runtime/kernel.h"

/* A normalisation of channels: what is given of each, and where the gradients of its parameters go. */
typedef struct {
    const real *w, *b; /* NULL: 1 and 0 */
    const real *mean, *var;
    double eps;
    real *dw, *db;   /* NULL: not wanted */
    bool fixed, add; /* whether mean and var do not depend on x; whether dw and db are added to what is there */
} nchw16n_norm;

FNN_INLINE real nchw16n_root(const nchw16n_norm *v, ptrdiff_t c) {
    return (real)sqrt((double)(v->var[c] + (real)v->eps));
}
FNN_INLINE real nchw16n_gain(const nchw16n_norm *v, ptrdiff_t c) { return v->w == NULL ? (real)1 : v->w[c]; }

/* factor (x - centre) + shift */
typedef struct {
    vreal centre, factor, shift;
} nchw16n_line;

FNN_INLINE nchw16n_line nchw16n_line_of(const nchw16n_norm *v, ptrdiff_t c) {
    return (nchw16n_line){vset(v->mean[c]), vset(nchw16n_gain(v, c) / nchw16n_root(v, c)),
                          vset(v->b == NULL ? 0 : v->b[c])};
}

FNN_INLINE vreal nchw16n_on(const nchw16n_line *line, vreal x) {
    return line == NULL ? x : vfma(x - line->centre, line->factor, line->shift);
}

/* What a pixel's gradient is made with: scale (dout - shift - slope (x - mean)). */
typedef struct {
    real scale, shift, slope;
} nchw16n_back;

/* From Σ dout and Σ dout (x - mean) of `count` pixels; dw and db on the way. */
FNN_INLINE nchw16n_back nchw16n_back_of(const nchw16n_norm *v, ptrdiff_t c, double sum, double product, double count) {
    const real factor = 1 / nchw16n_root(v, c);
    product *= (double)factor;
    if (v->dw != NULL) v->dw[c] = (real)product + (v->add ? v->dw[c] : 0);
    if (v->db != NULL) v->db[c] = (real)sum + (v->add ? v->db[c] : 0);
    const real scale = factor * nchw16n_gain(v, c);
    if (v->fixed) return (nchw16n_back){scale, 0, 0};
    return (nchw16n_back){scale, (real)(sum / count), (real)(product / count * (double)factor)};
}

typedef struct {
    vreal centre, scale, shift, slope;
} nchw16n_back_line;

FNN_INLINE nchw16n_back_line nchw16n_back_line_of(const nchw16n_norm *v, ptrdiff_t c, const nchw16n_back *back) {
    return (nchw16n_back_line){vset(v->mean[c]), vset(back->scale), vset(back->shift), vset(back->slope)};
}

FNN_INLINE vreal nchw16n_back_on(const nchw16n_back_line *line, vreal dout, vreal x) {
    return (dout - line->shift - (x - line->centre) * line->slope) * line->scale;
}

#endif
