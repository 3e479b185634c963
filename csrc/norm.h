/* Sums that normalisation takes over runs of elements: vectors of partial sums that go over into double before their
 * chains grow long. */
#ifndef FASTNN_NORM_H
#define FASTNN_NORM_H

#include "kernel.h"
#include "vmath.h"

enum { CHAIN = 32 }; /* additions in the type of the arrays, at most */

/* VL elements from p on, or the `left` that there are and zeros. */
FNN_INLINE vreal run_load(const real *p, ptrdiff_t left) { return left >= VL ? vload(p) : vload_part(p, left); }
FNN_INLINE void run_store(real *p, vreal v, ptrdiff_t left) {
    if (left >= VL) {
        vstore(p, v);
    } else {
        vstore_part(p, v, left);
    }
}

/* x + … of a run */
FNN_INLINE void run_sum(vsum *sum, const real *x, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part = {0};
        ptrdiff_t i = j;
        for (; i + VL <= end; i += VL) part += vload(x + i);
        if (i < end) part += vload_part(x + i, end - i);
        vsum_add(sum, part);
    }
}

/* (x - mean)² + … of a run */
FNN_INLINE void run_sum_squares(vsum *sum, const real *x, real mean, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part = {0};
        ptrdiff_t i = j;
        for (; i + VL <= end; i += VL) {
            const vreal off = vload(x + i) - vset(mean);
            part = vfma(off, off, part);
        }
        if (i < end) {
            const vreal off = vfirst(vload_part(x + i, end - i) - vset(mean), end - i);
            part = vfma(off, off, part);
        }
        vsum_add(sum, part);
    }
}

/* d + … and d (x - mean) + … of a run */
FNN_INLINE void run_sum_products(vsum *sum, vsum *products, const real *d, const real *x, real mean, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part = {0}, product = {0};
        ptrdiff_t i = j;
        for (; i + VL <= end; i += VL) {
            const vreal e = vload(d + i);
            part += e;
            product = vfma(e, vload(x + i) - vset(mean), product);
        }
        if (i < end) {
            const vreal e = vload_part(d + i, end - i);
            part += e;
            product = vfma(e, vfirst(vload_part(x + i, end - i) - vset(mean), end - i), product);
        }
        vsum_add(sum, part);
        vsum_add(products, product);
    }
}

/* out = (x - mean) scale + shift */
FNN_INLINE void run_affine(const real *x, real *out, real mean, real scale, real shift, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += VL)
        run_store(out + j, vfma(run_load(x + j, count - j) - vset(mean), vset(scale), vset(shift)), count - j);
}

/* dx = (d - a - (x - mean) b) scale */
FNN_INLINE void run_affine_back(const real *d, const real *x, real *dx, real mean, real a, real b, real scale,
                                ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += VL) {
        const vreal off = run_load(x + j, count - j) - vset(mean);
        run_store(dx + j, vfma(-off, vset(b), run_load(d + j, count - j) - vset(a)) * vset(scale), count - j);
    }
}

/* From the sum of (x - near)², `near` being the mean rounded. */
FNN_INLINE double variance_about(double squares, double count, double mean, real near) {
    const double off = mean - (double)near;
    return fmax(0, squares / count - off * off);
}

FNN_INLINE double inverse_spread(real var, double eps) { return 1 / sqrt((double)(real)(var + (real)eps)); }

/* A gradient of a parameter, added to what is there or not; p may be NULL. */
FNN_INLINE void spend(real *p, double gradient, double beta) {
    if (p != NULL) *p = beta == 0 ? (real)gradient : (real)((double)*p + gradient);
}

#endif
