/* Batch normalisation and the max-pooling behind it, on images innermost; the windows tile the image.
 *
 * What is normalised never stands in memory: forward it is pooled as it is made; backward the pooled gradient, what the
 * normalisation makes of it, and the derivative of the activation in front are one pass. The gradient's sums are added
 * up piece by piece (nchw16n/running_moments.h).
 */
#include "elementwise/activation.h"
#include "nchw16n/running_moments.h"
#include "nchw16n/pool2d.h"

typedef struct {
    ptrdiff_t channels, h, w, p, q, size_h, size_w;
    nchw16n_norm of;
    nchw16n_cut cut; /* rows of windows */
    int type;        /* of the argmax */
    const real *x;
    /* forward */
    real *out;
    void *put;
    /* backward */
    const real *dout;
    const void *argmax;
    real *dx;
    double *work; /* two sums a piece and channel; then an nchw16n_back of each channel */
    ptrdiff_t images;
    int kind;
    real alpha;
} block;

/* The first pixel of row y of a channel's plane. */
FNN_INLINE ptrdiff_t row_at(const block *v, ptrdiff_t group, ptrdiff_t c, ptrdiff_t y) {
    return ((group * v->channels + c) * v->h + y) * v->w * N16;
}

/* The first window of row p of a channel's plane. */
FNN_INLINE ptrdiff_t windows_at(const block *v, ptrdiff_t group, ptrdiff_t c, ptrdiff_t p) {
    return ((group * v->channels + c) * v->p + p) * v->q * N16;
}

/* --- forward --- */

static void forward_task(void *context, int task) {
    const block copy = *(const block *)context, *v = &copy; /* in registers: no store can change it */
    const ptrdiff_t group = nchw16n_group(&v->cut, task), row = v->w * N16;
    const bool two = v->size_h == 2 && v->size_w == 2;
    for (ptrdiff_t c = 0; c < v->channels; c++) {
        const nchw16n_line line = nchw16n_line_of(&v->of, c);
        for (ptrdiff_t p = nchw16n_begin(&v->cut, task); p < nchw16n_end(&v->cut, task); p++) {
            const real *x = v->x + row_at(v, group, c, p * v->size_h);
            ptrdiff_t o = windows_at(v, group, c, p);
            for (ptrdiff_t q = 0; q < v->q; q++, x += (v->size_w - 1) * N16) {
                for (int part = 0; part < NCHW16N_PARTS; part++, o += VL, x += VL) {
                    vint place;
                    const vreal best =
                        two ? nchw16n_largest(x, row, 2, 0, 2, 0, 2, true, &line, &place)
                            : nchw16n_largest(x, row, v->size_w, 0, v->size_h, 0, v->size_w, true, &line, &place);
                    vstore(v->out + o, best);
                    if (v->put != NULL) nchw16n_put_argmax(v->put, v->type, o, place);
                }
            }
        }
    }
}

/* --- backward --- */

/* The cell of the window at x that `place` names. */
FNN_INLINE vreal winner(const real *x, ptrdiff_t row, ptrdiff_t size_h, ptrdiff_t size_w, vint place) {
    vreal cell = vload(x);
    for (ptrdiff_t i = 0; i < size_h; i++)
        for (ptrdiff_t j = 0; j < size_w; j++) {
            const vint number = (vint){0} + (rint_t)(i * size_w + j);
            cell = vselect((vint)(place == number), vload(x + i * row + j * N16), cell);
        }
    return cell;
}

/* Σ dout and Σ dout (x - mean) of a piece: only cells that won have a gradient. */
static void sums_task(void *context, int task) {
    const block *v = context;
    const ptrdiff_t group = nchw16n_group(&v->cut, task), row = v->w * N16;
    const bool two = v->size_h == 2 && v->size_w == 2;
    for (ptrdiff_t c = 0; c < v->channels; c++) {
        const vreal mean = vset(v->of.mean[c]);
        double *sums = v->work + 2 * (task * v->channels + c);
        sums[0] = sums[1] = 0;
        for (ptrdiff_t p = nchw16n_begin(&v->cut, task); p < nchw16n_end(&v->cut, task); p++) {
            const real *x = v->x + row_at(v, group, c, p * v->size_h);
            ptrdiff_t o = windows_at(v, group, c, p);
            vreal a[NCHW16N_PARTS] = {{0}}, b[NCHW16N_PARTS] = {{0}};
            for (ptrdiff_t q = 0; q < v->q; q++, x += (v->size_w - 1) * N16) {
                for (int part = 0; part < NCHW16N_PARTS; part++, o += VL, x += VL) {
                    const vint place = nchw16n_get_argmax(v->argmax, v->type, o);
                    const vreal cell = two ? winner(x, row, 2, 2, place) : winner(x, row, v->size_h, v->size_w, place);
                    const vreal d = vload(v->dout + o);
                    a[part] += d;
                    b[part] = vfma(d, cell - mean, b[part]);
                }
            }
            for (int part = 0; part < NCHW16N_PARTS; part++) {
                const vreal lanes = nchw16n_lanes(v->images - group * N16, part);
                sums[0] += nchw16n_lanes_total(nchw16n_only(a[part], lanes));
                sums[1] += nchw16n_lanes_total(nchw16n_only(b[part], lanes));
            }
        }
    }
}

