/* A product with few columns, where vectors that run over them would be half empty: they run over the summed dimension.
 *
 * An element is the sum of VL chains of fused multiply-adds, lane l over p = l, l + VL, …, added up as vlanes does; the
 * bias comes last. Which products are made so depends on n and k alone. (B is one panel at most.)
 */
#ifndef FASTNN_GEMM_GEMM_DOT_H
#define FASTNN_GEMM_GEMM_DOT_H

#include "gemm/gemm.h"

/* Whether the product has few columns and its chains are long enough. */
bool FN(gemm_dot_serves)(const gemm *g);

/* Makes a product that it serves, with bias and epilogue. */
void FN(gemm_dot_run)(const gemm *g);

#endif
