/* The kernels of convolution and of its input gradient, and the algorithm that they take.
 *
 * The input gradient is a convolution of dout. Which taps meet a pixel of the input depends, with a stride, on the
 * pixel's row and column modulo the stride: each such phase is a problem of its own.
 */
#include "conv/conv_algorithms.h"

#include "elementwise/activation.h"

/* Solves problems of the same images: all of them directly, or each as a matrix product. */
static void solve(const conv_problem *problems, int count) {
    int direct = 0;
    while (direct < count && FN(conv_direct_serves)(&problems[direct])) direct++;
    if (count > 0 && direct == count)
        FN(conv_direct)(problems, count);
    else
        for (int i = 0; i < count; i++) FN(conv_implicit_gemm)(&problems[i]);
}

enum { STRIDE_H, STRIDE_W, PAD_H, PAD_W, DILATION_H, DILATION_W, ALGORITHM, KIND, ALPHA };

static ptrdiff_t integer(const fnn_op *op, int scalar) { return (ptrdiff_t)op->s[scalar]; }

/* x[n,c,h,w], weight[f,k,r,s], b[f], out[n,f,p,q] */
void FN(conv_forward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], ch = op->n[1], h = op->n[2], w = op->n[3], f = op->n[4], k = op->n[5], r = op->n[6],
                    s = op->n[7], p = op->n[8], q = op->n[9], groups = k == 0 ? 1 : fnn_max(1, ch / k);
    const conv_problem c = {
        .view = im2col_view_of(op->s, ch, h, w, r, s, p, q),
        .x = IN(0),
        .groups = groups,
        .x_group_stride = k * h * w,
        .m = f / groups,
        .k = k * r * s,
        .pixels = n * p * q,
        .weight = IN(1),
        .w_group_stride = f / groups * k * r * s,
        .w_row_stride = k * r * s,
        .out = OUT(3),
        .out_image_stride = f * p * q,
        .out_plane_stride = p * q,
        .out_w = q,
        .out_step_h = 1,
        .out_step_w = 1,
        .bias = IN(2),
        .kind = (int)op->s[KIND],
        .alpha = (real)op->s[ALPHA],
    };
    solve(&c, 1);
}

/* --- input gradient --- */

/* Along one axis, the taps a < count with (at - a dilation) divisible by the stride: `taps` of them from `first` on in
 * steps of `step`. The first one reads row `source` of dout, the next ones each `source_step` rows further on. */
typedef struct {
    ptrdiff_t first, step, taps, source, source_step;
} phase_taps;

static phase_taps taps_of_phase(ptrdiff_t at, ptrdiff_t count, ptrdiff_t stride, ptrdiff_t dilation) {
    phase_taps t = {.first = count, .step = 1};
    for (ptrdiff_t a = count - 1; a >= 0; a--) {
        if ((at - a * dilation) % stride != 0) continue;
        if (t.taps++ > 0) t.step = t.first - a;
        t.first = a;
    }
    if (t.taps == 0) return t;
    t.source = (at - t.first * dilation) / stride;
    t.source_step = -(t.step * dilation / stride);
    return t;
}

/* dout[n,f,p,q], weight[f,k,r,s], dx[n,c,h,w], saved[n,c,h,w]? */
void FN(conv_backward_input)(const fnn_op *op) {
    const struct {
        ptrdiff_t n, f, p, q, k, r, s, c, h, w;
    } z = {op->n[0], op->n[1], op->n[2], op->n[3], op->n[4], op->n[5], op->n[6], op->n[7], op->n[8], op->n[9]};
    const ptrdiff_t groups = z.k == 0 ? 1 : fnn_max(1, z.c / z.k), stride_h = integer(op, STRIDE_H),
                    stride_w = integer(op, STRIDE_W);
    conv_problem phases[CONV_DIRECT_MAX_PROBLEMS];
    int count = 0;
    for (ptrdiff_t y = 0; y < fnn_min(stride_h, z.h); y++) {
        const phase_taps a = taps_of_phase(y + integer(op, PAD_H), z.r, stride_h, integer(op, DILATION_H));
        for (ptrdiff_t x = 0; x < fnn_min(stride_w, z.w); x++) {
            const phase_taps b = taps_of_phase(x + integer(op, PAD_W), z.s, stride_w, integer(op, DILATION_W));
            conv_problem *c = &phases[count++];
            *c = (conv_problem){
                .view = {.h = z.p,
                         .w = z.q,
                         .channel_stride = z.p * z.q,
                         .image_stride = z.f * z.p * z.q,
                         .rows = (z.h - y + stride_h - 1) / stride_h,
                         .cols = (z.w - x + stride_w - 1) / stride_w,
                         .step_h = 1,
                         .step_w = 1,
                         .r = a.taps,
                         .s = b.taps,
                         .row0 = a.source,
                         .col0 = b.source,
                         .tap_h = a.source_step,
                         .tap_w = b.source_step},
                .x = IN(0),
                .groups = groups,
                .x_group_stride = z.f / groups * z.p * z.q,
                .m = z.k,
                .k = z.f / groups * a.taps * b.taps,
                .weight = IN(1),
                .w_group_stride = z.f / groups * z.k * z.r * z.s,
                .filter_stride = z.k * z.r * z.s,
                .filter_taps = z.r * z.s,
                .filter_cols = z.s,
                .a0 = a.first,
                .b0 = b.first,
                .a_step = a.step,
                .b_step = b.step,
                .out = OUT(2),
                .out_image_stride = z.c * z.h * z.w,
                .out_plane_stride = z.h * z.w,
                .out_w = z.w,
                .out_step_h = stride_h,
                .out_step_w = stride_w,
                .out_row0 = y,
                .out_col0 = x,
                .kind = op->p[3] == NULL ? IDENTITY : (int)op->s[KIND],
                .alpha = (real)op->s[ALPHA],
                .activated = IN(3),
            };
            c->pixels = z.n * c->view.rows * c->view.cols;
            if (count < CONV_DIRECT_MAX_PROBLEMS) continue;
            solve(phases, count);
            count = 0;
        }
    }
    solve(phases, count);
}
