/* Mean and variance of channels of images innermost, from those of pieces: the rows of a group of images that a task
 * has at hand. The pieces depend on the shape alone and are put together in their order, so threads cannot be seen.
 *
 * Within a piece and within the whole the variance is taken about the mean.
 */
#ifndef FASTNN_NCHW16N_RUNNING_MOMENTS_H
#define FASTNN_NCHW16N_RUNNING_MOMENTS_H

#include "nchw16n/nchw16n.h"
#include "norm/norm_sums.h"

/* Of one channel of a piece: its mean and Σ (x - mean)². */
typedef struct {
    double mean, rest;
} nchw16n_moments;

FNN_INLINE double nchw16n_lanes_total(vreal v) {
    double total = 0;
    for (ptrdiff_t i = 0; i < VL; i++) total += (double)v[i];
    return total;
}

FNN_INLINE vreal nchw16n_only(vreal v, vreal lanes) { return vselect((vint)(lanes > vset(0)), v, vset(0)); }

/* 1 in the lanes of part `part` that hold one of the group's `images` images. */
FNN_INLINE vreal nchw16n_lanes(ptrdiff_t images, int part) {
    return vfirst(vset(1), fnn_max(0, fnn_min(VL, images - part * VL)));
}

FNN_INLINE void nchw16n_all_lanes(ptrdiff_t images, vreal lanes[]) {
    for (int part = 0; part < NCHW16N_PARTS; part++) lanes[part] = nchw16n_lanes(images, part);
}

/* Σ (x - centre) and Σ (x - centre)² over the pixels at x; runs are summed in the type of the call. */
FNN_INLINE void nchw16n_sums_about(const real *x, ptrdiff_t pixels, ptrdiff_t images, real centre, double sums[2]) {
    const vreal m = vset(centre);
    sums[0] = sums[1] = 0;
    for (int part = 0; part < NCHW16N_PARTS; part++) {
        const vreal lanes = nchw16n_lanes(images, part);
        for (ptrdiff_t i = 0; i < pixels; i += CHAIN) {
            const real *p = x + i * N16 + part * VL;
            const ptrdiff_t count = fnn_min(CHAIN, pixels - i);
            vreal a[4] = {{0}}, b[4] = {{0}};
            ptrdiff_t j = 0;
            for (; j + 4 <= count; j += 4) {
#pragma GCC unroll 4
                for (int k = 0; k < 4; k++) {
                    const vreal d = vload(p + (j + k) * N16) - m;
                    a[k] += d;
                    b[k] = vfma(d, d, b[k]);
                }
            }
            for (; j < count; j++) {
                const vreal d = vload(p + j * N16) - m;
                a[0] += d;
                b[0] = vfma(d, d, b[0]);
            }
            sums[0] += nchw16n_lanes_total(nchw16n_only((a[0] + a[1]) + (a[2] + a[3]), lanes));
            sums[1] += nchw16n_lanes_total(nchw16n_only((b[0] + b[1]) + (b[2] + b[3]), lanes));
        }
    }
}

FNN_INLINE nchw16n_moments nchw16n_moments_of(const real *x, ptrdiff_t pixels, ptrdiff_t images) {
    const double count = (double)(pixels * fnn_min(images, N16));
    if (count <= 0) return (nchw16n_moments){0, 0};
    double sums[2];
    nchw16n_sums_about(x, pixels, images, 0, sums);
    const real centre = (real)(sums[0] / count);
    nchw16n_sums_about(x, pixels, images, centre, sums);
    return (nchw16n_moments){(double)centre + sums[0] / count, sums[1] - sums[0] * sums[0] / count};
}

/* Where the statistics of channels go. */
typedef struct {
    nchw16n_moments *pieces; /* task by task, channel by channel */
    real *mean, *var, *running_mean, *running_var;
    ptrdiff_t images;
    double momentum;
} nchw16n_statistics;

/* The moments of what task `task` has at hand of x[g, c, rows, width, 16]. */
FNN_INLINE void nchw16n_describe(const nchw16n_statistics *s, const nchw16n_cut *cut, int task, const real *x,
                                 ptrdiff_t channels, ptrdiff_t width) {
    const ptrdiff_t group = nchw16n_group(cut, task), begin = nchw16n_begin(cut, task),
                    count = nchw16n_end(cut, task) - begin;
    for (ptrdiff_t c = 0; c < channels; c++) {
        const real *rows = x + ((group * channels + c) * cut->rows + begin) * width * N16;
        s->pieces[task * channels + c] = nchw16n_moments_of(rows, count * width, s->images - group * N16);
    }
}

/* mean and var of `channels` channels, whose planes were cut into pieces so, with `width` pixels a row. */
void FN(nchw16n_statistics_finish)(const nchw16n_statistics *s, const nchw16n_cut *cut, ptrdiff_t channels,
                                   ptrdiff_t width);

#endif
