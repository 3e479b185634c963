/* The kernels of direct convolution on images innermost. */
#include "nchw16n/direct_conv.h"

static void set_axes(nchw16n_conv *v, const fnn_op *op, ptrdiff_t rows, ptrdiff_t cols, bool backward) {
    v->rows = axis_of(op->s, AXIS_ROWS, v->x_rows, rows, backward);
    v->cols = axis_of(op->s, AXIS_COLS, v->x_cols, cols, backward);
}

/* x[g,c,h,w,16], weight[f,k,r,s], b[f], out[g,f,p,q,16], …; … algorithm, kind, alpha, … */
static nchw16n_conv forward(const fnn_op *op) {
    const ptrdiff_t *n = op->n, c = n[1], f = n[4], k = n[5], taps = n[6] * n[7];
    const ptrdiff_t groups = c / k;
    nchw16n_conv v = {
        .images = n[0],
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
        .w_group = f / groups * k * taps,
        .w_filter = k * taps,
        .w_channel = taps,
        .bias = IN(2),
        .kind = (int)op->s[7],
        .alpha = (real)op->s[8],
    };
    set_axes(&v, op, n[6], n[7], false);
    return v;
}

static void run_forward(nchw16n_conv *v) {
    if (v->images * v->groups * v->filters * v->out_rows * v->out_cols > 0) FN(nchw16n_conv_run)(v);
}

void FN(conv_forward_nchw16n)(const fnn_op *op) {
    nchw16n_conv v = forward(op);
    run_forward(&v);
}

/* x, weight, b, out, running_mean, running_var, mean, var, work; … algorithm, kind, alpha, images, momentum */
void FN(conv_statistics_forward_nchw16n)(const fnn_op *op) {
    nchw16n_conv v = forward(op);
    const nchw16n_statistics s = {op->p[8], OUT(6), OUT(7), OUT(4), OUT(5), (ptrdiff_t)op->s[9], op->s[10]};
    v.statistics = &s;
    v.cut = nchw16n_cut_rows(v.images, v.out_rows);
    run_forward(&v);
    FN(nchw16n_statistics_finish)(&s, &v.cut, v.groups * v.filters, v.out_cols);
}

/* x, weight, b, out[g,f,p,q,16], argmax; … algorithm, kind, alpha, size_h, size_w: out and argmax are the windows'
 */
void FN(conv_max_pool_forward_nchw16n)(const fnn_op *op) {
    nchw16n_conv v = forward(op);
    const nchw16n_windows windows = {(ptrdiff_t)op->s[9], (ptrdiff_t)op->s[10], op->p[4], op->type[4]};
    v.windows = &windows;
    v.out_rows *= windows.size_h;
    v.out_cols *= windows.size_w;
    run_forward(&v);
}

/* dout[g,f,p,q,16], weight[f,k,r,s], dx[g,c,h,w,16], saved[g,c,h,w,16]?: a filter of this sweep is a channel of the
 * convolution's input */
void FN(conv_backward_input_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n, f = n[1], k = n[4], taps = n[5] * n[6], groups = n[7] / k;
    nchw16n_conv v = {
        .images = n[0],
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
        .w_group = f / groups * k * taps,
        .w_filter = taps,
        .w_channel = k * taps,
        .activated = IN(3),
        .kind = op->p[3] == NULL ? IDENTITY : (int)op->s[7],
        .alpha = (real)op->s[8],
    };
    set_axes(&v, op, n[5], n[6], true);
    if (v.images * v.groups * v.out_rows * v.out_cols > 0) FN(nchw16n_conv_run)(&v);
}
