/* Mean and variance of channels in the layout NCHW16n, put together from the moments of slices: the rows of a block of
 * images that one task has at hand. The slices follow from the shape alone and are combined in their order, so the bits
 * are the same for any number of threads. Both within a slice and over all slices the squares are taken about the mean.
 */
#ifndef FASTNN_NCHW16N_BATCH_MOMENTS_H
#define FASTNN_NCHW16N_BATCH_MOMENTS_H

#include "nchw16n/nchw16n.h"
#include "norm/norm_sums.h"

/* The moments of one channel of a slice: its mean, and m2 = Σ (x - mean)². */
typedef struct {
    double mean, m2;
} nchw16n_moments;

FNN_INLINE double nchw16n_sum_lanes(vreal v) {
    double total = 0;
    for (ptrdiff_t i = 0; i < VL; i++) total += (double)v[i];
    return total;
}

/* 1 in the lanes of vector `part` of a pixel that hold one of the block's `images` images, 0 in the others. */
FNN_INLINE vreal nchw16n_lane_mask(ptrdiff_t images, int part) {
    return vfirst(vset(1), fnn_max(0, fnn_min(VL, images - part * VL)));
}

/* The masks of all vectors of a pixel. */
FNN_INLINE void nchw16n_lane_masks(ptrdiff_t images, vreal masks[]) {
    for (int part = 0; part < PIXEL_VECTORS; part++) masks[part] = nchw16n_lane_mask(images, part);
}

FNN_INLINE vreal nchw16n_mask_lanes(vreal v, vreal mask) { return vselect((vint)(mask > vset(0)), v, vset(0)); }

/* sums[0] = Σ (x - centre) and sums[1] = Σ (x - centre)² over x[pixel][16]. Runs of CHAIN pixels are summed in the type
 * of the array, the runs' sums in double. */
FNN_INLINE void nchw16n_sum_about(const real *x, ptrdiff_t pixels, ptrdiff_t images, real centre, double sums[2]) {
    const vreal m = vset(centre);
    sums[0] = sums[1] = 0;
    for (int part = 0; part < PIXEL_VECTORS; part++) {
        const vreal mask = nchw16n_lane_mask(images, part);
        for (ptrdiff_t i = 0; i < pixels; i += CHAIN) {
            const real *p = x + i * IMAGE_BLOCK + part * VL;
            const ptrdiff_t count = fnn_min(CHAIN, pixels - i);
            vreal a[4] = {{0}}, b[4] = {{0}};
            ptrdiff_t j = 0;
            for (; j + 4 <= count; j += 4) {
#pragma GCC unroll 4
                for (int k = 0; k < 4; k++) {
                    const vreal d = vload(p + (j + k) * IMAGE_BLOCK) - m;
                    a[k] += d;
                    b[k] = vfma(d, d, b[k]);
                }
            }
            for (; j < count; j++) {
                const vreal d = vload(p + j * IMAGE_BLOCK) - m;
                a[0] += d;
                b[0] = vfma(d, d, b[0]);
            }
            sums[0] += nchw16n_sum_lanes(nchw16n_mask_lanes((a[0] + a[1]) + (a[2] + a[3]), mask));
            sums[1] += nchw16n_sum_lanes(nchw16n_mask_lanes((b[0] + b[1]) + (b[2] + b[3]), mask));
        }
    }
}

FNN_INLINE nchw16n_moments nchw16n_moments_of(const real *x, ptrdiff_t pixels, ptrdiff_t images) {
    const double count = (double)(pixels * fnn_min(images, IMAGE_BLOCK));
    if (count <= 0) return (nchw16n_moments){0, 0};
    double sums[2];
    nchw16n_sum_about(x, pixels, images, 0, sums);
    const real centre = (real)(sums[0] / count);
    nchw16n_sum_about(x, pixels, images, centre, sums);
    return (nchw16n_moments){(double)centre + sums[0] / count, sums[1] - sums[0] * sums[0] / count};
}

/* Where the statistics of a batch go. */
typedef struct {
    nchw16n_moments *slices; /* [task][channel] */
    real *mean, *var;        /* one element for each channel */
    real *running_mean, *running_var;
    ptrdiff_t images;
    double momentum; /* the weight of the running moments' old values */
    double eps;      /* what will be added to the variance; 1 where that is not known */
} nchw16n_statistics;

/* Stores the statistics of channel c, which has `count` values. The running variance follows the unbiased one. */
FNN_INLINE void nchw16n_store_statistics(const nchw16n_statistics *s, ptrdiff_t c, real mean, real var, double count) {
    s->mean[c] = mean;
    s->var[c] = var;
    update_running(s->running_mean, c, s->momentum, (double)mean);
    const real variance = (real)norm_variance((double)var);
    if (count > 1) update_running(s->running_var, c, s->momentum, (double)(variance * (real)(count / (count - 1))));
}

/* Computes the moments of the slice of x[image block][channel][row][col][16] that task `task` has at hand. */
FNN_INLINE void nchw16n_slice_moments(const nchw16n_statistics *s, const nchw16n_partition *partition, int task,
                                      const real *x, ptrdiff_t channels, ptrdiff_t cols) {
    const ptrdiff_t block = nchw16n_task_block(partition, task), begin = nchw16n_row_begin(partition, task),
                    count = nchw16n_row_end(partition, task) - begin;
    for (ptrdiff_t c = 0; c < channels; c++) {
        const real *rows = x + ((block * channels + c) * partition->rows + begin) * cols * IMAGE_BLOCK;
        s->slices[task * channels + c] = nchw16n_moments_of(rows, count * cols, s->images - block * IMAGE_BLOCK);
    }
}

/* The values of channel c of x[image block][channels][pixels][16]. */
FNN_INLINE norm_values nchw16n_channel_values(const real *x, ptrdiff_t c, ptrdiff_t channels, ptrdiff_t pixels,
                                              ptrdiff_t images) {
    const ptrdiff_t plane = pixels * IMAGE_BLOCK;
    return (norm_values){x + c * plane, images, IMAGE_BLOCK, channels * plane, pixels, IMAGE_BLOCK};
}

/* Computes the statistics of all channels of x from the moments of their slices. A row has `cols` pixels. */
void FN(nchw16n_combine_moments)(const nchw16n_statistics *s, const nchw16n_partition *partition, const real *x,
                                 ptrdiff_t channels, ptrdiff_t cols);

#endif
