/* The windows of images written out as columns, and the transpose of that. */
#include "conv/implicit_gemm_pack.h"

enum { STRIDE_H, STRIDE_W, PAD_H, PAD_W, DILATION_H, DILATION_W, SERIAL_ELEMENTS = 1 << 14 };

typedef struct {
    conv_view view;
    ptrdiff_t taps; /* rows of the columns' matrix for one channel */
    const real *from;
    real *to;
} job;

/* Image and channel `plane`, for they lie alike: (n c) planes, (n c r s) rows of columns. */
static void im2col_task(void *context, int plane) {
    const job *m = context;
    const ptrdiff_t windows = m->view.rows * m->view.cols;
    real *to = m->to + plane * m->taps * windows;
    for (ptrdiff_t done = 0; done < windows;) {
        const conv_run run = conv_run_at(&m->view, done, windows - done);
        FN(conv_pack_run)(&m->view, m->from + plane * m->view.channel, 0, m->taps, run, to + done, windows);
        done += run.count;
    }
}

static void col2im_task(void *context, int plane) {
    const job *m = context;
    const conv_view *v = &m->view;
    real *to = m->to + plane * v->channel;
    const real *from = m->from + plane * m->taps * v->rows * v->cols;
    zero_run(to, v->channel);
    for (ptrdiff_t a = 0; a < v->r; a++)
        for (ptrdiff_t b = 0; b < v->s; b++)
            for (ptrdiff_t y = 0; y < v->rows; y++, from += v->cols) {
                const ptrdiff_t row = y * v->step_h + v->row0 + a * v->tap_h, first = v->col0 + b * v->tap_w;
                if (row < 0 || row >= v->h) continue;
                const conv_range in = conv_inside(first, v->step_w, v->w, v->cols);
                real *line = to + row * v->w;
                for (ptrdiff_t x = in.begin; x < in.end; x++) line[first + x * v->step_w] += from[x];
            }
}

static job with(const fnn_op *op, ptrdiff_t h, ptrdiff_t w, const ptrdiff_t *rspq) {
    return (job){.view = {.h = h,
                          .w = w,
                          .channel = h * w,
                          .rows = rspq[2],
                          .cols = rspq[3],
                          .step_h = (ptrdiff_t)op->s[STRIDE_H],
                          .step_w = (ptrdiff_t)op->s[STRIDE_W],
                          .r = rspq[0],
                          .s = rspq[1],
                          .row0 = -(ptrdiff_t)op->s[PAD_H],
                          .col0 = -(ptrdiff_t)op->s[PAD_W],
                          .tap_h = (ptrdiff_t)op->s[DILATION_H],
                          .tap_w = (ptrdiff_t)op->s[DILATION_W]},
                 .taps = rspq[0] * rspq[1],
                 .from = IN(0),
                 .to = OUT(1)};
}

static void run(job *m, ptrdiff_t planes, void (*task)(void *, int)) {
    if (planes * m->taps * m->view.rows * m->view.cols < SERIAL_ELEMENTS) {
        for (ptrdiff_t plane = 0; plane < planes; plane++) task(m, (int)plane);
    } else {
        fnn_parallel((int)planes, task, m);
    }
}

/* x[n,c,h,w], columns[n,c,r,s,p,q] */
void FN(im2col)(const fnn_op *op) {
    job m = with(op, op->n[2], op->n[3], op->n + 4);
    run(&m, op->n[0] * op->n[1], im2col_task);
}

/* columns[n,c,r,s,p,q], dx[n,c,h,w] */
void FN(col2im)(const fnn_op *op) {
    job m = with(op, op->n[6], op->n[7], op->n + 2);
    run(&m, op->n[0] * op->n[1], col2im_task);
}
