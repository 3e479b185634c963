/* A product with few columns. Vectors along the columns would be half empty, so they run along the summed dimension.
 *
 * An element is the sum of VL chains of fused multiply-adds, where lane l has p = l, l + VL, …; vlanes adds the lanes
 * up, and the bias comes last. Whether a product is computed like this depends on n and k alone. (B has at most one
 * panel.)
 */
#ifndef FASTNN_GEMM_GEMM_DOT_H
#define FASTNN_GEMM_GEMM_DOT_H

#include "gemm/gemm.h"

/* Whether the product has few columns and its chains are long enough. */
bool FN(gemm_dot_serves)(const gemm *g);

/* Makes a product that it serves, with bias and epilogue. */
void FN(gemm_dot_run)(const gemm *g);

#endif
