/* The register tile: rows × (vectors × VL) elements of C kept in registers over a run of the summed dimension. */
#ifndef FASTNN_GEMM_MICROKERNEL_H
#define FASTNN_GEMM_MICROKERNEL_H

#include "runtime/kernel.h"

#if FNN_VECTOR_REGISTERS == 32
#define TILE_ROWS 12
#define TILE_ACCUMULATORS 24
#define TILE_MAX_VECTORS 8
#else
#define TILE_ROWS 6
#define TILE_ACCUMULATORS 12
#define TILE_MAX_VECTORS 4
#endif
#define TILE_VECTORS (TILE_ACCUMULATORS / TILE_ROWS) /* of a full tile */
#define TILE_COLS (TILE_VECTORS * VL)

/* Whole panels of `cols` columns for each of `threads` to have to itself; the rest is for all of them. */
FNN_INLINE ptrdiff_t panels_to_own(ptrdiff_t cols, ptrdiff_t threads) { return cols / TILE_COLS / threads; }

typedef struct {
    ptrdiff_t k;
    const real *a;
    ptrdiff_t a_row, a_col;
    const int64_t *a_rows;            /* row i of A is row a_rows[i]; or NULL. Not where packed */
    const int64_t *a_steps, *b_steps; /* step p of A, of B, is step …[p]; or NULL */
    const real *b;                    /* k rows of vectors * VL elements, ldb apart */
    ptrdiff_t ldb;
    real *c;
    ptrdiff_t ldc;
    const real *bias;  /* added to every row when the chain is done; or NULL */
    bool resume;       /* take the chain up again from c; otherwise it begins at zero */
    bool add;          /* add what c held when the chain is done (not with resume) */
    ptrdiff_t tail;    /* columns in use of the last vector, 1 … VL */
    bool b_padded;     /* the last vector of a row of b may be read whole */
    const char *ahead; /* lines to prefetch meanwhile, one a product */
    ptrdiff_t ahead_lines;
} tile_task;

/* The most vectors of a tile of `rows` rows; there are instances for all numbers up to it. Few rows take more, so that
 * the chains in flight hide the latency of the multiply-add. */
FNN_INLINE int tile_vectors(ptrdiff_t rows) {
    if (rows * TILE_MAX_VECTORS <= TILE_ACCUMULATORS) return TILE_MAX_VECTORS;
    if (rows * 4 <= TILE_ACCUMULATORS) return 4;
    return TILE_VECTORS;
}

typedef void (*tile_fn)(const tile_task *t);

/* fn(rows, vectors, packed): packed means a_row == 1. */
tile_fn FN(tile_get)(int rows, int vectors, bool packed);

extern const int FN(fnn_panel); /* TILE_COLS, for callers outside */

#endif
