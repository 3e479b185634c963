/* Pooling in the layout NCHW16n: the maximum or the mean of windows, and the gradients of both. */
#include "nchw16n/pool.h"

typedef struct {
    const fnn_op *op;
    ptrdiff_t channels, h, w, p, q; /* an image has h × w pixels and p × q windows */
    ptrdiff_t size_h, size_w, stride_h, stride_w, pad_h, pad_w;
    bool count_pad;              /* a mean counts the cells outside the image */
    nchw16n_partition partition; /* the rows of windows, or the channels */
} pool;

/* The cells of a window that lie inside the image: rows r … r_end-1, columns s … s_end-1 of the window whose corner is
 * at (y, x). */
typedef struct {
    ptrdiff_t y, x, r, r_end, s, s_end;
} window;

FNN_INLINE window window_at(const pool *v, ptrdiff_t p, ptrdiff_t q) {
    const ptrdiff_t y = p * v->stride_h - v->pad_h, x = q * v->stride_w - v->pad_w;
    return (window){y, x, fnn_max(0, -y), fnn_min(v->size_h, v->h - y), fnn_max(0, -x), fnn_min(v->size_w, v->w - x)};
}

FNN_INLINE bool is_inside(const pool *v, const window *win) {
    return win->r == 0 && win->s == 0 && win->r_end == v->size_h && win->s_end == v->size_w;
}

/* The number of cells that a mean divides by. */
FNN_INLINE real counted_cells(const pool *v, const window *win) {
    return (real)(v->count_pad ? v->size_h * v->size_w : (win->r_end - win->r) * (win->s_end - win->s));
}

/* --- one window; x, dx: its channel's image --- */

FNN_INLINE void max_of_window(const pool *v, const real *x, const window *win, int type, real *out, void *argmax,
                              ptrdiff_t at) {
    const ptrdiff_t row_stride = v->w * IMAGE_BLOCK, corner = win->y * row_stride + win->x * IMAGE_BLOCK;
    if (is_inside(v, win)) {
        nchw16n_max_pool_window(x + corner, row_stride, v->size_h, v->size_w, out, argmax, type, at);
        return;
    }
    for (int part = 0; part < PIXEL_VECTORS; part++, at += VL) {
        vint cell;
        const vreal best = nchw16n_window_max(x + corner + part * VL, row_stride, v->size_w, win->r, win->r_end, win->s,
                                              win->s_end, argmax != NULL, NULL, &cell);
        vstore(out + at, best);
        if (argmax != NULL) nchw16n_store_argmax(argmax, type, at, cell);
    }
}

FNN_INLINE void mean_of_window(const pool *v, const real *x, const window *win, real *out) {
    const ptrdiff_t row_stride = v->w * IMAGE_BLOCK, corner = win->y * row_stride + win->x * IMAGE_BLOCK;
    const vreal count = vset(counted_cells(v, win));
    for (int part = 0; part < PIXEL_VECTORS; part++) {
        vreal sum = vset(0);
        for (ptrdiff_t i = win->r; i < win->r_end; i++)
            for (ptrdiff_t j = win->s; j < win->s_end; j++)
                sum += vload(x + corner + i * row_stride + j * IMAGE_BLOCK + part * VL);
        vstore(out + part * VL, sum / count);
    }
}

/* Writes d to cells r … r_end-1 × s … s_end-1 of the window whose corner is at dx: to those numbered *argmax and zero
 * to the others, or to all of them where argmax is NULL. `disjoint`: no other window has these cells; else d is added.
 */
FNN_INLINE void distribute(vreal d, const vint *argmax, real *dx, ptrdiff_t row_stride, ptrdiff_t size_w, ptrdiff_t r,
                           ptrdiff_t r_end, ptrdiff_t s, ptrdiff_t s_end, const bool disjoint) {
    const vint zero = {0};
    for (ptrdiff_t i = r; i < r_end; i++) {
        for (ptrdiff_t j = s; j < s_end; j++) {
            real *cell = dx + i * row_stride + j * IMAGE_BLOCK;
            vreal dcell = d;
            if (argmax != NULL) dcell = vselect((vint)(*argmax == zero + (rint_t)(i * size_w + j)), d, vset(0));
            vstore(cell, disjoint ? dcell : vload(cell) + dcell);
        }
    }
}

