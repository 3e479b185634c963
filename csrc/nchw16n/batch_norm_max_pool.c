/* Batch normalisation and the max-pooling behind it, in one pass over the layout NCHW16n; the windows tile the image.
 *
 * The normalised pixels are never written to memory. Forward, a window is normalised in registers and pooled there.
 * Backward, one pass turns the pooled gradient into the gradient before the normalisation and multiplies it with the
 * derivative of the activation in front. The sums that this gradient needs are taken slice by slice before, as the
 * moments are (nchw16n/batch_moments.h).
 */
#include "elementwise/activation.h"
#include "nchw16n/batch_moments.h"
#include "nchw16n/pool.h"

/* x, dx: [image block][channel][h][w][16]; out, argmax, dout: [image block][channel][p][q][16] */
typedef struct {
    ptrdiff_t channels, h, w, p, q, size_h, size_w;
    nchw16n_batch_norm norm;
    nchw16n_partition partition; /* rows of windows */
    int type;                    /* the argmax's element type */
    const real *x;
    /* forward */
    real *out;
    void *argmax_out; /* may be NULL */
    /* backward */
    const real *dout;
    const void *argmax;
    real *dx;
    double *work; /* two sums: [task][channel][2]; then an nchw16n_norm_gradient of each channel */
    ptrdiff_t images;
    int kind; /* the activation in front of the normalisation */
    real alpha;
} problem;

/* Where row y of a channel's image plane begins. */
FNN_INLINE ptrdiff_t image_row(const problem *p, ptrdiff_t block, ptrdiff_t c, ptrdiff_t y) {
    return ((block * p->channels + c) * p->h + y) * p->w * IMAGE_BLOCK;
}

/* Where row i of a channel's plane of windows begins. */
FNN_INLINE ptrdiff_t window_row(const problem *p, ptrdiff_t block, ptrdiff_t c, ptrdiff_t i) {
    return ((block * p->channels + c) * p->p + i) * p->q * IMAGE_BLOCK;
}

/* --- forward --- */

static void forward_task(void *context, int task) {
    const problem copy = *(const problem *)context,
                  *p = &copy; /* a local copy stays in registers: no store can change it */
    const ptrdiff_t block = nchw16n_task_block(&p->partition, task), row_stride = p->w * IMAGE_BLOCK;
    const bool size_2x2 = p->size_h == 2 && p->size_w == 2;
    for (ptrdiff_t c = 0; c < p->channels; c++) {
        const nchw16n_normalizer normalizer = nchw16n_normalizer_of(&p->norm, c);
        for (ptrdiff_t i = nchw16n_row_begin(&p->partition, task); i < nchw16n_row_end(&p->partition, task); i++) {
            const real *x = p->x + image_row(p, block, c, i * p->size_h);
            ptrdiff_t at = window_row(p, block, c, i);
            for (ptrdiff_t j = 0; j < p->q; j++, x += (p->size_w - 1) * IMAGE_BLOCK) {
                for (int part = 0; part < PIXEL_VECTORS; part++, at += VL, x += VL) {
                    vint cell;
                    const vreal best = size_2x2
                                           ? nchw16n_window_max(x, row_stride, 2, 0, 2, 0, 2, true, &normalizer, &cell)
                                           : nchw16n_window_max(x, row_stride, p->size_w, 0, p->size_h, 0, p->size_w,
                                                                true, &normalizer, &cell);
                    vstore(p->out + at, best);
                    if (p->argmax_out != NULL) nchw16n_store_argmax(p->argmax_out, p->type, at, cell);
                }
            }
        }
    }
}

/* --- backward --- */

/* The cell of number `argmax` in the window at x. */
FNN_INLINE vreal argmax_cell(const real *x, ptrdiff_t row_stride, ptrdiff_t size_h, ptrdiff_t size_w, vint argmax) {
    vreal cell = vload(x);
    for (ptrdiff_t i = 0; i < size_h; i++)
        for (ptrdiff_t j = 0; j < size_w; j++) {
            const vint number = (vint){0} + (rint_t)(i * size_w + j);
            cell = vselect((vint)(argmax == number), vload(x + i * row_stride + j * IMAGE_BLOCK), cell);
        }
    return cell;
}

/* Sums dout and dout (x - mean) over a slice. Only the cells that were the maximum have a gradient. */
static void sum_task(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t block = nchw16n_task_block(&p->partition, task), row_stride = p->w * IMAGE_BLOCK;
    const bool size_2x2 = p->size_h == 2 && p->size_w == 2;
    for (ptrdiff_t c = 0; c < p->channels; c++) {
        const vreal mean = vset(p->norm.mean[c]);
        double *sums = p->work + 2 * (task * p->channels + c);
        sums[0] = sums[1] = 0;
        for (ptrdiff_t i = nchw16n_row_begin(&p->partition, task); i < nchw16n_row_end(&p->partition, task); i++) {
            const real *x = p->x + image_row(p, block, c, i * p->size_h);
            ptrdiff_t at = window_row(p, block, c, i);
            vreal sum[PIXEL_VECTORS] = {{0}}, product[PIXEL_VECTORS] = {{0}};
            for (ptrdiff_t j = 0; j < p->q; j++, x += (p->size_w - 1) * IMAGE_BLOCK) {
                for (int part = 0; part < PIXEL_VECTORS; part++, at += VL, x += VL) {
                    const vint argmax = nchw16n_load_argmax(p->argmax, p->type, at);
                    const vreal cell = size_2x2 ? argmax_cell(x, row_stride, 2, 2, argmax)
                                                : argmax_cell(x, row_stride, p->size_h, p->size_w, argmax);
                    const vreal d = vload(p->dout + at);
                    sum[part] += d;
                    product[part] = vfma(d, cell - mean, product[part]);
                }
            }
            for (int part = 0; part < PIXEL_VECTORS; part++) {
                const vreal mask = nchw16n_lane_mask(p->images - block * IMAGE_BLOCK, part);
                sums[0] += nchw16n_sum_lanes(nchw16n_mask_lanes(sum[part], mask));
                sums[1] += nchw16n_sum_lanes(nchw16n_mask_lanes(product[part], mask));
            }
        }
    }
}

