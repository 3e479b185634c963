/* The matrix product of gemm/gemm.h with both factors rounded to bf16, eight digits of two, and sums in float.
 *
 * Every element is one chain over pairs of the summed dimension, from zero: first the second product of a pair is
 * added, then the first, each with one rounding. An odd last element has the pair 0. The addend comes last.
 */
#ifndef FASTNN_GEMM_GEMM_BF16_H
#define FASTNN_GEMM_GEMM_BF16_H

#include "gemm/gemm_problem.h"

/* Whether this product is faster with factors of bf16, which depends on its shape and on the processor. */
bool FN(gemm_bf16_serves)(const gemm *g);

/* Computes columns j … j_end-1 of rows i … i_end-1 of a product that it serves. */
void FN(gemm_bf16_rectangle)(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end);

#endif
