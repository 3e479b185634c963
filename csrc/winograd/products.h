/* The matrix products at the 2-D points of Winograd's algorithm. */
#ifndef FASTNN_WINOGRAD_PRODUCTS_H
#define FASTNN_WINOGRAD_PRODUCTS_H

#include "gemm/microkernel.h"

/* What a task of the forward pass holds of some tiles, with the distances from point to point. */
typedef struct {
    real *v; /* the transformed inputs */
    ptrdiff_t v_stride;
    real *m; /* the products: [2-D point][filter][tile][16 images] */
    ptrdiff_t m_stride;
    ptrdiff_t tiles;
} winograd_tile_products;

/* m[filter][column] = Σ over the channels of u[channel][filter] v[channel][column], for `filters` filters, `height` of
 * them in a register tile, and `vectors` vectors of columns. Every sum is one chain. */
FNN_INLINE void winograd_multiply(ptrdiff_t channels, const real *u, ptrdiff_t u_stride, ptrdiff_t filters,
                                  ptrdiff_t height, const real *v, ptrdiff_t vectors, ptrdiff_t v_stride, real *m) {
    for (ptrdiff_t i = 0; i < filters; i += height) {
        const ptrdiff_t rows = fnn_min(height, filters - i);
        const microkernel_args t = {
            .k = channels,
            .a = u + i,
            .a_row = 1,
            .a_col = u_stride,
            .b = v,
            .ldb = v_stride,
            .c = m + i * v_stride,
            .ldc = v_stride,
            .tail = VL,
        };
        FN(microkernel_get)((int)rows, (int)vectors, true)(&t);
    }
}

#endif
