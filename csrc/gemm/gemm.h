/* Matrix product with an addend and an epilogue: C (m × n) = A (m × k) · B (k × n) + addend.
 *
 * Every element is ONE chain of fused multiply-adds over p = 0 … k-1 that begins at zero; the addend comes last.
 * Stopping a chain at the end of a block and resuming it from memory changes no bit, so the result does not depend on
 * blocks, tiles, threads or packing. (If `accumulate` is set and k is above FNN_FUSED_BATCH, there is one chain for
 * every FNN_FUSED_BATCH products.)
 */
#ifndef FASTNN_GEMM_GEMM_H
#define FASTNN_GEMM_GEMM_H

#include "gemm/gemm_problem.h"

void FN(gemm_run)(const gemm *g);

/* How this product is computed from factors that are rounded; NULL: its precision is that of floats, or its shape is
 * not worth it. */
gemm_rectangle *FN(gemm_rounded)(const gemm *g);

#endif
