/* The last step of Winograd's algorithm for one tile and one filter: outputs from the products at its points, bias and
 * activation, while the outputs are still in registers or in the first-level cache. */
#ifndef FASTNN_WINOGRAD_EPILOGUE_H
#define FASTNN_WINOGRAD_EPILOGUE_H

#include "elementwise/activation.h"
#include "winograd/transforms.h"

/* out[row][column][16]: rows × cols of the tile's m_h × m_w outputs, `row_stride` elements from row to row, from
 * m[2-D point][16], `point_stride` elements from point to point. ReLU is applied in registers; the other activations in
 * a pass over the outputs just written. */
FNN_INLINE void winograd_finish_tile(const real *m, ptrdiff_t point_stride, real bias, int kind, real alpha, real *out,
                                     ptrdiff_t row_stride, ptrdiff_t rows, ptrdiff_t cols, const int points_h,
                                     const int points_w, const int m_h, const int m_w) {
    const vreal lower_bound = kind == RELU ? vset(0) : vset(-(real)INFINITY);
    for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
        vreal half_transformed[WINOGRAD_MAX_OUTPUTS][WINOGRAD_POINTS]; /* Aᵀ m: [output row][point] */
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) {
            vreal column[WINOGRAD_POINTS];
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) column[i] = vload(m + (i * WINOGRAD_POINTS + j) * point_stride + l);
            winograd_transform_output(column, 1, &half_transformed[0][j], WINOGRAD_POINTS, points_h, m_h);
        }
#pragma GCC unroll 5
        for (int i = 0; i < m_h; i++) {
            vreal row[WINOGRAD_MAX_OUTPUTS];
            winograd_transform_output(half_transformed[i], 1, row, 1, points_w, m_w);
            if (i >= rows) break;
#pragma GCC unroll 5
            for (int j = 0; j < m_w; j++)
                if (j < cols)
                    vstore(out + i * row_stride + j * IMAGE_BLOCK + l, vmax(lower_bound, row[j] + vset(bias)));
        }
    }
    if (kind > RELU)
        for (ptrdiff_t i = 0; i < rows; i++)
            FN(activate_block)(kind, alpha, out + i * row_stride, 0, 1, cols * IMAGE_BLOCK);
}

#endif
