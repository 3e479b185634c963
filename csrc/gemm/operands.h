/* Where the elements of the two factors of a product are, and a panel of the second one packed. */
#ifndef FASTNN_GEMM_OPERANDS_H
#define FASTNN_GEMM_OPERANDS_H

#include "gemm/gemm.h"
#include "gemm/microkernel.h"
#include "gemm/pack.h"

/* The first row of B from column j on. */
FNN_INLINE const real *gemm_columns_of_b(const gemm *g, ptrdiff_t j) {
    return g->b_panel_stride != 0 ? g->b + j / GEMM_NR * g->b_panel_stride + j % GEMM_NR : g->b + j * g->b_col;
}

/* The address of element (i, p) of A. The caller moves the indices, if rows or columns are read by them. */
FNN_INLINE const real *gemm_first_of_a(const gemm *g, ptrdiff_t i, ptrdiff_t p) {
    return g->a + (g->a_row_index == NULL ? i * g->a_row : 0) + (g->a_k_index == NULL ? p * g->a_col : 0);
}

/* dst[q * GEMM_NR + c] = B(p + q, j + c) for q < kc, c < cols; zero for the other columns of a panel. */
static inline void gemm_pack_panel_of_b(const gemm *g, real *dst, ptrdiff_t j, ptrdiff_t cols, ptrdiff_t p,
                                        ptrdiff_t kc) {
    if (g->bt_panel_stride == 0) {
        FN(pack_cols)(dst, GEMM_NR, kc, cols, g->b + p * g->b_row + j * g->b_col, g->b_row, g->b_col);
        return;
    }
    for (ptrdiff_t q = p, next; q < p + kc; q = next) {
        next = fnn_min(p + kc, (q / GEMM_NR + 1) * GEMM_NR);
        const real *src = g->b + q / GEMM_NR * g->bt_panel_stride + q % GEMM_NR * g->b_row + j * g->b_col;
        FN(pack_cols)(dst + (q - p) * GEMM_NR, GEMM_NR, next - q, cols, src, g->b_row, g->b_col);
    }
}

#endif
