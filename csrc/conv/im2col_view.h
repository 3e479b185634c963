/* The im2col matrix of images as a view: it is never stored whole; blocks of it are copied out when they are needed.
 *
 * Element (k, j): row k is tap (a, b) of channel c, k = (c r + a) s + b; column j is output pixel (y, x) of image i,
 * j = (i rows + y) cols + x. It is input pixel (y step_h + row0 + a tap_h, x step_w + col0 + b tap_w) of channel c in
 * image i, or zero outside the image.
 */
#ifndef FASTNN_CONV_IM2COL_VIEW_H
#define FASTNN_CONV_IM2COL_VIEW_H

#include "runtime/kernel.h"

typedef struct {
    ptrdiff_t h, w; /* the size of an input plane */
    ptrdiff_t channel_stride, image_stride;
    ptrdiff_t rows, cols;     /* the output pixels of one image */
    ptrdiff_t step_h, step_w; /* input rows and columns from output pixel to output pixel; step_w > 0 */
    ptrdiff_t r, s;           /* rows and columns of taps */
    ptrdiff_t row0, col0;     /* what the first output pixel's first tap reads */
    ptrdiff_t tap_h, tap_w;   /* input rows and columns from tap to tap */
} im2col_view;

/* The view of images of `channels` planes of h × w under filters of r × s taps, with rows × cols outputs. A kernel's
 * scalars begin with stride, pad and dilation, each of the rows and then of the columns. */
FNN_INLINE im2col_view im2col_view_of(const double *scalars, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, ptrdiff_t r,
                                      ptrdiff_t s, ptrdiff_t rows, ptrdiff_t cols) {
    return (im2col_view){
        .h = h,
        .w = w,
        .channel_stride = h * w,
        .image_stride = channels * h * w,
        .rows = rows,
        .cols = cols,
        .step_h = (ptrdiff_t)scalars[0],
        .step_w = (ptrdiff_t)scalars[1],
        .r = r,
        .s = s,
        .row0 = -(ptrdiff_t)scalars[2],
        .col0 = -(ptrdiff_t)scalars[3],
        .tap_h = (ptrdiff_t)scalars[4],
        .tap_w = (ptrdiff_t)scalars[5],
    };
}

/* dst[k' - k][j' - j] = element (k', j') for k ≤ k' < k + kc and j ≤ j' < j + cols, its rows `ld` elements apart and
 * filled up with zeros to a multiple of VL. */
void FN(im2col_pack)(const im2col_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, ptrdiff_t j, ptrdiff_t cols,
                     real *dst, ptrdiff_t ld);

/* Where part number `part` begins of `size` items that are cut into `parts`. */
FNN_INLINE ptrdiff_t split_begin(ptrdiff_t size, ptrdiff_t parts, ptrdiff_t part) { return size * part / parts; }

/* --- runs of output pixels beside each other in a row of an image: columns of the matrix that are copied at once ---
 */

typedef struct {
    ptrdiff_t image, y, x, count;
} pixel_run;

/* The run that begins with column j and has at most `most` columns. */
FNN_INLINE pixel_run pixel_run_at(const im2col_view *v, ptrdiff_t j, ptrdiff_t most) {
    const ptrdiff_t plane = v->rows * v->cols, pixel = j % plane, x = pixel % v->cols;
    return (pixel_run){j / plane, pixel / v->cols, x, fnn_min(most, v->cols - x)};
}

/* dst[k' - k][…] = rows k … k+kc-1 of the columns of one run, from the channels x of its image. */
void FN(im2col_pack_run)(const im2col_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, pixel_run run, real *dst,
                         ptrdiff_t ld);

/* dst[b][x] = what tap column b reads for output pixel x of input row `row` of the channel x; the row may lie outside
 * the image. */
void FN(im2col_pack_row)(const im2col_view *v, const real *x, ptrdiff_t row, real *dst, ptrdiff_t ld);

typedef struct {
    ptrdiff_t begin, end;
} pixel_range;

/* Which of `count` pixels, the first at column `first`, the others `step` columns apart, lie inside a row of w. */
FNN_INLINE pixel_range pixels_inside(ptrdiff_t first, ptrdiff_t step, ptrdiff_t w, ptrdiff_t count) {
    const ptrdiff_t begin = first >= 0 ? 0 : fnn_min(count, (step - 1 - first) / step);
    const ptrdiff_t end = w <= first ? 0 : (w - first + step - 1) / step;
    return (pixel_range){begin, fnn_max(begin, fnn_min(count, end))};
}

/* Copies `count` elements. Most runs are so short that a call of memcpy, which compilers make of plain loops, would
 * cost more than the copy. */
FNN_INLINE void copy_run(real *restrict dst, const real *restrict src, ptrdiff_t count) {
    if (count < VL) {
        if (count > 0) vstore_part(dst, vload_part(src, count), count);
        return;
    }
    const vreal last = vload(src + count - VL);
    if (count <= 2 * VL) {
        vstore(dst, vload(src));
        vstore(dst + count - VL, last);
        return;
    }
    ptrdiff_t i = 0;
    for (; i + 4 * VL <= count; i += 4 * VL) {
        const vreal a = vload(src + i), b = vload(src + i + VL), c = vload(src + i + 2 * VL),
                    d = vload(src + i + 3 * VL);
        vstore(dst + i, a), vstore(dst + i + VL, b), vstore(dst + i + 2 * VL, c), vstore(dst + i + 3 * VL, d);
    }
    if (i + 2 * VL <= count) {
        const vreal a = vload(src + i), b = vload(src + i + VL);
        vstore(dst + i, a), vstore(dst + i + VL, b);
        i += 2 * VL;
    }
    if (i + VL <= count) vstore(dst + i, vload(src + i));
    vstore(dst + count - VL, last);
}

FNN_INLINE void zero_run(real *dst, ptrdiff_t count) {
    if (count >= VL)
        memset(dst, 0, (size_t)count * sizeof(real));
    else if (count > 0)
        vstore_part(dst, vset(0), count);
}

#endif
