/* Copies a block of a matrix in the order in which the microkernel reads it. */
#ifndef FASTNN_GEMM_PACK_H
#define FASTNN_GEMM_PACK_H

#include "runtime/kernel.h"

/* dst[p * height + i] = src(i, p) for i < height, p < k. May write up to VL elements behind the block. If `rows` is
 * given, row i is read from row rows[i] of src; if `steps` is given, and `row` is 1, step p from step steps[p]. */
void FN(pack_rows)(real *dst, ptrdiff_t height, ptrdiff_t k, const real *src, ptrdiff_t row, ptrdiff_t col,
                   const int64_t *rows, const int64_t *steps);

/* dst[p * width + j] = src(p, j) for p < k, j < cols; zero for cols <= j < width, where width is a multiple of VL. */
void FN(pack_cols)(real *dst, ptrdiff_t width, ptrdiff_t k, ptrdiff_t cols, const real *src, ptrdiff_t row,
                   ptrdiff_t col);

#endif
