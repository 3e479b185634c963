/* The windows of images as the columns of a matrix, of which blocks are copied out when they are needed. */
#ifndef FASTNN_CONV_IMPLICIT_GEMM_PACK_H
#define FASTNN_CONV_IMPLICIT_GEMM_PACK_H

#include "runtime/kernel.h"

/* Element (k, j) of the matrix: row k is tap (a, b) of channel c, k = (c r + a) s + b; column j is window (y, x) of
 * image i, j = (i rows + y) cols + x. It is the source's pixel (y step_h + row0 + a tap_h, x step_w + col0 + b tap_w)
 * in channel c of image i, or zero outside. */
typedef struct {
    ptrdiff_t h, w;           /* of a source plane */
    ptrdiff_t channel, image; /* elements from plane to plane and from image to image */
    ptrdiff_t rows, cols;     /* windows of an image */
    ptrdiff_t step_h, step_w; /* source lines from window to window; step_w > 0 */
    ptrdiff_t r, s;           /* taps */
    ptrdiff_t row0, col0;     /* first tap of the first window */
    ptrdiff_t tap_h, tap_w;   /* source lines from tap to tap */
} conv_view;

/* dst[(k' - k) ld + j' - j] = element (k', j') for k' < k + kc, j' < j + cols, and zeros up to a multiple of VL. */
void FN(conv_pack)(const conv_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, ptrdiff_t j, ptrdiff_t cols, real *dst,
                   ptrdiff_t ld);

/* Where part t of `units` cut into `tasks` begins. */
FNN_INLINE ptrdiff_t share(ptrdiff_t units, ptrdiff_t tasks, ptrdiff_t t) { return units * t / tasks; }

/* --- runs of windows beside each other, which is how columns lie in an image --- */

typedef struct {
    ptrdiff_t image, y, x, count;
} conv_run;

/* The run that column j begins, of at most `most` columns. */
FNN_INLINE conv_run conv_run_at(const conv_view *v, ptrdiff_t j, ptrdiff_t most) {
    const ptrdiff_t plane = v->rows * v->cols, pixel = j % plane, x = pixel % v->cols;
    return (conv_run){j / plane, pixel / v->cols, x, fnn_min(most, v->cols - x)};
}

/* Rows k … k+kc-1 of the columns of one run, in the image x: `ld` elements from row to row of dst. */
void FN(conv_pack_run)(const conv_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, conv_run run, real *dst,
                       ptrdiff_t ld);

/* One line of the channel x (row `row`, which may lie outside) under every tap of a filter row, for all windows beside
 * each other: `ld` elements from tap to tap of dst. */
void FN(conv_pack_line)(const conv_view *v, const real *x, ptrdiff_t row, real *dst, ptrdiff_t ld);

/* Which of `count` pixels, `step` apart from pixel `first` on, lie in a line of w. */
typedef struct {
    ptrdiff_t begin, end;
} conv_range;

FNN_INLINE conv_range conv_inside(ptrdiff_t first, ptrdiff_t step, ptrdiff_t w, ptrdiff_t count) {
    const ptrdiff_t begin = first >= 0 ? 0 : fnn_min(count, (step - 1 - first) / step);
    const ptrdiff_t end = w <= first ? 0 : (w - first + step - 1) / step;
    return (conv_range){begin, fnn_max(begin, fnn_min(count, end))};
}

/* Runs are short: a call of memcpy costs more than most of them, and that is what the compiler makes of plain loops. */
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
