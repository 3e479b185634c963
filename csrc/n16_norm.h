/* Batch normalisation of images innermost: what it makes of a channel's pixels, and of their gradients. */
#ifndef FASTNN_N16_NORM_H
#define FASTNN_N16_NORM_H

#include "kernel.h"

/* A normalisation of channels: what is given of each, and where the gradients of its parameters go. */
typedef struct {
    const real *w, *b; /* NULL: 1 and 0 */
    const real *mean, *var;
    double eps;
    real *dw, *db;   /* NULL: not wanted */
    bool fixed, add; /* whether mean and var do not depend on x; whether dw and db are added to what is there */
} n16_norm;

FNN_INLINE real n16_root(const n16_norm *v, ptrdiff_t c) { return (real)sqrt((double)(v->var[c] + (real)v->eps)); }
FNN_INLINE real n16_gain(const n16_norm *v, ptrdiff_t c) { return v->w == NULL ? (real)1 : v->w[c]; }

/* factor (x - centre) + shift */
typedef struct {
    vreal centre, factor, shift;
} n16_line;

FNN_INLINE n16_line n16_line_of(const n16_norm *v, ptrdiff_t c) {
    return (n16_line){vset(v->mean[c]), vset(n16_gain(v, c) / n16_root(v, c)), vset(v->b == NULL ? 0 : v->b[c])};
}

FNN_INLINE vreal n16_on(const n16_line *line, vreal x) {
    return line == NULL ? x : vfma(x - line->centre, line->factor, line->shift);
}

/* What a pixel's gradient is made with: scale (dout - shift - slope (x - mean)). */
typedef struct {
    real scale, shift, slope;
} n16_back;

/* From Σ dout and Σ dout (x - mean) of `count` pixels; dw and db on the way. */
FNN_INLINE n16_back n16_back_of(const n16_norm *v, ptrdiff_t c, double sum, double product, double count) {
    const real factor = 1 / n16_root(v, c);
    product *= (double)factor;
    if (v->dw != NULL) v->dw[c] = (real)product + (v->add ? v->dw[c] : 0);
    if (v->db != NULL) v->db[c] = (real)sum + (v->add ? v->db[c] : 0);
    const real scale = factor * n16_gain(v, c);
    if (v->fixed) return (n16_back){scale, 0, 0};
    return (n16_back){scale, (real)(sum / count), (real)(product / count * (double)factor)};
}

typedef struct {
    vreal centre, scale, shift, slope;
} n16_back_line;

FNN_INLINE n16_back_line n16_back_line_of(const n16_norm *v, ptrdiff_t c, const n16_back *back) {
    return (n16_back_line){vset(v->mean[c]), vset(back->scale), vset(back->shift), vset(back->slope)};
}

FNN_INLINE vreal n16_back_on(const n16_back_line *line, vreal dout, vreal x) {
    return (dout - line->shift - (x - line->centre) * line->slope) * line->scale;
}

#endif
