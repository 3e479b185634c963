/* Windows that slide over an image: where each one begins, and which of its cells lie inside the image. */
#ifndef FASTNN_POOLING_POOL_WINDOW_H
#define FASTNN_POOLING_POOL_WINDOW_H

#include "runtime/kernel.h"
#include "simd/simd_shuffle.h"

typedef struct {
    ptrdiff_t h, w, p, q; /* rows and columns of the image and of the windows */
    ptrdiff_t size_h, size_w, stride_h, stride_w, pad_h, pad_w;
} windows;

FNN_INLINE windows pool_shape_of(ptrdiff_t h, ptrdiff_t w, ptrdiff_t p, ptrdiff_t q, const double *s) {
    return (windows){h,
                     w,
                     p,
                     q,
                     (ptrdiff_t)s[0],
                     (ptrdiff_t)s[1],
                     (ptrdiff_t)s[2],
                     (ptrdiff_t)s[3],
                     (ptrdiff_t)s[4],
                     (ptrdiff_t)s[5]};
}

typedef struct {
    ptrdiff_t begin, end;
} span;

/* The rows of the windows in row i that lie inside the image. */
FNN_INLINE span window_row_range(const windows *g, ptrdiff_t i) {
    const ptrdiff_t top = i * g->stride_h - g->pad_h;
    return (span){fnn_max(0, -top), fnn_min(g->size_h, g->h - top)};
}

/* Which of the windows first … last-1 of a row have their column s inside the image. */
FNN_INLINE span window_column_range(const windows *g, ptrdiff_t s, ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t before = g->pad_w - s, room = g->w - 1 + before;
    const ptrdiff_t begin = before > 0 ? (before + g->stride_w - 1) / g->stride_w : 0;
    const ptrdiff_t end = room < 0 ? 0 : room / g->stride_w + 1;
    return (span){fnn_max(first, begin), fnn_min(last, end)};
}

/* Windows of 2 × 2 side by side, which most networks have. */
FNN_INLINE bool pool_is_2x2(const windows *g) {
    return g->size_h == 2 && g->size_w == 2 && g->stride_h == 2 && g->stride_w == 2 && g->pad_h == 0 && g->pad_w == 0 &&
           2 * g->p <= g->h && 2 * g->q <= g->w;
}

/* Whether one window is the whole image. */
FNN_INLINE bool pool_is_global(const windows *g) {
    return g->p == 1 && g->q == 1 && g->pad_h == 0 && g->pad_w == 0 && g->size_h == g->h && g->size_w == g->w;
}

/* Loads x[0], x[stride], …: VL elements, or `left` if that is less. Nothing behind the last one is read. */
FNN_INLINE vreal load_strided(const real *x, ptrdiff_t stride, ptrdiff_t left) {
    if (stride == 1) return left >= VL ? vload(x) : vload_part(x, left);
    if (stride == 2) {
        const bool whole = left > VL; /* if so, the odd element behind the last one exists too */
        const ptrdiff_t cells = 2 * left - 1;
        const vreal low = whole ? vload(x) : vload_part(x, fnn_min(VL, cells));
        const vreal high = whole ? vload(x + VL) : vload_part(x + VL, fnn_max(0, fnn_min(VL, cells - VL)));
        return VSHUFFLE(low, high, EVEN_LANES);
    }
    vreal v = {0};
    for (ptrdiff_t i = 0; i < fnn_min(VL, left); i++) v[i] = x[i * stride];
    return v;
}

#endif
