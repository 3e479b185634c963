/* The kernels of direct convolution in the layout NCHW16n: forward with its epilogues, and the input gradient. */
#include "nchw16n/direct_conv.h"

#include "runtime/subnormals.h"

static void set_axes(nchw16n_conv *conv, const fnn_op *op, ptrdiff_t rows, ptrdiff_t cols, bool backward) {
    conv->rows = conv_axis_of(op->s, AXIS_ROWS, conv->x_rows, rows, backward);
    conv->cols = conv_axis_of(op->s, AXIS_COLS, conv->x_cols, cols, backward);
}

/* x[g,c,h,w,16], weight[f,k,r,s], b[f], out[g,f,p,q,16], …; … algorithm, kind, alpha, … */
static nchw16n_conv forward(const fnn_op *op) {
    const ptrdiff_t *n = op->n, c = n[1], f = n[4], k = n[5], taps = n[6] * n[7];
    const ptrdiff_t groups = c / k;
    nchw16n_conv conv = {
        .image_blocks = n[0],
        .groups = groups,
        .filters = f / groups,
        .channels = k,
        .x = IN(0),
        .x_rows = n[2],
        .x_cols = n[3],
        .out = OUT(3),
        .out_rows = n[8],
        .out_cols = n[9],
        .weight = IN(1),
        .w_group_stride = f / groups * k * taps,
        .w_filter_stride = k * taps,
        .w_channel_stride = taps,
        .bias = IN(2),
        .kind = (int)op->s[7],
        .alpha = (real)op->s[8],
    };
    set_axes(&conv, op, n[6], n[7], false);
    return conv;
}

static void run_forward(nchw16n_conv *conv) {
    if (conv->image_blocks * conv->groups * conv->filters * conv->out_rows * conv->out_cols > 0)
        FN(nchw16n_conv_run)(conv);
}

void FN(conv_forward_nchw16n)(const fnn_op *op) {
    nchw16n_conv conv = forward(op);
    run_forward(&conv);
}

/* x, weight, b, out, running_mean, running_var, mean, var, work; … algorithm, kind, alpha, images, momentum */
void FN(conv_statistics_forward_nchw16n)(const fnn_op *op) {
    nchw16n_conv conv = forward(op);
    const nchw16n_statistics s = {op->p[8], OUT(6), OUT(7), OUT(4), OUT(5), (ptrdiff_t)op->s[9], op->s[10], 1};
    conv.statistics = &s;
    conv.partition = nchw16n_partition_rows(conv.image_blocks, conv.out_rows);
    run_forward(&conv);
    const fnn_float_mode mode = fnn_flush_subnormals(0); /* as batch_norm_statistics_nchw16n */
    FN(nchw16n_combine_moments)(&s, &conv.partition, conv.out, conv.groups * conv.filters, conv.out_cols);
    fnn_restore_float_mode(mode, 0);
}

/* x, weight, b, out[g,f,p,q,16], argmax; … algorithm, kind, alpha, size_h, size_w: out and argmax are the windows'
 */
void FN(conv_max_pool_forward_nchw16n)(const fnn_op *op) {
    nchw16n_conv conv = forward(op);
    const nchw16n_pool_epilogue pool = {(ptrdiff_t)op->s[9], (ptrdiff_t)op->s[10], op->p[4], op->type[4]};
    conv.pool = &pool;
    conv.out_rows *= pool.size_h;
    conv.out_cols *= pool.size_w;
    run_forward(&conv);
}

/* dout[g,f,p,q,16], weight[f,k,r,s], dx[g,c,h,w,16], saved[g,c,h,w,16]?: a filter of this problem is a channel of the
 * convolution's input */
void FN(conv_backward_input_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n, f = n[1], k = n[4], taps = n[5] * n[6], groups = n[7] / k;
    nchw16n_conv conv = {
        .image_blocks = n[0],
        .groups = groups,
        .filters = k,
        .channels = f / groups,
        .x = IN(0),
        .x_rows = n[2],
        .x_cols = n[3],
        .out = OUT(2),
        .out_rows = n[8],
        .out_cols = n[9],
        .weight = IN(1),
        .w_group_stride = f / groups * k * taps,
        .w_filter_stride = taps,
        .w_channel_stride = k * taps,
        .activated = IN(3),
        .kind = op->p[3] == NULL ? IDENTITY : (int)op->s[7],
        .alpha = (real)op->s[8],
    };
    set_axes(&conv, op, n[5], n[6], true);
    if (conv.image_blocks * conv.groups * conv.out_rows * conv.out_cols > 0) FN(nchw16n_conv_run)(&conv);
}
