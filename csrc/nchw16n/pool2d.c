/* Pooling of images innermost: the maximum or the mean of windows.
 *
 * argmax numbers a window's cells row by row: of equal cells the first wins, the first NaN wins over everything.
 */
#include "nchw16n/pool2d.h"

typedef struct {
    const fnn_op *op;
    ptrdiff_t channels, h, w, p, q; /* of an image; of its windows */
    ptrdiff_t size_h, size_w, stride_h, stride_w, pad_h, pad_w;
    bool count_pad;
    nchw16n_cut cut; /* by rows of windows, or by channels */
} pool;

/* Cells of a window inside the image: rows r … r_end-1, columns s … s_end-1 of the window whose corner is at (y, x). */
typedef struct {
    ptrdiff_t y, x, r, r_end, s, s_end;
} window;

FNN_INLINE window window_at(const pool *v, ptrdiff_t p, ptrdiff_t q) {
    const ptrdiff_t y = p * v->stride_h - v->pad_h, x = q * v->stride_w - v->pad_w;
    return (window){y, x, fnn_max(0, -y), fnn_min(v->size_h, v->h - y), fnn_max(0, -x), fnn_min(v->size_w, v->w - x)};
}

FNN_INLINE bool whole(const pool *v, const window *at) {
    return at->r == 0 && at->s == 0 && at->r_end == v->size_h && at->s_end == v->size_w;
}

FNN_INLINE real cells_counted(const pool *v, const window *at) {
    return (real)(v->count_pad ? v->size_h * v->size_w : (at->r_end - at->r) * (at->s_end - at->s));
}

/* --- one window --- */

FNN_INLINE void max_of(const pool *v, const real *x, const window *at, int type, real *out, void *argmax, ptrdiff_t o) {
    const ptrdiff_t row = v->w * N16, corner = at->y * row + at->x * N16;
    if (whole(v, at)) {
        nchw16n_window(x + corner, row, v->size_h, v->size_w, out, argmax, type, o);
        return;
    }
    for (int part = 0; part < NCHW16N_PARTS; part++, o += VL) {
        vint place;
        const vreal best = nchw16n_largest(x + corner + part * VL, row, v->size_w, at->r, at->r_end, at->s, at->s_end,
                                           argmax != NULL, NULL, &place);
        vstore(out + o, best);
        if (argmax != NULL) nchw16n_put_argmax(argmax, type, o, place);
    }
}

FNN_INLINE void mean_of(const pool *v, const real *x, const window *at, real *out) {
    const ptrdiff_t row = v->w * N16, corner = at->y * row + at->x * N16;
    const vreal count = vset(cells_counted(v, at));
    for (int part = 0; part < NCHW16N_PARTS; part++) {
        vreal sum = vset(0);
        for (ptrdiff_t i = at->r; i < at->r_end; i++)
            for (ptrdiff_t j = at->s; j < at->s_end; j++) sum += vload(x + corner + i * row + j * N16 + part * VL);
        vstore(out + part * VL, sum / count);
    }
}

/* Hands d to cells r … r_end-1 × s … s_end-1 of a window whose corner is at dx: to those numbered `place`, or to all.
 */
FNN_INLINE void hand_out(vreal d, const vint *place, real *dx, ptrdiff_t row, ptrdiff_t size_w, ptrdiff_t r,
                         ptrdiff_t r_end, ptrdiff_t s, ptrdiff_t s_end, const bool alone) {
    const vint none = {0};
    for (ptrdiff_t i = r; i < r_end; i++) {
        for (ptrdiff_t j = s; j < s_end; j++) {
            real *cell = dx + i * row + j * N16;
            vreal share = d;
            if (place != NULL) share = vselect((vint)(*place == none + (rint_t)(i * size_w + j)), d, vset(0));
            vstore(cell, alone ? share : vload(cell) + share);
        }
    }
}

/* A window's gradient; without argmax all its cells get the same; `alone`: no other window gives them any. */
FNN_INLINE void spread(const pool *v, const real *dout, const window *at, int type, const void *argmax, ptrdiff_t o,
                       real *dx, const bool alone) {
    const ptrdiff_t row = v->w * N16;
    real *corner = dx + at->y * row + at->x * N16;
    for (int part = 0; part < NCHW16N_PARTS; part++, o += VL, corner += VL) {
        const vreal d = vload(dout + o);
        if (argmax == NULL) {
            const vreal share = d / vset(cells_counted(v, at));
            hand_out(share, NULL, corner, row, v->size_w, at->r, at->r_end, at->s, at->s_end, alone);
            continue;
        }
        const vint place = nchw16n_get_argmax(argmax, type, o);
        if (whole(v, at) && v->size_h == 2 && v->size_w == 2)
            hand_out(d, &place, corner, row, 2, 0, 2, 0, 2, alone);
        else
            hand_out(d, &place, corner, row, v->size_w, at->r, at->r_end, at->s, at->s_end, alone);
    }
}

/* --- tasks --- */