/* Adds the gradient of one window's maximum, or of its mean where argmax is NULL. */
FNN_INLINE void backward_window(const pool *v, const real *dout, const window *win, int type, const void *argmax,
                                ptrdiff_t at, real *dx, const bool disjoint) {
    const ptrdiff_t row_stride = v->w * IMAGE_BLOCK;
    real *corner = dx + win->y * row_stride + win->x * IMAGE_BLOCK;
    for (int part = 0; part < PIXEL_VECTORS; part++, at += VL, corner += VL) {
        const vreal d = vload(dout + at);
        if (argmax == NULL) {
            const vreal dcell = d / vset(counted_cells(v, win));
            distribute(dcell, NULL, corner, row_stride, v->size_w, win->r, win->r_end, win->s, win->s_end, disjoint);
            continue;
        }
        const vint cell = nchw16n_load_argmax(argmax, type, at);
        if (is_inside(v, win) && v->size_h == 2 && v->size_w == 2)
            distribute(d, &cell, corner, row_stride, 2, 0, 2, 0, 2, disjoint);
        else
            distribute(d, &cell, corner, row_stride, v->size_w, win->r, win->r_end, win->s, win->s_end, disjoint);
    }
}

/* --- tasks --- */

FNN_INLINE void forward_task(void *context, int task, const bool max) {
    const pool copy = *(const pool *)context, *v = &copy; /* a local copy stays in registers: no store can change it */
    const fnn_op *op = v->op;
    const ptrdiff_t block = nchw16n_task_block(&v->partition, task);
    for (ptrdiff_t c = 0; c < v->channels; c++) {
        const ptrdiff_t plane = block * v->channels + c;
        const real *x = IN(0) + plane * v->h * v->w * IMAGE_BLOCK;
        for (ptrdiff_t p = nchw16n_row_begin(&v->partition, task); p < nchw16n_row_end(&v->partition, task); p++) {
            for (ptrdiff_t q = 0; q < v->q; q++) {
                const window win = window_at(v, p, q);
                const ptrdiff_t at = ((plane * v->p + p) * v->q + q) * IMAGE_BLOCK;
                if (max)
                    max_of_window(v, x, &win, op->type[2], OUT(1), op->p[2], at);
                else
                    mean_of_window(v, x, &win, OUT(1) + at);
            }
        }
    }
}

static void max_task(void *context, int task) { forward_task(context, task, true); }
static void mean_task(void *context, int task) { forward_task(context, task, false); }

/* Takes rows p … p_end-1 of the windows of one channel. They write all rows of dx from the top of the first one to the
 * top of the next task's first one; the outermost tasks write the edges of the image too. */
static void backward_rows(const pool *v, ptrdiff_t plane, ptrdiff_t p, ptrdiff_t p_end, const real *dout, int type,
                          const void *argmax, real *dx, bool disjoint) {
    const ptrdiff_t row_stride = v->w * IMAGE_BLOCK;
    const ptrdiff_t top = p == 0 ? 0 : fnn_min(v->h, fnn_max(0, p * v->stride_h - v->pad_h));
    const ptrdiff_t bottom = p_end == v->p ? v->h : fnn_min(v->h, fnn_max(0, p_end * v->stride_h - v->pad_h));
    const bool tile_image = disjoint && v->stride_h == v->size_h && v->stride_w == v->size_w && v->pad_h == 0 &&
                            v->pad_w == 0 && v->p * v->size_h >= v->h && v->q * v->size_w >= v->w;
    real *image = dx + plane * v->h * row_stride;
    if (!tile_image) memset(image + top * row_stride, 0, (size_t)((bottom - top) * row_stride) * sizeof(real));
    for (; p < p_end; p++) {
        for (ptrdiff_t q = 0; q < v->q; q++) {
            const window win = window_at(v, p, q);
            const ptrdiff_t at = ((plane * v->p + p) * v->q + q) * IMAGE_BLOCK;
            if (disjoint)
                backward_window(v, dout, &win, type, argmax, at, image, true);
            else
                backward_window(v, dout, &win, type, argmax, at, image, false);
        }
    }
}

