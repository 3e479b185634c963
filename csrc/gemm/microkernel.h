/* The microkernel keeps a register tile of rows × (vectors × VL) elements of C over a run of the summed dimension. */
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
/* Whether a loop over products that has nothing else to do is written on its own. With AVX2 a product of a tile is
 * twelve multiply-adds in six cycles, in which a processor takes 36 instructions at most: as many as a loop has that
 * asks in every turn what else there is to do. */
#define GEMM_PLAIN_LOOP (VBYTES == 32)
#define GEMM_NR_VECTORS (GEMM_ACCUMULATORS / GEMM_MR) /* in a full tile */
#define GEMM_NR (GEMM_NR_VECTORS * VL)

/* How many whole panels of `cols` columns each thread gets for itself; the threads share what is left. */
FNN_INLINE ptrdiff_t gemm_panels_per_thread(ptrdiff_t cols, ptrdiff_t threads) { return cols / GEMM_NR / threads; }

typedef struct {
    ptrdiff_t k;
    const real *a;
    ptrdiff_t a_row, a_col;
    const int64_t *a_row_index;           /* row i of A is row a_row_index[i]; or NULL, as always if A is packed */
    const int64_t *a_k_index, *b_k_index; /* the same for step p of A and of B; or NULL */
    const real *b;                        /* k rows of vectors * VL elements, ldb apart */
    ptrdiff_t ldb;
    real *c;
    ptrdiff_t ldc;
    const real *bias;     /* added to every row when the chain is done; or NULL */
    bool resume;          /* the chain continues from c; otherwise it begins at zero */
    bool add;             /* when the chain is done, the old value of c is added (not with resume) */
    ptrdiff_t tail;       /* how many lanes of the last vector are in use, 1 … VL */
    bool b_padded;        /* the last vector of a row of b may be read whole */
    const char *prefetch; /* cache lines to prefetch, one with each product */
    ptrdiff_t prefetch_lines;
} microkernel_args;

/* The largest number of vectors in a tile of `rows` rows; there are instances for all smaller numbers too. Tiles of few
 * rows are wider, so that there are enough chains to hide the latency of the multiply-add. */
FNN_INLINE int microkernel_vectors(ptrdiff_t rows) {
    if (rows * GEMM_MAX_NR_VECTORS <= GEMM_ACCUMULATORS) return GEMM_MAX_NR_VECTORS;
    if (rows * 4 <= GEMM_ACCUMULATORS) return 4;
    return GEMM_NR_VECTORS;
}

typedef void (*microkernel_fn)(const microkernel_args *t);

/* The instance for that tile; `packed` means a_row == 1. */
microkernel_fn FN(microkernel_get)(int rows, int vectors, bool packed);

extern const int FN(fnn_panel); /* GEMM_NR, for the binding */

#endif