FNN_INLINE void windows_of_task(void *context, int task, const bool largest) {
    const pool copy = *(const pool *)context, *v = &copy; /* in registers: no store can change it */
    const fnn_op *op = v->op;
    const ptrdiff_t group = nchw16n_group(&v->cut, task);
    for (ptrdiff_t c = 0; c < v->channels; c++) {
        const ptrdiff_t plane = group * v->channels + c;
        const real *x = IN(0) + plane * v->h * v->w * N16;
        for (ptrdiff_t p = nchw16n_begin(&v->cut, task); p < nchw16n_end(&v->cut, task); p++) {
            for (ptrdiff_t q = 0; q < v->q; q++) {
                const window at = window_at(v, p, q);
                const ptrdiff_t o = ((plane * v->p + p) * v->q + q) * N16;
                if (largest)
                    max_of(v, x, &at, op->type[2], OUT(1), op->p[2], o);
                else
                    mean_of(v, x, &at, OUT(1) + o);
            }
        }
    }
}

static void max_task(void *context, int task) { windows_of_task(context, task, true); }
static void mean_task(void *context, int task) { windows_of_task(context, task, false); }

/* Rows of dx that rows p … p_end-1 of windows write, the rest of the image shared out at its ends. */
static void backward_rows(const pool *v, ptrdiff_t plane, ptrdiff_t p, ptrdiff_t p_end, const real *dout, int type,
                          const void *argmax, real *dx, bool alone) {
    const ptrdiff_t row = v->w * N16;
    const ptrdiff_t top = p == 0 ? 0 : fnn_min(v->h, fnn_max(0, p * v->stride_h - v->pad_h));
    const ptrdiff_t bottom = p_end == v->p ? v->h : fnn_min(v->h, fnn_max(0, p_end * v->stride_h - v->pad_h));
    const bool covers = alone && v->stride_h == v->size_h && v->stride_w == v->size_w && v->pad_h == 0 &&
                        v->pad_w == 0 && v->p * v->size_h >= v->h && v->q * v->size_w >= v->w;
    real *image = dx + plane * v->h * row;
    if (!covers) memset(image + top * row, 0, (size_t)((bottom - top) * row) * sizeof(real));
    for (; p < p_end; p++) {
        for (ptrdiff_t q = 0; q < v->q; q++) {
            const window at = window_at(v, p, q);
            const ptrdiff_t o = ((plane * v->p + p) * v->q + q) * N16;
            if (alone)
                spread(v, dout, &at, type, argmax, o, image, true);
            else
                spread(v, dout, &at, type, argmax, o, image, false);
        }
    }
}

typedef struct {
    pool pool;
    const void *argmax; /* NULL: the mean */
    int type;
    real *dx;
    bool alone; /* no cell lies in two windows; then tasks are rows, otherwise channels */
} gradient;

static void backward_task(void *context, int task) {
    const gradient copy = *(const gradient *)context, *g = &copy;
    const pool *v = &g->pool;
    const fnn_op *op = v->op;
    const ptrdiff_t group = nchw16n_group(&v->cut, task), begin = nchw16n_begin(&v->cut, task),
                    end = nchw16n_end(&v->cut, task);
    const ptrdiff_t c = g->alone ? 0 : begin, c_end = g->alone ? v->channels : end;
    const ptrdiff_t p = g->alone ? begin : 0, p_end = g->alone ? end : v->p;
    for (ptrdiff_t i = c; i < c_end; i++)
        backward_rows(v, group * v->channels + i, p, p_end, IN(0), g->type, g->argmax, g->dx, g->alone);
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
    v.cut = nchw16n_cut_rows(n[0], v.p);
    nchw16n_run(nchw16n_tasks(&v.cut), fn, &v, (double)(n[0] * n[1] * n[2] * n[3] * N16));
}

/* dout[g,c,p,q,16], dx[g,c,h,w,16] */
static void backward(const fnn_op *op, const void *argmax, int type, real *dx, bool count_pad) {
    const ptrdiff_t *n = op->n;
    gradient g = {
        .pool = {.op = op, .channels = n[1], .p = n[2], .q = n[3], .h = n[4], .w = n[5], .count_pad = count_pad},
        .argmax = argmax,
        .type = type,
        .dx = dx,
    };
    pool *v = &g.pool;
    set_window(v);
    g.alone = v->stride_h >= v->size_h && v->stride_w >= v->size_w && v->p > 0;
    v->cut = nchw16n_cut_rows(n[0], g.alone ? v->p : v->channels);
    nchw16n_run(nchw16n_tasks(&v->cut), backward_task, &g, (double)(n[0] * n[1] * n[4] * n[5] * N16));
}

/* x, out, argmax; size_h, size_w, stride_h, stride_w, pad_h, pad_w */
void FN(max_pool_forward_nchw16n)(const fnn_op *op) { forward(op, false, max_task); }

/* dout, argmax, dx; size_h … pad_w */
void FN(max_pool_backward_nchw16n)(const fnn_op *op) { backward(op, op->p[1], op->type[1], OUT(2), false); }

/* x, out; size_h … pad_w, count_pad */
void FN(avg_pool_forward_nchw16n)(const fnn_op *op) { forward(op, op->s[6] != 0, mean_task); }

/* dout, dx; size_h … pad_w, count_pad */
void FN(avg_pool_backward_nchw16n)(const fnn_op *op) { backward(op, NULL, 0, OUT(1), op->s[6] != 0); }
