/* Sums that normalisation takes over runs of elements: vectors of partial sums that go over into double before their
 * chains grow long. */
#ifndef FASTNN_NORM_NORM_SUMS_H
#define FASTNN_NORM_NORM_SUMS_H

#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum { CHAIN = 64 }; /* vectors that are added up in the type of the arrays */

/* x + … of a run */
FNN_INLINE void sum_contiguous(vsum *sum, const real *x, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part = {0}, b = {0}, c = {0}, d = {0};
        ptrdiff_t i = j;
        for (; i + 4 * VL <= end; i += 4 * VL) {
            part += vload(x + i), b += vload(x + i + VL);
            c += vload(x + i + 2 * VL), d += vload(x + i + 3 * VL);
        }
        for (; i + VL <= end; i += VL) part += vload(x + i);
        if (i < end) b += vload_part(x + i, end - i);
        vsum_add(sum, (part + b) + (c + d));
    }
}

/* (x - mean)² + … of a run */
FNN_INLINE void sum_squared_deviations(vsum *sum, const real *x, real mean, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part[4] = {{0}};
        ptrdiff_t i = j;
        for (; i + 4 * VL <= end; i += 4 * VL)
            for (int k = 0; k < 4; k++) {
                const vreal off = vload(x + i + k * VL) - vset(mean);
                part[k] = vfma(off, off, part[k]);
            }
        for (; i < end; i += VL) {
            vreal off = vload_tail(x + i, end - i) - vset(mean);
            if (end - i < VL) off = vfirst(off, end - i);
            part[0] = vfma(off, off, part[0]);
        }
        vsum_add(sum, (part[0] + part[1]) + (part[2] + part[3]));
    }
}

/* d + … and d (x - mean) + … of a run */
FNN_INLINE void sum_grad_products(vsum *sum, vsum *products, const real *d, const real *x, real mean, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part[4] = {{0}}, product[4] = {{0}};
        ptrdiff_t i = j;
        for (; i + 4 * VL <= end; i += 4 * VL)
            for (int k = 0; k < 4; k++) {
                const vreal e = vload(d + i + k * VL);
                part[k] += e;
                product[k] = vfma(e, vload(x + i + k * VL) - vset(mean), product[k]);
            }
        for (; i < end; i += VL) {
            const vreal e = vload_tail(d + i, end - i);
            vreal off = vload_tail(x + i, end - i) - vset(mean);
            if (end - i < VL) off = vfirst(off, end - i);
            part[0] += e;
            product[0] = vfma(e, off, product[0]);
        }
        vsum_add(sum, (part[0] + part[1]) + (part[2] + part[3]));
        vsum_add(products, (product[0] + product[1]) + (product[2] + product[3]));
    }
}

/* out = (x - mean) scale + shift */
FNN_INLINE void normalize_contiguous(const real *x, real *out, real mean, real scale, real shift, ptrdiff_t count) {
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) vstore(out + j, vfma(vload(x + j) - vset(mean), vset(scale), vset(shift)));
    if (j == count) return;
    vstore_part(out + j, vfma(vload_part(x + j, count - j) - vset(mean), vset(scale), vset(shift)), count - j);
}

/* dx = (d - a - (x - mean) b) scale */
FNN_INLINE void normalize_grad_contiguous(const real *d, const real *x, real *dx, real mean, real a, real b, real scale,
                                          ptrdiff_t count) {
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) {
        const vreal off = vload(x + j) - vset(mean);
        vstore(dx + j, vfma(-off, vset(b), vload(d + j) - vset(a)) * vset(scale));
    }
    if (j == count) return;
    const vreal off = vload_part(x + j, count - j) - vset(mean);
    vstore_part(dx + j, vfma(-off, vset(b), vload_part(d + j, count - j) - vset(a)) * vset(scale), count - j);
}

/* From the sum of (x - near)², `near` being the mean rounded. */
FNN_INLINE double variance_about(double squares, double count, double mean, real near) {
    const double off = mean - (double)near;
    return fmax(0, squares / count - off * off);
}

FNN_INLINE double inverse_std(real var, double eps) { return 1 / sqrt((double)(real)(var + (real)eps)); }

/* Batch normalisation's running mean or variance goes after channel k's; it may be NULL. */
FNN_INLINE void update_running(real *running, ptrdiff_t k, double momentum, double batch) {
    if (running != NULL) running[k] = (real)momentum * running[k] + (real)(1 - momentum) * (real)batch;
}

/* A gradient of a parameter, added to what is there or not; p may be NULL. */
FNN_INLINE void store_param_grad(real *p, double gradient, double beta) {
    if (p != NULL) *p = beta == 0 ? (real)gradient : (real)((double)*p + gradient);
}

#endif