static nchw16n_back *backs_of(const block *v) {
    return (nchw16n_back *)(v->work + 2 * nchw16n_tasks(&v->cut) * v->channels);
}

static void combine(const block *v) {
    const double count = (double)fnn_max(1, v->images * v->h * v->w);
    for (ptrdiff_t c = 0; c < v->channels; c++) {
        double sum = 0, product = 0;
        for (int task = 0; task < nchw16n_tasks(&v->cut); task++) {
            sum += v->work[2 * (task * v->channels + c)];
            product += v->work[2 * (task * v->channels + c) + 1];
        }
        backs_of(v)[c] = nchw16n_back_of(&v->of, c, sum, product, count);
    }
}

static void backward_task(void *context, int task) {
    const block copy = *(const block *)context, *v = &copy;
    const ptrdiff_t group = nchw16n_group(&v->cut, task), row = v->w * N16;
    vreal lanes[NCHW16N_PARTS];
    nchw16n_all_lanes(v->images - group * N16, lanes);
    for (ptrdiff_t c = 0; c < v->channels; c++) {
        const nchw16n_back_line line = nchw16n_back_line_of(&v->of, c, &backs_of(v)[c]);
        for (ptrdiff_t p = nchw16n_begin(&v->cut, task); p < nchw16n_end(&v->cut, task); p++) {
            for (ptrdiff_t i = 0; i < v->size_h; i++) {
                const ptrdiff_t start = row_at(v, group, c, p * v->size_h + i);
                const real *x = v->x + start;
                real *dx = v->dx + start;
                ptrdiff_t o = windows_at(v, group, c, p);
                for (ptrdiff_t q = 0; q < v->q; q++) {
                    for (int part = 0; part < NCHW16N_PARTS; part++, o += VL) {
                        const vint place = nchw16n_get_argmax(v->argmax, v->type, o);
                        const vreal d = vload(v->dout + o);
                        for (ptrdiff_t j = 0; j < v->size_w; j++) {
                            const ptrdiff_t at = (q * v->size_w + j) * N16 + part * VL;
                            const vint number = (vint){0} + (rint_t)(i * v->size_w + j);
                            const vreal share = vselect((vint)(place == number), d, vset(0));
                            vstore(dx + at, nchw16n_only(nchw16n_back_on(&line, share, vload(x + at)), lanes[part]));
                        }
                    }
                }
                activate_grad_block(v->kind, v->alpha, dx, 0, x, 0, 1, row);
            }
        }
    }
}

/* --- kernels --- */

static block block_of(const ptrdiff_t *g_c, ptrdiff_t h, ptrdiff_t w, ptrdiff_t p, ptrdiff_t q) {
    return (block){
        .channels = g_c[1],
        .h = h,
        .w = w,
        .p = p,
        .q = q,
        .size_h = p > 0 ? h / p : 0,
        .size_w = q > 0 ? w / q : 0,
        .cut = nchw16n_cut_rows(g_c[0], p),
    };
}

/* x[g,c,h,w,16], w, b, mean, var, out[g,c,p,q,16], argmax; eps */
void FN(batch_norm_max_pool_forward_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    block v = block_of(n, n[2], n[3], n[4], n[5]);
    v.x = IN(0);
    v.of = (nchw16n_norm){.w = IN(1), .b = IN(2), .mean = IN(3), .var = IN(4), .eps = op->s[0]};
    v.out = OUT(5);
    v.put = op->p[6];
    v.type = op->type[6];
    if (v.p * v.q > 0)
        nchw16n_run(nchw16n_tasks(&v.cut), forward_task, &v, 2.0 * (double)(n[0] * n[1] * n[2] * n[3] * N16));
}

/* dout[g,c,p,q,16], argmax, x[g,c,h,w,16], w, mean, var, dx, dw, db, work; images, eps, fixed, beta, kind, alpha */
void FN(batch_norm_max_pool_backward_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    const double *s = op->s, work = 4.0 * (double)(n[0] * n[1] * n[4] * n[5] * N16);
    block v = block_of(n, n[4], n[5], n[2], n[3]);
    v.dout = IN(0);
    v.argmax = op->p[1];
    v.type = op->type[1];
    v.x = IN(2);
    v.of = (nchw16n_norm){IN(3), NULL, IN(4), IN(5), s[1], OUT(7), OUT(8), s[2] != 0, s[3] != 0};
    v.dx = OUT(6);
    v.work = op->p[9];
    v.images = (ptrdiff_t)s[0];
    v.kind = (int)s[4];
    v.alpha = (real)s[5];
    nchw16n_run(nchw16n_tasks(&v.cut), sums_task, &v, work);
    combine(&v);
    if (v.p * v.q > 0) nchw16n_run(nchw16n_tasks(&v.cut), backward_task, &v, work);
}
