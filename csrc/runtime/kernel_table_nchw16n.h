/* Rows of the kernel table: images innermost. CONV is runtime/kernel_table.c's. */
#ifndef FASTNN_RUNTIME_KERNEL_TABLE_NCHW16N_H
#define FASTNN_RUNTIME_KERNEL_TABLE_NCHW16N_H

#define POOL_NCHW16N "size_h, size_w, stride_h, stride_w, pad_h, pad_w"

#define KERNELS_NCHW16N(_)                                                                                           \
    _(rows_to_nchw16n, "x[n,d], out[g,d,16]!")                                                                       \
    _(nchw16n_to_rows, "x[g,d,16], out[n,d]!")                                                                       \
    _(gather_nchw16n, "source[r,d]:any, index[n]:i64?, out[g,d,16]!, scale")                                         \
    _(affine_backward_input_nchw16n, "dout[n,m], w[d,m+], dx[g,d,16]!")                                              \
    _(affine_backward_nchw16n_sgd, "x[n,d], dout[n,m], w[d,m+]~, b[m]?~, rate[1]:f64, dx[g,d,16]!, decay, decay_b")  \
    _(affine_backward_nchw16n_momentum, "x[n,d], dout[n,m], w[d,m+]~, vw[d,m+]~, b[m]?~, vb[m]?~, rate[1]:f64, "     \
                                        "dx[g,d,16]!, momentum, decay, decay_b")                                     \
    _(affine_backward_nchw16n_adam, "x[n,d], dout[n,m], w[d,m+]~, mw[d,m+]~, vw[d,m+]~, b[m]?~, mb[m]?~, vb[m]?~, "  \
                                    "rate[1]:f64, t[1]:i64, dx[g,d,16]!, beta1, beta2, eps, decay, decay_b")         \
    _(affine_backward_nchw16n_adamw, "x[n,d], dout[n,m], w[d,m+]~, mw[d,m+]~, vw[d,m+]~, b[m]?~, mb[m]?~, vb[m]?~, " \
                                     "rate[1]:f64, t[1]:i64, dx[g,d,16]!, beta1, beta2, eps, decay, decay_b")        \
    _(conv_forward_nchw16n, "x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, " CONV)                        \
    _(conv_activation_forward_nchw16n,                                                                               \
      "x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, " CONV ", kind, alpha")                              \
    _(conv_backward_input_nchw16n, "dout[g,f,p,q,16], weight[f,k,r,s], dx[g,c,h,w,16]!, " CONV)                      \
    _(conv_activation_backward_input_nchw16n,                                                                        \
      "dout[g,f,p,q,16], weight[f,k,r,s], out[g,c,h,w,16], dx[g,c,h,w,16]!, " CONV ", kind, alpha")                  \
    _(conv_backward_weight_nchw16n, "x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, " CONV ", beta")        \
    _(winograd_weights, "weight[f,k,r,s], u[e,j,36,i,24]!, flip")                                                    \
    _(winograd_forward_nchw16n,                                                                                      \
      "x[g,c,h,w,16], u[e,j,36,k,24], b[f]?, out[g,f,p,q,16]!, size, pad_h, pad_w, kind, alpha")                     \
    _(winograd_backward_input_nchw16n,                                                                               \
      "dout[g,f,p,q,16], u[e,j,36,k,24], out[g,c,h,w,16]?, dx[g,c,h,w,16]!, size, pad_h, pad_w, kind, alpha")        \
    _(winograd_forward,                                                                                              \
      "x[n,c,h,w], weight[i,k,r,s], b[f]?, out[n,f,p,q]!, work[*]!, pad_h, pad_w, flip, kind, alpha")                \
    _(winograd_backward_weight_nchw16n,                                                                              \
      "x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, work[*]!, pad_h, pad_w, beta")                        \
    _(max_pool_forward_nchw16n, "x[g,c,h,w,16], out[g,c,p,q,16]!, argmax[g,c,p,q,16]:any?!, " POOL_NCHW16N)          \
    _(max_pool_backward_nchw16n, "dout[g,c,p,q,16], argmax[g,c,p,q,16]:any, dx[g,c,h,w,16]!, " POOL_NCHW16N)         \
    _(avg_pool_forward_nchw16n, "x[g,c,h,w,16], out[g,c,p,q,16]!, " POOL_NCHW16N ", count_pad")                      \
    _(avg_pool_backward_nchw16n, "dout[g,c,p,q,16], dx[g,c,h,w,16]!, " POOL_NCHW16N ", count_pad")                   \
    _(batch_norm_forward_nchw16n, "x[g,c,s,16], w[c]?, b[c]?, running_mean[c]?~, running_var[c]?~, out[g,c,s,16]!, " \
                                  "mean[c]!, var[c]!, images, eps, momentum")                                        \
    _(batch_norm_statistics_nchw16n,                                                                                 \
      "x[g,c,h,w,16], running_mean[c]?~, running_var[c]?~, mean[c]!, var[c]!, work[*]:f64!, images, momentum")       \
    _(conv_statistics_forward_nchw16n,                                                                               \
      "x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, running_mean[f]?~, running_var[f]?~, "               \
      "mean[f]!, var[f]!, work[*]:f64!, " CONV ", kind, alpha, images, momentum")                                    \
    _(conv_max_pool_forward_nchw16n,                                                                                 \
      "x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, argmax[g,f,p,q,16]:any?!, " CONV                     \
      ", kind, alpha, size_h, size_w")                                                                               \
    _(batch_norm_max_pool_forward_nchw16n,                                                                           \
      "x[g,c,h,w,16], w[c]?, b[c]?, mean[c], var[c], out[g,c,p,q,16]!, argmax[g,c,p,q,16]:any?!, eps")               \
    _(batch_norm_max_pool_backward_nchw16n,                                                                          \
      "dout[g,c,p,q,16], argmax[g,c,p,q,16]:any, x[g,c,h,w,16], w[c]?, mean[c], var[c], dx[g,c,h,w,16]!, "           \
      "dw[c]?~, db[c]?~, work[*]:f64!, images, eps, fixed, beta, kind, alpha")                                       \
    _(batch_norm_apply_nchw16n, "x[g,c,s,16], w[c]?, b[c]?, mean[c], var[c], out[g,c,s,16]!, eps")                   \
    _(batch_norm_backward_nchw16n, "dout[g,c,s,16], x[g,c,s,16], w[c]?, mean[c], var[c], dx[g,c,s,16]?!, dw[c]?~, "  \
                                   "db[c]?~, images, eps, fixed, beta")

#endif
