/* The backward pass of a dense layer of few images, its input gradient with images innermost. */
#ifndef FASTNN_DENSE_DENSE_NCHW16N_H
#define FASTNN_DENSE_DENSE_NCHW16N_H

#include "nchw16n/nchw16n.h"
#include "dense/weight_grad_sink.h"

/* dout (n, m), w (d, m) of the sink → dx (groups, d, 16). */
void FN(affine_nchw16n_input)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, ptrdiff_t groups, const real *dout,
                              const weight_grad_sink *sink, real *dx);

/* Whether w is in panels and the images are few enough for one pass over w. */
bool FN(affine_nchw16n_backward_serves)(ptrdiff_t n, ptrdiff_t m, const weight_grad_sink *sink);

/* The same as affine_nchw16n_input, and the gradient xᵀ · dout of x (n, d), applied to the sink in one pass over w:
 * each tile gives its share of dx and is then updated. */
void FN(affine_nchw16n_backward)(ptrdiff_t n, ptrdiff_t m, ptrdiff_t d, ptrdiff_t groups, const real *x,
                                 const real *dout, const weight_grad_sink *sink, real *dx);

#endif
