/* Rows of the kernel table: pools, norms, dropout, augmentation. */
#ifndef FASTNN_RUNTIME_KERNEL_TABLE_IMAGE_H
#define FASTNN_RUNTIME_KERNEL_TABLE_IMAGE_H

#define POOL "size_h, size_w, stride_h, stride_w, pad_h, pad_w"

#define KERNELS_IMAGE(_)                                                                                             \
    _(max_pool_forward, "x[n,c,h,w], out[n,c,p,q]!, argmax[n,c,p,q]:any?!, " POOL)                                   \
    _(max_pool_backward, "dout[n,c,p,q], argmax[n,c,p,q]:any, dx[n,c,h,w]!, " POOL)                                  \
    _(avg_pool_forward, "x[n,c,h,w], out[n,c,p,q]!, " POOL ", count_pad")                                            \
    _(avg_pool_backward, "dout[n,c,p,q], dx[n,c,h,w]!, " POOL ", count_pad")                                         \
    _(batch_norm_forward, "x[n,c,s], w[c]?, b[c]?, running_mean[c]?~, running_var[c]?~, out[n,c,s]!, mean[c]!, "     \
                          "var[c]!, eps, momentum")                                                                  \
    _(batch_norm_apply, "x[n,c,s], w[c]?, b[c]?, mean[c], var[c], out[n,c,s]!, eps")                                 \
    _(batch_norm_backward, "dout[n,c,s], x[n,c,s], w[c]?, mean[c], var[c], dx[n,c,s]?!, dw[c]?~, db[c]?~, eps, "     \
                           "fixed, beta")                                                                            \
    _(group_norm_forward, "x[n,c,s], w[c]?, b[c]?, out[n,c,s]!, mean[n,m]!, var[n,m]!, eps")                         \
    _(group_norm_backward, "dout[n,c,s], x[n,c,s], w[c]?, mean[n,m], var[n,m], dx[n,c,s]?!, dw[c]?~, db[c]?~, eps, " \
                           "beta")                                                                                   \
    _(local_response_norm_forward, "x[n,c,s], out[n,c,s]!, scale[n,c,s]?!, size, alpha, power, k")                   \
    _(local_response_norm_backward, "dout[n,c,s], x[n,c,s], scale[n,c,s], dx[n,c,s]!, size, alpha, power")           \
    _(dropout, "x[n,d], step[1]:i64, row[1]:i64, out[n,d]!, rate, seed_low, seed_high, purpose")                     \
    _(add, "a[*], b[*], out[*]!")                                                                                    \
    _(penalty, "w[*], dw[*]?~, loss[1]:f64~, l1, l2")                                                                \
    _(warp_images, "source[r,c,h,w]:any, index[n]:i64?, place[n,6], control[n,2,u,v]?, basis_y[u,p]?, "              \
                   "basis_x[v,q]?, out[n,c,p,q]!")                                                                   \
    _(noise_cutout, "x[n,c,h,w]~, sample[n]:i64, box[n,4]:i64?, epoch, noise, low, high, seed_low, seed_high, "      \
                    "purpose")

#endif
