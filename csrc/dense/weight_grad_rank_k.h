/* The weight gradient of few samples, a rank-k update: xᵀ · dout with k = n samples. */
#ifndef FASTNN_DENSE_WEIGHT_GRAD_RANK_K_H
#define FASTNN_DENSE_WEIGHT_GRAD_RANK_K_H

#include "dense/weight_grad_sink.h"

/* Up to so many samples the rows of dout stay in registers while w streams by. AVX2 has registers for half of twelve
 * rows; the others come from the first-level cache as fast as they are multiplied. */
enum { RANK_K_MAX_SAMPLES = VBYTES == 32 ? 12 : GEMM_MR };

/* x (n, d), its rows read by `index` if there is one, and dout (n, m) → the gradient (d, m). Each element is one chain
 * over the samples, as gemm_run makes it. */
void FN(weight_grad_rank_k)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index,
                            const real *dout, const weight_grad_sink *sink);

#endif
