/* The im2col matrix written out in full, and its transpose, which adds every element to the pixel that it came from. */
#include "conv/im2col_view.h"

enum { SERIAL_ELEMENTS = 1 << 14 }; /* below which waking threads costs more than it saves */

/* The planes of all channels and images are cut alike: plane [h][w] ↔ columns[tap][row][col]. */
typedef struct {
    im2col_view view;
    ptrdiff_t taps;
    const real *from;
    real *to;
} problem;

static void im2col_task(void *context, int plane) {
    const problem *p = context;
    const ptrdiff_t pixels = p->view.rows * p->view.cols;
    real *to = p->to + plane * p->taps * pixels;
    for (ptrdiff_t done = 0; done < pixels;) {
        const pixel_run run = pixel_run_at(&p->view, done, pixels - done);
        FN(im2col_pack_run)(&p->view, p->from + plane * p->view.channel_stride, 0, p->taps, run, to + done, pixels);
        done += run.count;
    }
}

static void col2im_task(void *context, int plane) {
    const problem *p = context;
    const im2col_view *v = &p->view;
    real *to = p->to + plane * v->channel_stride;
    const real *from = p->from + plane * p->taps * v->rows * v->cols;
    zero_run(to, v->channel_stride);
    for (ptrdiff_t a = 0; a < v->r; a++)
        for (ptrdiff_t b = 0; b < v->s; b++)
            for (ptrdiff_t y = 0; y < v->rows; y++, from += v->cols) {
                const ptrdiff_t row = y * v->step_h + v->row0 + a * v->tap_h, first = v->col0 + b * v->tap_w;
                if (row < 0 || row >= v->h) continue;
                const pixel_range in = pixels_inside(first, v->step_w, v->w, v->cols);
                real *dst = to + row * v->w;
                for (ptrdiff_t x = in.begin; x < in.end; x++) dst[first + x * v->step_w] += from[x];
            }
}

static problem problem_of(const fnn_op *op, ptrdiff_t h, ptrdiff_t w, const ptrdiff_t *rspq) {
    return (problem){.view = im2col_view_of(op->s, 1, h, w, rspq[0], rspq[1], rspq[2], rspq[3]),
                     .taps = rspq[0] * rspq[1],
                     .from = IN(0),
                     .to = OUT(1)};
}

static void run(problem *p, ptrdiff_t planes, void (*task)(void *, int)) {
    if (planes * p->taps * p->view.rows * p->view.cols < SERIAL_ELEMENTS) {
        for (ptrdiff_t plane = 0; plane < planes; plane++) task(p, (int)plane);
    } else {
        fnn_parallel((int)planes, task, p);
    }
}

/* x[n,c,h,w], columns[n,c,r,s,p,q] */
void FN(im2col)(const fnn_op *op) {
    problem p = problem_of(op, op->n[2], op->n[3], op->n + 4);
    run(&p, op->n[0] * op->n[1], im2col_task);
}

/* columns[n,c,r,s,p,q], dx[n,c,h,w] */
void FN(col2im)(const fnn_op *op) {
    problem p = problem_of(op, op->n[6], op->n[7], op->n + 2);
    run(&p, op->n[0] * op->n[1], col2im_task);
}
