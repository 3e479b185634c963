/* The register tile: rows × (vectors × VL) elements of C kept in registers over a run of the summed dimension. */
#ifndef FASTNN_GEMM_MICROKERNEL_H
#define FASTNN_GEMM_MICROKERNEL_H

#include "runtime/kernel.h"

#if FNN_VECTOR_REGISTERS == 32
#define GEMM_MR 12
#define GEMM_ACCUMULATORS 24
#define GEMM_MAX_NR_VECTORS 8
#else
#define GEMM_MR 6
#define GEMM_ACCUMULATORS 12
#define GEMM_MAX_NR_VECTORS 4
#endif
#define GEMM_NR_VECTORS (GEMM_ACCUMULATORS / GEMM_MR) /* of a full tile */
#define GEMM_NR (GEMM_NR_VECTORS * VL)

/* Whole panels of `cols` columns for each of `threads` to have to itself; the rest is for all of them. */
FNN_INLINE ptrdiff_t gemm_panels_per_thread(ptrdiff_t cols, ptrdiff_t threads) { return cols / GEMM_NR / threads; }

typedef struct {
    ptrdiff_t k;
    const real *a;
    ptrdiff_t a_row, a_col;
    const int64_t *a_row_index;           /* row i of A is row a_row_index[i]; or NULL. Not where packed */
    const int64_t *a_k_index, *b_k_index; /* step p of A, of B, is step …[p]; or NULL */
    const real *b;                        /* k rows of vectors * VL elements, ldb apart */
    ptrdiff_t ldb;
    real *c;
    ptrdiff_t ldc;
    const real *bias;     /* added to every row when the chain is done; or NULL */
    bool resume;          /* take the chain up again from c; otherwise it begins at zero */
    bool add;             /* add what c held when the chain is done (not with resume) */
    ptrdiff_t tail;       /* columns in use of the last vector, 1 … VL */
    bool b_padded;        /* the last vector of a row of b may be read whole */
    const char *prefetch; /* lines to prefetch meanwhile, one a product */
    ptrdiff_t prefetch_lines;
} microkernel_args;

/* The most vectors of a tile of `rows` rows; there are instances for all numbers up to it. Few rows take more, so that
 * the chains in flight hide the latency of the multiply-add. */
FNN_INLINE int microkernel_vectors(ptrdiff_t rows) {
    if (rows * GEMM_MAX_NR_VECTORS <= GEMM_ACCUMULATORS) return GEMM_MAX_NR_VECTORS;
    if (rows * 4 <= GEMM_ACCUMULATORS) return 4;
    return GEMM_NR_VECTORS;
}

typedef void (*microkernel_fn)(const microkernel_args *t);

/* fn(rows, vectors, packed): packed means a_row == 1. */
microkernel_fn FN(microkernel_get)(int rows, int vectors, bool packed);

extern const int FN(fnn_panel); /* GEMM_NR, for callers outside */

#endif
