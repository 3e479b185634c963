/* Matrix product with an addend and an epilogue: C (m × n) = A (m × k) · B (k × n) + addend.
 *
 * Every element is ONE chain of fused multiply-adds over p = 0 … k-1 that begins at zero; the addend comes last.
 * Stopping a chain at the end of a block and resuming it from memory changes no bit, so the result does not depend on
 * blocks, tiles, threads or packing. (If `accumulate` is set and k is above FNN_FUSED_BATCH, there is one chain for
 * every FNN_FUSED_BATCH products.)
 */
#ifndef FASTNN_GEMM_GEMM_H
#define FASTNN_GEMM_GEMM_H

#include "runtime/kernel.h"

typedef struct gemm gemm;

/* Called once for each finished rectangle of C (rows i … i+rows-1, columns j … j+cols-1) while it is in cache. */
typedef void (*gemm_epilogue)(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                              ptrdiff_t cols);

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
    const real *bias;       /* n addends, the same in every row; or NULL */
    bool bf16;              /* factors may be rounded to bf16 where that is faster (gemm/gemm_bf16.h) */
    bool accumulate;        /* the addend is the old value of C */
    bool whole_panels;      /* the epilogue's columns never cross a multiple of GEMM_NR */
    bool whole_columns;     /* rows are not divided: the epilogue gets all m <= GEMM_MR rows of its columns */
    gemm_epilogue epilogue; /* may be NULL */
    const void *context;    /* for the epilogue */
};

void FN(gemm_run)(const gemm *g);

/* The largest k whose panels fit the workspace in one piece. */
#endif
