/* The transform of a tile's inputs, for the forward pass and the weight gradient. */
#include "winograd/transforms.h"

/* The numbers of points are constants of each instance; `inside` says that no pixel of the tile lies outside. */
FNN_INLINE void transform_tile(const real *plane, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, ptrdiff_t y,
                               ptrdiff_t x, real *v, ptrdiff_t channel_stride, ptrdiff_t point_stride,
                               const bool inside, const int points_h, const int points_w) {
    for (ptrdiff_t c = 0; c < channels; c++, plane += h * w * IMAGE_BLOCK, v += channel_stride) {
#pragma GCC unroll 1
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
            vreal half_transformed[WINOGRAD_POINTS][WINOGRAD_POINTS]; /* Bᵀ d: [point][column] */
#pragma GCC unroll 6
            for (int j = 0; j < points_w; j++) {
                vreal d[WINOGRAD_POINTS];
                const bool column_inside = inside || (x + j >= 0 && x + j < w);
#pragma GCC unroll 6
                for (int i = 0; i < points_h; i++)
                    d[i] = column_inside && (inside || (y + i >= 0 && y + i < h))
                               ? vload(plane + ((y + i) * w + x + j) * IMAGE_BLOCK + l)
                               : vset(0);
                winograd_transform_input(d, 1, &half_transformed[0][j], WINOGRAD_POINTS, points_h);
            }
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) {
                vreal row[WINOGRAD_POINTS];
                winograd_transform_input(half_transformed[i], 1, row, 1, points_w);
#pragma GCC unroll 6
                for (int j = 0; j < points_w; j++) vstore(v + (i * WINOGRAD_POINTS + j) * point_stride + l, row[j]);
            }
        }
    }
}

void FN(winograd_transform_input_tile)(const real *plane, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, ptrdiff_t y,
                                       ptrdiff_t x, real *v, ptrdiff_t channel_stride, ptrdiff_t point_stride,
                                       int points_h, int points_w) {
    const bool inside = y >= 0 && x >= 0 && y + points_h <= h && x + points_w <= w;
#define TRANSFORM(is_inside, points_h, points_w) \
    transform_tile(plane, channels, h, w, y, x, v, channel_stride, point_stride, is_inside, points_h, points_w)
    switch (4 * inside + 2 * (points_h == WINOGRAD_POINTS) + (points_w == WINOGRAD_POINTS)) {
        case 0: TRANSFORM(false, 5, 5); break;
        case 1: TRANSFORM(false, 5, 6); break;
        case 2: TRANSFORM(false, 6, 5); break;
        case 3: TRANSFORM(false, 6, 6); break;
        case 4: TRANSFORM(true, 5, 5); break;
        case 5: TRANSFORM(true, 5, 6); break;
        case 6: TRANSFORM(true, 6, 5); break;
        case 7: TRANSFORM(true, 6, 6); break;
    }
#undef TRANSFORM
}
