"""The signatures of all kernels. The tables of all backends, in Python and in C, are made from this list.

The grammar is explained in `fastnn.kernels.signature`. Shape letters: n samples or images, d inputs and m outputs of a
dense layer; c channels, h and w rows and columns, f filters, k channels of a group, r and s taps, p and q outputs of
images; g blocks of 16 images. (In the layout NCHW16n, lane i of block g is image 16 g + i, and in gradients the lanes
behind the last image are zero.) Nothing is imported here, because the build reads the list before there is a package
to import.
"""

WINDOW = "stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w"
CONV = f"{WINDOW}, algorithm"
POOL = "size_h, size_w, stride_h, stride_w, pad_h, pad_w"
# The activation after a forward kernel, or the one before it whose derivative multiplies an input gradient: a member of
# `fastnn.kernels.Activation` and its alpha. `saved` is what the activation keeps for its derivative, its output or its
# input; without `saved`, an input gradient is not multiplied by a derivative.
ACTIVATION = "kind=0, alpha=0"
COEFFICIENTS = "c0=0, c1=0, c2=0"
# A member of `fastnn.kernels.Precision`: of how many bf16 numbers each factor of the product consists.
# Native kernels take the floats themselves where the processor, or the shape, does not make those faster.
PRECISION = "precision=0"

