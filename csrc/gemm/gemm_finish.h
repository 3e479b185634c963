/* What becomes of a tile of finished sums, of the ways to compute a product that keep whole chains in registers. */
#ifndef FASTNN_GEMM_GEMM_FINISH_H
#define FASTNN_GEMM_GEMM_FINISH_H

#include "gemm/gemm_problem.h"

/* Adds what is added to a finished tile, whose rows are ld elements apart, puts it into C, if there is one, and gives
 * it to the epilogue. */
static inline void gemm_finish(const gemm *g, real *from, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows,
                               ptrdiff_t cols) {
    real *c = g->c == NULL ? from : g->c + i * g->ldc + j;
    const ptrdiff_t ldc = g->c == NULL ? ld : g->ldc;
    for (ptrdiff_t r = 0; r < rows && (g->c != NULL || g->bias != NULL); r++)
        for (ptrdiff_t v = 0; v < cols; v += VL) {
            const ptrdiff_t left = fnn_min(VL, cols - v);
            vreal sum = vload(from + r * ld + v);
            if (g->bias != NULL) sum += vload_part(g->bias + j + v, left);
            if (g->accumulate) sum += vload_part(c + r * ldc + v, left);
            vstore_part(c + r * ldc + v, sum, left);
        }
    if (g->epilogue != NULL) g->epilogue(g, c, ldc, i, j, rows, cols);
}

#endif
