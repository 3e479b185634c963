/* The backward pass of a dense layer of few images, its input gradient with images innermost. */
#ifndef FASTNN_AFFINE_N16_H
#define FASTNN_AFFINE_N16_H

#include "n16.h"
#include "outer.h"

/* dout (n, m), w (d, m) of the sink → dx (groups, d, 16). */
void FN(affine_n16_input)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, ptrdiff_t groups, const real *dout,
                          const outer_sink *sink, real *dx);

/* The same, and the gradient xᵀ · dout of x (n, d) spent on the sink's update, in one sweep over w: each tile gives its
 * share of dx and is updated then. False, and nothing done, where w is not in panels or the images are too many. */
bool FN(affine_n16_backward)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, ptrdiff_t groups, const real *x, const real *dout,
                             const outer_sink *sink, real *dx);

#endif
