/* Inputs of a dense layer that are zero in every row of a small batch, as most pixels of drawings are.
 *
 * They add zero to every sum, so that leaving them out changes no bit, as long as the weights and gradients that they
 * are multiplied by are finite: zero times infinity is NaN, which must come out. A weight below the smallest normal
 * number, which counts as zero, stays as it is where its input is left out, and an update would write zero. What is
 * left out is found anew in every call.
 */
#ifndef FASTNN_DENSE_ZERO_INPUTS_H
#define FASTNN_DENSE_ZERO_INPUTS_H

#include "gemm/gemm_problem.h"

/* The inputs of a batch in order: those that are not zero in some row, and those that are in all. */
typedef struct {
    int64_t *used, *zero;
    ptrdiff_t used_count, zero_count;
} zero_inputs;

enum { ZERO_INPUTS_MAX = 1 << 14 }; /* more inputs are not looked at */

/* Bytes of `memory` that zero_inputs_find needs. */
FNN_INLINE ptrdiff_t zero_inputs_bytes(ptrdiff_t inputs) { return 2 * inputs * (ptrdiff_t)sizeof(int64_t); }

/* Finds them among `inputs` inputs of `rows` rows of x, read by `index` if there is one. Returns whether there are
 * enough zeros to gain by leaving them out. */
bool FN(zero_inputs_find)(const real *x, ptrdiff_t rows, ptrdiff_t inputs, const int64_t *index, void *memory,
                          zero_inputs *found);

/* Whether all of these are finite. */
bool FN(all_finite)(const real *p, ptrdiff_t count);

/* Computes a product of few rows of inputs without the zeros. Returns false, and has done nothing, if that is no gain.
 * An output some of whose weights of zero inputs are not finite is computed with all inputs. */
bool FN(gemm_without_zeros)(const gemm *g);

#endif
