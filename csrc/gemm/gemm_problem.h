/* A matrix product as all ways to compute it take it: where its factors are, and what becomes of its elements. */
#ifndef FASTNN_GEMM_GEMM_PROBLEM_H
#define FASTNN_GEMM_GEMM_PROBLEM_H

#include "gemm/microkernel.h"
#include "gemm/pack.h"

typedef struct gemm gemm;

/* Called once for each finished rectangle of C (rows i … i+rows-1, columns j … j+cols-1) while it is in cache. */
typedef void (*gemm_epilogue)(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                              ptrdiff_t cols);

/* Computes columns j … j_end-1 of rows i … i_end-1. */
typedef void gemm_rectangle(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end);

struct gemm {
    ptrdiff_t m, n, k;
    const real *a; /* element (i, p) at a[i * a_row + p * a_col] */
    ptrdiff_t a_row, a_col;
    const int64_t *a_row_index;           /* row i is read from row a_row_index[i] (a_col is 1); or NULL */
    const int64_t *a_k_index, *b_k_index; /* the same for index p (a_row and b_col are 1); or NULL */
    const real *b;                        /* element (p, j) at b[p * b_row + j * b_col] */
    ptrdiff_t b_row, b_col;
    /* The distance between panels if B, or its transpose, is kept in panels of GEMM_NR columns; otherwise 0. With
     * b_panel_stride column j is in panel j / GEMM_NR; with bt_panel_stride row p is in panel p / GEMM_NR. */
    ptrdiff_t b_panel_stride, bt_panel_stride;
    real *c; /* NULL: C exists tile by tile, for the epilogue only (then k <= FNN_FUSED_BATCH) */
    ptrdiff_t ldc;
    const real *bias;        /* n addends, the same in every row; or NULL */
    int precision;           /* enum precision: factors may be split into so many bf16 numbers, where that is faster */
    gemm_rectangle *rounded; /* how it is done then, or NULL; gemm_run finds it */
    bool accumulate;         /* the addend is the old value of C */
    bool whole_panels;       /* the epilogue's columns never cross a multiple of GEMM_NR */
    bool whole_columns;      /* rows are not divided: the epilogue gets all m <= GEMM_MR rows of its columns */
    gemm_epilogue epilogue;  /* may be NULL */
    const void *context;     /* for the epilogue */
};

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