typedef struct {
    pool pool;
    const void *argmax; /* NULL: the gradient of the mean */
    int type;
    real *dx;
    bool disjoint; /* no cell lies in two windows; then the tasks are rows, otherwise channels */
} pool_gradient;

static void backward_task(void *context, int task) {
    const pool_gradient copy = *(const pool_gradient *)context, *g = &copy;
    const pool *v = &g->pool;
    const fnn_op *op = v->op;
    const ptrdiff_t block = nchw16n_task_block(&v->partition, task);
    const ptrdiff_t begin = nchw16n_row_begin(&v->partition, task), end = nchw16n_row_end(&v->partition, task);
    const ptrdiff_t c = g->disjoint ? 0 : begin, c_end = g->disjoint ? v->channels : end;
    const ptrdiff_t p = g->disjoint ? begin : 0, p_end = g->disjoint ? end : v->p;
    for (ptrdiff_t i = c; i < c_end; i++)
        backward_rows(v, block * v->channels + i, p, p_end, IN(0), g->type, g->argmax, g->dx, g->disjoint);
}

static void set_window(pool *v) {
    const double *s = v->op->s;
    v->size_h = (ptrdiff_t)s[0], v->size_w = (ptrdiff_t)s[1];
    v->stride_h = (ptrdiff_t)s[2], v->stride_w = (ptrdiff_t)s[3];
    v->pad_h = (ptrdiff_t)s[4], v->pad_w = (ptrdiff_t)s[5];
}

/* x[g,c,h,w,16], out[g,c,p,q,16] */
static void forward(const fnn_op *op, bool count_pad, void (*fn)(void *context, int task)) {
    const ptrdiff_t *n = op->n;
    pool v = {.op = op, .channels = n[1], .h = n[2], .w = n[3], .p = n[4], .q = n[5], .count_pad = count_pad};
    set_window(&v);
    v.partition = nchw16n_partition_rows(n[0], v.p);
    nchw16n_parallel(nchw16n_task_count(&v.partition), fn, &v, (double)(n[0] * n[1] * n[2] * n[3] * IMAGE_BLOCK));
}

/* dout[g,c,p,q,16], dx[g,c,h,w,16] */
static void backward(const fnn_op *op, const void *argmax, int type, real *dx, bool count_pad) {
    const ptrdiff_t *n = op->n;
    pool_gradient g = {
        .pool = {.op = op, .channels = n[1], .p = n[2], .q = n[3], .h = n[4], .w = n[5], .count_pad = count_pad},
        .argmax = argmax,
        .type = type,
        .dx = dx,
    };
    pool *v = &g.pool;
    set_window(v);
    g.disjoint = v->stride_h >= v->size_h && v->stride_w >= v->size_w && v->p > 0;
    v->partition = nchw16n_partition_rows(n[0], g.disjoint ? v->p : v->channels);
    nchw16n_parallel(nchw16n_task_count(&v->partition), backward_task, &g,
                     (double)(n[0] * n[1] * n[4] * n[5] * IMAGE_BLOCK));
}

/* x, out, argmax; size_h, size_w, stride_h, stride_w, pad_h, pad_w */
void FN(max_pool_forward_nchw16n)(const fnn_op *op) { forward(op, false, max_task); }

/* dout, argmax, dx; size_h … pad_w */
void FN(max_pool_backward_nchw16n)(const fnn_op *op) { backward(op, op->p[1], op->type[1], OUT(2), false); }

/* x, out; size_h … pad_w, count_pad */
void FN(avg_pool_forward_nchw16n)(const fnn_op *op) { forward(op, op->s[6] != 0, mean_task); }

/* dout, dx; size_h … pad_w, count_pad */
void FN(avg_pool_backward_nchw16n)(const fnn_op *op) { backward(op, NULL, 0, OUT(1), op->s[6] != 0); }