SIGNATURE_TEXTS = (
    # affine: rows are samples
    f"affine_forward(x[n,d]@, w[d,m+], b[m]?, out[n,m]!, {ACTIVATION}, {PRECISION})",
    f"affine_backward_input(dout[n,m], w[d,m+], dx[n,d]!, saved[n,d]?, {ACTIVATION}, {PRECISION})",
    f"affine_backward_weight(x[n,d]@, dout[n,m], dw[d,m]~, db[m]?~, beta, {PRECISION})",
    # convolution (cross-correlation) of images n × c × h × w; each of c / k groups has f k / c filters
    f"conv_forward(x[n,c,h,w], weight[f,k,r,s], b[f]?, out[n,f,p,q]!, {CONV}, {ACTIVATION})",
    f"conv_backward_input(dout[n,f,p,q], weight[f,k,r,s], dx[n,c,h,w]!, saved[n,c,h,w]?, {CONV}, {ACTIVATION})",
    f"conv_backward_weight(x[n,c,h,w], dout[n,f,p,q], dw[f,k,r,s]~, db[f]?~, {CONV}, beta)",
    # the windows of images as columns, and the transpose of that, which adds columns up
    f"im2col(x[n,c,h,w], columns[n,c,r,s,p,q]!, {WINDOW})",
    f"col2im(columns[n,c,r,s,p,q], dx[n,c,h,w]!, {WINDOW})",
    # windows of images; argmax is the number of a cell in its window, as uint8 if windows have at most 255, else int32
    f"max_pool_forward(x[n,c,h,w], out[n,c,p,q]!, argmax[n,c,p,q]:any?!, {POOL})",
    f"max_pool_backward(dout[n,c,p,q], argmax[n,c,p,q]:any, dx[n,c,h,w]!, {POOL})",
    f"avg_pool_forward(x[n,c,h,w], out[n,c,p,q]!, {POOL}, count_pad)",
    f"avg_pool_backward(dout[n,c,p,q], dx[n,c,h,w]!, {POOL}, count_pad)",
    # normalisation: s pixels in a channel (1 for rows), m groups of channels; w is the scale and b the shift
    "batch_norm_forward(x[n,c,s], w[c]?, b[c]?, running_mean[c]?~, running_var[c]?~, out[n,c,s]!, mean[c]!, "
    "var[c]!, eps, momentum)",
    "batch_norm_apply(x[n,c,s], w[c]?, b[c]?, mean[c], var[c], out[n,c,s]!, eps)",
    "batch_norm_backward(dout[n,c,s], x[n,c,s], w[c]?, mean[c], var[c], dx[n,c,s]?!, dw[c]?~, db[c]?~, eps, "
    "fixed, beta)",
    "group_norm_forward(x[n,c,s], w[c]?, b[c]?, out[n,c,s]!, mean[n,m]!, var[n,m]!, eps)",
    "group_norm_backward(dout[n,c,s], x[n,c,s], w[c]?, mean[n,m], var[n,m], dx[n,c,s]?!, dw[c]?~, db[c]?~, eps, beta)",
    "local_response_norm_forward(x[n,c,s], out[n,c,s]!, scale[n,c,s]?!, size, alpha, power, k)",
    "local_response_norm_backward(dout[n,c,s], x[n,c,s], scale[n,c,s], dx[n,c,s]!, size, alpha, power)",
    # dropout, which is also its own gradient; the mask follows from the seed, the step and the first row
    "dropout(x[n,d], step[1]:i64, row[1]:i64, out[n,d]!, rate, seed_low, seed_high, purpose)",
    # sums; penalties on weights, which are added to the loss and to the gradient
    "add(a[*], b[*], out[*]!)",
    "penalty(w[*], dw[*]?~, loss[1]:f64~, l1, l2)",
    # elementwise activations; kind is an Activation, and alpha its slope, scale or threshold
    "activation_forward(x[*], out[*]!, kind, alpha)",
    "activation_backward(dout[*], saved[*], dx[*]!, kind, alpha)",
    # activations with up to three learned numbers for each channel of s pixels (c = 1: for all); learned_kind is PRELU,
    # the input above zero and w times it below, or the number of a function of the user's own
    "learned_activation_forward(x[n,c,s], w[c], w2[c]?, w3[c]?, out[n,c,s]!, learned_kind)",
    "learned_activation_backward(dout[n,c,s], x[n,c,s], w[c], w2[c]?, w3[c]?, dx[n,c,s]?!, dw[c]?~, dw2[c]?~, "
    "dw3[c]?~, beta, learned_kind)",
    # softmax over rows of sign * x (sign = -1: softmin)
    "softmax_forward(x[n,c], out[n,c]!, sign)",
    "softmax_backward(dout[n,c], out[n,c], dx[n,c]!, sign)",
    "log_softmax_forward(x[n,c], out[n,c]!)",
    "log_softmax_backward(dout[n,c], out[n,c], dx[n,c]!)",
    # the index of the first largest element of each row; a NaN counts as larger than any number
    "argmax(x[n,c], out[n]:i64!)",
    # losses: loss = scale * sum over samples (each times its weight), dx = its gradient, correct = correctly classified
    "softmax_cross_entropy(x[n,c], labels[n]:i64, dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale)",
    "soft_cross_entropy(x[n,c], targets[n,c], dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale)",
    "multiclass_hinge(x[n,c], labels[n]:i64, dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale, delta)",
    "binary_cross_entropy(x[n,c], targets[n,c], dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale)",
    "squared_error(x[n,c], targets[n,c], dx[n,c]?!, loss[1]:f64!, weights[n]?, scale)",
    "focal_cross_entropy(x[n,c], labels[n]:i64, dx[n,c]?!, loss[1]:f64!, correct[1]:i64!, weights[n]?, scale, gamma)",
    # losses that are a sum over outputs as well; loss_kind is an ElementwiseLoss, parameters are those of the outputs
    "elementwise_loss(x[n,c], targets[n,c], parameters[c]?, dx[n,c]?!, loss[1]:f64!, weights[n]?, scale, loss_kind)",
    # convolution of stride 1 by Winograd's algorithm; u are the transformed weights, in e groups and j blocks of 24
    # filters; with flip, those of the input gradient. A precision takes work, which has winograd_parts elements
    "winograd_weights(weight[f,k,r,s], u[e,j,36,i,24]!, flip)",
    "winograd_forward_nchw16n(x[g,c,h,w,16], u[e,j,36,k,24], b[f]?, out[g,f,p,q,16]!, work[*]?!, size, pad_h, pad_w, "
    f"{ACTIVATION}, {PRECISION})",
    # the transpose of winograd_forward_nchw16n, with the u of the forward pass
    "winograd_backward_input_nchw16n(dout[g,f,p,q,16], u[e,j,36,k,24], dx[g,c,h,w,16]!, saved[g,c,h,w,16]?, "
    f"size, pad_h, pad_w, {ACTIVATION})",
    # the convolution of few images in plain layout; with flip the input gradient, where x is dout and out is dx; work
    # has winograd_tile_work elements
    f"winograd_forward(x[n,c,h,w], weight[i,k,r,s], b[f]?, out[n,f,p,q]!, work[*]!, pad_h, pad_w, flip, {ACTIVATION})",
    # work has winograd_work(filters, channels of a group) elements
    "winograd_backward_weight_nchw16n(x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, work[*]!, "
    f"pad_h, pad_w, beta, {PRECISION})",
    # rows by index (without an index the first n), converted to the dtype of the call and scaled
    "gather_rows(source[r,d]:any, index[n]:i64?, out[n,d]!, scale)",
    "gather_labels(source[r]:i64, index[n]:i64?, out[n]:i64!)",
    # rows of a table w by codes: those in column column[j] of x are numbers of rows from first[j] on, and count[j] of
    # them; -1 has none, and anything else makes NaN. The columns in kept are passed on before them: o = k + c m
    "embedding_forward(x[n,d], w[r,m], kept[k]:i64, column[c]:i64, first[c]:i64, count[c]:i64, out[n,o]!)",
    "embedding_backward(dout[n,o], x[n,d], kept[k]:i64, column[c]:i64, first[c]:i64, count[c]:i64, dx[n,d]?!, "
    "dw[r,m]?~, beta)",
    # augmentation: images by index, seen through an affine transform (of column, row and 1 to x and y) and
    # displacements of control points; then noise, which follows from the sample's number, limits, and zeros in a box
    # (top, bottom, left, right)
    "warp_images(source[r,c,h,w]:any, index[n]:i64?, transform[n,6], control[n,2,u,v]?, basis_y[u,p]?, "
    "basis_x[v,q]?, out[n,c,p,q]!)",
    "noise_cutout(x[n,c,h,w]~, sample[n]:i64, box[n,4]:i64?, epoch, noise, low, high, seed_low, seed_high, purpose)",
    # a matrix into c panels of s columns, the last one padded with zeros, and back
    "to_panels(matrix[n,m], panels[c,n,s]!)",
    "from_panels(panels[c,n,s], matrix[n,m]!)",
    # row i of part j has the numbers 0 ... n - 1 in the random order of step epoch + i of a seed, whose 64 bits are
    # those of seeds[j]
    "permutations(order[k,m,n]:i64!, work[k,m,n]:i64!, seeds[k]:i64, epoch, purpose)",
    # one step of an update rule (fastnn/kernels/updates.py), in place; m and v are the state that the rule keeps,
    # c0, c1, c2 its coefficients; rate and t are arrays of one element because they change from step to step
    f"update(w[*]~, m[*]?~, v[*]?~, dw[*], rate[1]:f64, t[1]:i64, rule, decay, {COEFFICIENTS})",
    # w by the nearest matrix with orthogonal rows or columns to a running mean m of its gradients (Muon); work has
    # orthogonal_work(d, m) elements
    "orthogonal_update(w[d,m]~, mw[d,m]~, dw[d,m], work[*]!, rate[1]:f64, decay, momentum)",
    # a running average of an array that changes from step to step; step t keeps a share of at most `keep` of it
    "moving_average(x[d,m+], average[d,m+]~, t[1]:i64, keep)",
    # clipping of gradients in place, to a norm of at most limit or to elements of magnitude at most limit
    "clip_norm(g[*]~, limit)",
    "clip_value(g[*]~, limit)",
    # the weight gradient and the update of w and b by it in one pass, with the same bits but no gradient in memory
    "affine_backward_weight_update(x[n,d]@, dout[n,m], w[d,m+]~, mw[d,m+]?~, vw[d,m+]?~, b[m]?~, mb[m]?~, "
    f"vb[m]?~, rate[1]:f64, t[1]:i64, rule, decay, decay_b, {COEFFICIENTS}, {PRECISION})",
    # layout NCHW16n
    "rows_to_nchw16n(x[n,d], out[g,d,16]!)",
    "nchw16n_to_rows(x[g,d,16], out[n,d]!)",
    "gather_nchw16n(source[r,d]:any, index[n]:i64?, out[g,d,16]!, scale)",
    "affine_backward_input_nchw16n(dout[n,m], w[d,m+], dx[g,d,16]!)",
    # affine_backward_input_nchw16n with the weights before their update, then affine_backward_weight_update
    "affine_backward_update_nchw16n(x[n,d], dout[n,m], w[d,m+]~, mw[d,m+]?~, vw[d,m+]?~, b[m]?~, mb[m]?~, "
    f"vb[m]?~, rate[1]:f64, t[1]:i64, dx[g,d,16]!, rule, decay, decay_b, {COEFFICIENTS})",
    f"conv_forward_nchw16n(x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, {CONV}, {ACTIVATION})",
    "conv_backward_input_nchw16n(dout[g,f,p,q,16], weight[f,k,r,s], dx[g,c,h,w,16]!, saved[g,c,h,w,16]?, "
    f"{CONV}, {ACTIVATION})",
    f"conv_backward_weight_nchw16n(x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, {CONV}, beta)",
    f"max_pool_forward_nchw16n(x[g,c,h,w,16], out[g,c,p,q,16]!, argmax[g,c,p,q,16]:any?!, {POOL})",
    f"max_pool_backward_nchw16n(dout[g,c,p,q,16], argmax[g,c,p,q,16]:any, dx[g,c,h,w,16]!, {POOL})",
    f"avg_pool_forward_nchw16n(x[g,c,h,w,16], out[g,c,p,q,16]!, {POOL}, count_pad)",
    f"avg_pool_backward_nchw16n(dout[g,c,p,q,16], dx[g,c,h,w,16]!, {POOL}, count_pad)",
    "batch_norm_forward_nchw16n(x[g,c,s,16], w[c]?, b[c]?, running_mean[c]?~, running_var[c]?~, "
    "out[g,c,s,16]!, mean[c]!, var[c]!, images, eps, momentum)",
    # work has moments_work elements
    "batch_norm_statistics_nchw16n(x[g,c,h,w,16], running_mean[c]?~, running_var[c]?~, mean[c]!, var[c]!, "
    "work[*]:f64!, images, momentum)",
    "conv_statistics_forward_nchw16n(x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, "
    f"running_mean[f]?~, running_var[f]?~, mean[f]!, var[f]!, work[*]:f64!, {CONV}, kind, alpha, images, "
    "momentum)",
    # windows must tile the image and have at most WINDOW_CELLS cells
    "conv_max_pool_forward_nchw16n(x[g,c,h,w,16], weight[f,k,r,s], b[f]?, out[g,f,p,q,16]!, "
    f"argmax[g,f,p,q,16]:any?!, {CONV}, kind, alpha, size_h, size_w)",
    # windows must tile the image
    "batch_norm_max_pool_forward_nchw16n(x[g,c,h,w,16], w[c]?, b[c]?, mean[c], var[c], out[g,c,p,q,16]!, "
    "argmax[g,c,p,q,16]:any?!, eps)",
    "batch_norm_max_pool_backward_nchw16n(dout[g,c,p,q,16], argmax[g,c,p,q,16]:any, x[g,c,h,w,16], w[c]?, "
    "mean[c], var[c], dx[g,c,h,w,16]!, dw[c]?~, db[c]?~, work[*]:f64!, images, eps, fixed, beta, kind, alpha)",
    "batch_norm_apply_nchw16n(x[g,c,s,16], w[c]?, b[c]?, mean[c], var[c], out[g,c,s,16]!, eps)",
    "batch_norm_backward_nchw16n(dout[g,c,s,16], x[g,c,s,16], w[c]?, mean[c], var[c], dx[g,c,s,16]?!, "
    "dw[c]?~, db[c]?~, images, eps, fixed, beta)",
)

# Kernels that take and write 0 in place of subnormal numbers, those below the smallest normal one, by the beginnings of
# their names: the processor needs a hundred cycles and more for an operation on one. An activation within such a kernel
# is computed with subnormal numbers, as by itself. The update of the weights is here because a weight gradient that is
# fused with it has its bits.
FLUSHING_FAMILIES = (
    "affine_",
    "conv_",
    "winograd_",
    "softmax_",
    "log_softmax_",
    "soft_cross_entropy",
    "focal_cross_entropy",
    "update",
)


def flushes_subnormals(name: str) -> bool:
    """Whether a native kernel takes and writes 0 in place of numbers below the smallest normal one."""
    return name.startswith(FLUSHING_FAMILIES)
