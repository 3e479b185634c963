/* The last step of Winograd's algorithm: outputs from the products at the points, bias, activation. */
#ifndef FASTNN_WINOGRAD_OUTPUT_H
#define FASTNN_WINOGRAD_OUTPUT_H

#include "elementwise/activation.h"
#include "winograd/transforms.h"

/* What is done to sums: bias, activation. */
typedef struct {
    real bias;
    int kind;
    real alpha;
} winograd_end;

/* The outputs of one tile and filter: `products` lies `apart` from pair to pair; rows × cols of the m_h × m_w outputs
 * are written, `row` elements from row to row. */
FNN_INLINE void winograd_finish(const real *products, ptrdiff_t apart, winograd_end end, real *out, ptrdiff_t row,
                                ptrdiff_t rows, ptrdiff_t cols, const int points_h, const int points_w, const int m_h,
                                const int m_w) {
    const vreal least = end.kind == RELU ? vset(0) : vset(-(real)INFINITY);
    for (ptrdiff_t l = 0; l < N16; l += VL) {
        vreal lines[WINOGRAD_MAX_OUTPUTS][POINTS];
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) {
            vreal v[POINTS];
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) v[i] = vload(products + (i * POINTS + j) * apart + l);
            winograd_output(v, 1, &lines[0][j], POINTS, points_h, m_h);
        }
#pragma GCC unroll 5
        for (int i = 0; i < m_h; i++) {
            vreal sums[WINOGRAD_MAX_OUTPUTS];
            winograd_output(lines[i], 1, sums, 1, points_w, m_w);
            if (i >= rows) break;
#pragma GCC unroll 5
            for (int j = 0; j < m_w; j++)
                if (j < cols) vstore(out + i * row + j * N16 + l, vmax(least, sums[j] + vset(end.bias)));
        }
    }
    if (end.kind > RELU)
        for (ptrdiff_t i = 0; i < rows; i++) activate_block(end.kind, end.alpha, out + i * row, 0, 1, cols * N16);
}

#endif
