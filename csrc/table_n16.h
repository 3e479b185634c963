/* Rows of the kernel table: images innermost. CONV is table.c's. */
#ifndef FASTNN_TABLE_N16_H
#define FASTNN_TABLE_N16_H

#define KERNELS_N16(_)                                                                                               \
    _(rows_to_n16, "x[n,d], out[g,d,16]!")                                                                           \
    _(n16_to_rows, "x[g,d,16], out[n,d]!")                                                                           \
    _(gather_n16, "source[r,d]:any, index[n]:i64?, out[g,d,16]!, scale")                                             \
    _(conv_forward_n16, "x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, " CONV)                            \
    _(conv_activation_forward_n16, "x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, " CONV ", kind, alpha") \
    _(conv_backward_input_n16, "dout[g,f,p,q,16], weight[f,k,r,s], dx[g,c,h,w,16]!, " CONV)                          \
    _(conv_activation_backward_input_n16,                                                                            \
      "dout[g,f,p,q,16], weight[f,k,r,s], out[g,c,h,w,16], dx[g,c,h,w,16]!, " CONV ", kind, alpha")                  \
    _(conv_backward_weight_n16, "x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, " CONV ", beta")            \
    _(winograd_weights, "weight[f,k,r,s], u[e,j,36,i,24]!, flip")                                                    \
    _(winograd_forward_n16, "x[g,c,h,w,16], u[e,j,36,k,24], b[f]?, out[g,f,p,q,16]!, size, pad_h, pad_w, kind, alpha")

#endif
