/* Sums that normalisation takes over runs of elements: vectors of partial sums that go over into double before their
 * chains grow long.
 *
 * A variance that the type of the arrays cannot hold, because it overflows or loses bits below the smallest normal
 * number, has minus the deviation in its place: only norm_deviation and norm_variance need to know. */
#ifndef FASTNN_NORM_NORM_SUMS_H
#define FASTNN_NORM_NORM_SUMS_H

#include <float.h>

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

/* Whether the type of the arrays holds a variance to all its bits. */
FNN_INLINE bool norm_holds_variance(double var) {
    return sizeof(real) == sizeof(float) ? var >= 0x1p-100 && var <= (double)FLT_MAX
                                         : var >= 0x1p-960 && var <= DBL_MAX;
}

/* Values of which mean and variance are taken: runs of `count`, each value `stride` after the one before. Run i begins
 * at x[i / lanes * step + i % lanes]. */
typedef struct {
    const real *x;
    ptrdiff_t runs, lanes, step, count, stride;
} norm_values;

/* Takes mean and variance again, as the largest and the smallest values need it; leaves them alone where a value is not
 * finite. */
__attribute__((cold)) void FN(norm_rescaled_moments)(const norm_values *v, double *mean, double *var);

/* Whether a sum has left the range of its type, or the variance has and eps does not hide it: the moments then have to
 * be taken again. */
FNN_INLINE bool norm_moments_fail(double squares, double eps, double mean, double var) {
    const double largest = sizeof(real) == sizeof(float) ? (double)FLT_MAX : DBL_MAX;
    return __builtin_expect(!(fabs(mean) <= largest && squares <= DBL_MAX && norm_holds_variance(var + eps)), 0);
}

/* √(var + eps). No call stands here, because loops that ask keep their sums in registers. */
FNN_INLINE double norm_deviation(real var, double eps) {
    const double usual = (double)(real)(var + (real)eps), deviation = (double)var;
    if (sizeof(real) == sizeof(float)) return sqrt(var < 0 ? deviation * deviation + eps : usual);
    if (__builtin_expect(!(var < 0), 1)) return sqrt(usual);
    const double root = sqrt(eps), larger = fmax(-deviation, root), ratio = fmin(-deviation, root) / larger;
    return larger * sqrt(1 + ratio * ratio);
}

FNN_INLINE double inverse_std(real var, double eps) { return 1 / norm_deviation(var, eps); }

/* The variance itself, which may overflow. */
FNN_INLINE double norm_variance(double var) { return var < 0 ? var * var : var; }

/* factor² product / count, whose square may leave the range of double where a deviation stands for the variance. */
FNN_INLINE double norm_slope(real var, double factor, double product, double count) {
    return var < 0 ? factor * (factor * product) / count : factor * factor * product / count;
}

/* Batch normalisation's running mean or variance goes after channel k's; it may be NULL. */
FNN_INLINE void update_running(real *running, ptrdiff_t k, double momentum, double batch) {
    if (running != NULL) running[k] = (real)momentum * running[k] + (real)(1 - momentum) * (real)batch;
}

#endif