static nchw16n_norm_gradient *channel_gradients(const problem *p) {
    return (nchw16n_norm_gradient *)(p->work + 2 * nchw16n_task_count(&p->partition) * p->channels);
}

/* Adds up the sums of the slices in their order. */
static void combine_sums(const problem *p) {
    const double count = (double)fnn_max(1, p->images * p->h * p->w);
    for (ptrdiff_t c = 0; c < p->channels; c++) {
        double sum = 0, product = 0;
        for (int task = 0; task < nchw16n_task_count(&p->partition); task++) {
            sum += p->work[2 * (task * p->channels + c)];
            product += p->work[2 * (task * p->channels + c) + 1];
        }
        channel_gradients(p)[c] = nchw16n_norm_gradient_of(&p->norm, c, sum, product, count);
    }
}

static void backward_task(void *context, int task) {
    const problem copy = *(const problem *)context,
                  *p = &copy; /* a local copy stays in registers: no store can change it */
    const ptrdiff_t block = nchw16n_task_block(&p->partition, task), row_stride = p->w * IMAGE_BLOCK;
    vreal masks[PIXEL_VECTORS];
    nchw16n_lane_masks(p->images - block * IMAGE_BLOCK, masks);
    for (ptrdiff_t c = 0; c < p->channels; c++) {
        const nchw16n_norm_backward backward = nchw16n_norm_backward_of(&p->norm, c, &channel_gradients(p)[c]);
        for (ptrdiff_t i = nchw16n_row_begin(&p->partition, task); i < nchw16n_row_end(&p->partition, task); i++) {
            for (ptrdiff_t r = 0; r < p->size_h; r++) {
                const ptrdiff_t start = image_row(p, block, c, i * p->size_h + r);
                const real *x = p->x + start;
                real *dx = p->dx + start;
                ptrdiff_t at = window_row(p, block, c, i);
                for (ptrdiff_t j = 0; j < p->q; j++) {
                    for (int part = 0; part < PIXEL_VECTORS; part++, at += VL) {
                        const vint argmax = nchw16n_load_argmax(p->argmax, p->type, at);
                        const vreal d = vload(p->dout + at);
                        for (ptrdiff_t s = 0; s < p->size_w; s++) {
                            const ptrdiff_t pixel = (j * p->size_w + s) * IMAGE_BLOCK + part * VL;
                            const vint number = (vint){0} + (rint_t)(r * p->size_w + s);
                            const vreal dcell = vselect((vint)(argmax == number), d, vset(0));
                            vstore(dx + pixel,
                                   nchw16n_mask_lanes(nchw16n_normalize_backward(&backward, dcell, vload(x + pixel)),
                                                      masks[part]));
                        }
                    }
                }
                FN(activate_grad_block)(p->kind, p->alpha, dx, 0, x, 0, 1, row_stride);
            }
        }
    }
}

/* --- kernels --- */

static problem problem_of(const ptrdiff_t *g_c, ptrdiff_t h, ptrdiff_t w, ptrdiff_t p, ptrdiff_t q) {
    return (problem){
        .channels = g_c[1],
        .h = h,
        .w = w,
        .p = p,
        .q = q,
        .size_h = p > 0 ? h / p : 0,
        .size_w = q > 0 ? w / q : 0,
        .partition = nchw16n_partition_rows(g_c[0], p),
    };
}

/* x[g,c,h,w,16], w, b, mean, var, out[g,c,p,q,16], argmax; eps */
void FN(batch_norm_max_pool_forward_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    problem p = problem_of(n, n[2], n[3], n[4], n[5]);
    p.x = IN(0);
    p.norm = (nchw16n_batch_norm){.w = IN(1), .b = IN(2), .mean = IN(3), .var = IN(4), .eps = op->s[0]};
    p.out = OUT(5);
    p.argmax_out = op->p[6];
    p.type = op->type[6];
    if (p.p * p.q > 0)
        nchw16n_parallel(nchw16n_task_count(&p.partition), forward_task, &p,
                         2.0 * (double)(n[0] * n[1] * n[2] * n[3] * IMAGE_BLOCK));
}

/* dout[g,c,p,q,16], argmax, x[g,c,h,w,16], w, mean, var, dx, dw, db, work; images, eps, fixed, beta, kind, alpha */
void FN(batch_norm_max_pool_backward_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    const double *s = op->s, work = 4.0 * (double)(n[0] * n[1] * n[4] * n[5] * IMAGE_BLOCK);
    problem p = problem_of(n, n[4], n[5], n[2], n[3]);
    p.dout = IN(0);
    p.argmax = op->p[1];
    p.type = op->type[1];
    p.x = IN(2);
    p.norm = (nchw16n_batch_norm){IN(3), NULL, IN(4), IN(5), s[1], OUT(7), OUT(8), s[2] != 0, s[3] != 0};
    p.dx = OUT(6);
    p.work = op->p[9];
    p.images = (ptrdiff_t)s[0];
    p.kind = (int)s[4];
    p.alpha = (real)s[5];
    nchw16n_parallel(nchw16n_task_count(&p.partition), sum_task, &p, work);
    combine_sums(&p);
    if (p.p * p.q > 0) nchw16n_parallel(nchw16n_task_count(&p.partition), backward_task, &p, work);
}
