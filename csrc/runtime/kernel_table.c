/* The kernel table of one (instruction set, type): signatures as in fastnn/kernels/__init__.py. */
#include "runtime/kernel.h"

#define WINDOW "stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w"
#define CONV WINDOW ", algorithm"

#include "runtime/kernel_table_image.h"
#include "runtime/kernel_table_nchw16n.h" /* with the words defined above */

#define KERNELS(_)                                                                                                    \
    _(affine_forward, "x[n,d]@, w[d,m+], b[m]?, out[n,m]!")                                                           \
    _(affine_backward_input, "dout[n,m], w[d,m+], dx[n,d]!")                                                          \
    _(affine_backward_weight, "x[n,d]@, dout[n,m], dw[d,m]~, db[m]?~, beta")                                          \
    _(conv_forward, "x[n,c,h,w], weight[f,k,r,s], b[f]?, out[n,f,p,q]!, " CONV)                                       \
    _(conv_backward_input, "dout[n,f,p,q], weight[f,k,r,s], dx[n,c,h,w]!, " CONV)                                     \
    _(conv_backward_weight, "x[n,c,h,w], dout[n,f,p,q], dw[f,k,r,s]~, db[f]?~, " CONV ", beta")                       \
    _(conv_activation_forward, "x[n,c,h,w], weight[f,k,r,s], b[f]?, out[n,f,p,q]!, " CONV ", kind, alpha")            \
    _(conv_activation_backward_input,                                                                                 \
      "dout[n,f,p,q], weight[f,k,r,s], out[n,c,h,w], dx[n,c,h,w]!, " CONV ", kind, alpha")                            \
    _(im2col, "x[n,c,h,w], columns[n,c,r,s,p,q]!, " WINDOW)                                                           \
    _(col2im, "columns[n,c,r,s,p,q], dx[n,c,h,w]!, " WINDOW)                                                          \
    _(activation_forward, "x[*], out[*]!, kind, alpha")                                                               \
    _(activation_backward, "dout[*], x[*]?, out[*], dx[*]!, kind, alpha")                                             \
    _(softmax_forward, "x[n,c], out[n,c]!, sign")                                                                     \
    _(softmax_backward, "dout[n,c], out[n,c], dx[n,c]!, sign")                                                        \
    _(log_softmax_forward, "x[n,c], out[n,c]!")                                                                       \
    _(log_softmax_backward, "dout[n,c], out[n,c], dx[n,c]!")                                                          \
    _(argmax, "x[n,c], out[n]:i64!")                                                                                  \
    _(softmax_cross_entropy, "x[n,c], labels[n]:i64, dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale")   \
    _(soft_cross_entropy, "x[n,c], targets[n,c], dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale")       \
    _(multiclass_hinge, "x[n,c], labels[n]:i64, dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale, delta") \
    _(binary_cross_entropy, "x[n,c], targets[n,c], dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale")     \
    _(squared_error, "x[n,c], targets[n,c], dx[n,c]?!, loss[1]:f64!, weights[n]?, scale")                             \
    _(gather_rows, "source[r,d]:any, index[n]:i64?, out[n,d]!, scale")                                                \
    _(gather_labels, "source[r]:i64, index[n]:i64?, out[n]:i64!")                                                     \
    _(permutations, "order[m,n]:i64!, work[m,n]:i64!, epoch, seed_low, seed_high, purpose")                           \
    _(to_panels, "matrix[n,m], panels[c,n,s]!")                                                                       \
    _(from_panels, "panels[c,n,s], matrix[n,m]!")                                                                     \
    _(sgd_update, "w[*]~, dw[*], rate[1]:f64, decay")                                                                 \
    _(momentum_update, "w[*]~, v[*]~, dw[*], rate[1]:f64, momentum, decay")                                           \
    _(nesterov_update, "w[*]~, v[*]~, dw[*], rate[1]:f64, momentum, decay")                                           \
    _(rmsprop_update, "w[*]~, v[*]~, dw[*], rate[1]:f64, rho, eps, decay")                                            \
    _(adagrad_update, "w[*]~, v[*]~, dw[*], rate[1]:f64, eps, decay")                                                 \
    _(adam_update, "w[*]~, m[*]~, v[*]~, dw[*], rate[1]:f64, t[1]:i64, beta1, beta2, eps, decay")                     \
    _(adamw_update, "w[*]~, m[*]~, v[*]~, dw[*], rate[1]:f64, t[1]:i64, beta1, beta2, eps, decay")                    \
    _(clip_norm, "g[*]~, limit")                                                                                      \
    _(clip_value, "g[*]~, limit")                                                                                     \
    _(affine_activation_forward, "x[n,d]@, w[d,m+], b[m]?, out[n,m]!, kind, alpha")                                   \
    _(affine_activation_backward_input, "dout[n,m], w[d,m+], out[n,d], dx[n,d]!, kind, alpha")                        \
    _(affine_backward_weight_sgd, "x[n,d]@, dout[n,m], w[d,m+]~, b[m]?~, rate[1]:f64, decay, decay_b")                \
    _(affine_backward_weight_momentum, "x[n,d]@, dout[n,m], w[d,m+]~, vw[d,m+]~, b[m]?~, vb[m]?~, rate[1]:f64, "      \
                                       "momentum, decay, decay_b")                                                    \
    _(affine_backward_weight_adam, "x[n,d]@, dout[n,m], w[d,m+]~, mw[d,m+]~, vw[d,m+]~, b[m]?~, mb[m]?~, vb[m]?~, "   \
                                   "rate[1]:f64, t[1]:i64, beta1, beta2, eps, decay, decay_b")                        \
    _(affine_backward_weight_adamw, "x[n,d]@, dout[n,m], w[d,m+]~, mw[d,m+]~, vw[d,m+]~, b[m]?~, mb[m]?~, vb[m]?~, "  \
                                    "rate[1]:f64, t[1]:i64, beta1, beta2, eps, decay, decay_b")

/* measurements of the machine, for explain and the benchmarks; not part of the kernel table */
#define PROBES(_)                          \
    _(probe_fma, "like[1], rates[n]:f64~") \
    _(probe_memory, "sweep[*]~, update")

#define DECLARE(name, signature) void FN(name)(const fnn_op *op);
KERNELS(DECLARE)
KERNELS_IMAGE(DECLARE)
KERNELS_NCHW16N(DECLARE)
PROBES(DECLARE)

#define ROW(name, signature) {#name "(" signature ")", FN(name)},
const fnn_entry FN(fnn_table)[] = {KERNELS(ROW) KERNELS_IMAGE(ROW) KERNELS_NCHW16N(ROW){NULL, NULL}};
const fnn_entry FN(fnn_probes)[] = {PROBES(ROW){NULL, NULL}};
