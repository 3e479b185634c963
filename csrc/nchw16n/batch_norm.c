/* Batch normalisation in the layout NCHW16n. A task owns one channel of all blocks of images.
 *
 * Statistics: runs of CHAIN pixels are summed lane by lane in the type of the array, the runs' sums in double. A second
 * pass takes the variance about the mean, corrected by what rounding the mean left over.
 */
#include "nchw16n/batch_norm.h"
#include "nchw16n/batch_moments.h"

/* x, dout, out, dx: [image block][channel][pixel][16] */
typedef struct {
    ptrdiff_t blocks, channels, pixels;
    nchw16n_statistics statistics; /* `slices` unused: a task has all of a channel */
    nchw16n_batch_norm norm;
    const real *x, *dout;
    real *out, *dx;
} problem;

typedef struct {
    double first, second;
} channel_sums;

enum { SUM_X, SUM_ABOUT_MEAN, SUM_WITH_DOUT };

/* Sums over channel c. SUM_X: Σ x. SUM_ABOUT_MEAN: Σ d and Σ d² with d = x - mean. SUM_WITH_DOUT: Σ dout and Σ dout
 * d. */
FNN_INLINE channel_sums sum_channel(const problem *p, ptrdiff_t c, real mean, const int what) {
    const ptrdiff_t plane = p->pixels * IMAGE_BLOCK;
    const vreal m = vset(mean);
    channel_sums total = {0, 0};
    for (ptrdiff_t block = 0; block < p->blocks; block++) {
        const ptrdiff_t start = (block * p->channels + c) * plane;
        const real *x = p->x + start, *dout = what == SUM_WITH_DOUT ? p->dout + start : x;
        vreal masks[PIXEL_VECTORS];
        nchw16n_lane_masks(p->statistics.images - block * IMAGE_BLOCK, masks);
        for (int part = 0; part < PIXEL_VECTORS; part++) {
            for (ptrdiff_t i = part * VL; i < plane; i += CHAIN * IMAGE_BLOCK) {
                const ptrdiff_t end = fnn_min(plane, i + CHAIN * IMAGE_BLOCK);
                vreal a[4] = {{0}}, b[4] = {{0}};
                for (ptrdiff_t j = i; j < end; j += 4 * IMAGE_BLOCK) {
#pragma GCC unroll 4
                    for (int k = 0; k < 4; k++) {
                        if (j + k * IMAGE_BLOCK >= end) continue;
                        const vreal value = vload(x + j + k * IMAGE_BLOCK);
                        if (what == SUM_X) {
                            a[k] += value;
                        } else if (what == SUM_ABOUT_MEAN) {
                            a[k] += value - m;
                            b[k] = vfma(value - m, value - m, b[k]);
                        } else {
                            const vreal d = vload(dout + j + k * IMAGE_BLOCK);
                            a[k] += d;
                            b[k] = vfma(d, value - m, b[k]);
                        }
                    }
                }
                total.first += nchw16n_sum_lanes(nchw16n_mask_lanes((a[0] + a[1]) + (a[2] + a[3]), masks[part]));
                if (what != SUM_X)
                    total.second += nchw16n_sum_lanes(nchw16n_mask_lanes((b[0] + b[1]) + (b[2] + b[3]), masks[part]));
            }
        }
    }
    return total;
}

static void normalize_channel(const problem *p, ptrdiff_t c) {
    const ptrdiff_t plane = p->pixels * IMAGE_BLOCK;
    const nchw16n_normalizer normalizer = nchw16n_normalizer_of(&p->norm, c);
    for (ptrdiff_t block = 0; block < p->blocks; block++) {
        const ptrdiff_t start = (block * p->channels + c) * plane;
        const real *x = p->x + start;
        real *out = p->out + start;
        for (ptrdiff_t i = 0; i < plane; i += VL) vstore(out + i, nchw16n_normalize(&normalizer, vload(x + i)));
    }
}

static void forward_task(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t c = task;
    const double count = (double)fnn_max(1, p->statistics.images * p->pixels);
    const real near = (real)(sum_channel(p, c, 0, SUM_X).first / count);
    const channel_sums about = sum_channel(p, c, near, SUM_ABOUT_MEAN);
    double mean = (double)near, var = fmax(0, (about.second - about.first * about.first / count) / count);
    if (isnan(about.second)) var = NAN;
    if (norm_moments_fail(about.second, p->norm.eps, mean, var)) {
        const norm_values values = nchw16n_channel_values(p->x, c, p->channels, p->pixels, p->statistics.images);
        FN(norm_rescaled_moments)(&values, &mean, &var);
    }
    nchw16n_store_statistics(&p->statistics, c, (real)mean, (real)var, count);
    normalize_channel(p, c);
}

static void apply_task(void *context, int task) { normalize_channel(context, task); }

static void backward_task(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t c = task, plane = p->pixels * IMAGE_BLOCK;
    const double count = (double)fnn_max(1, p->statistics.images * p->pixels);
    const channel_sums sums = sum_channel(p, c, p->norm.mean[c], SUM_WITH_DOUT);
    const nchw16n_norm_gradient gradient = nchw16n_norm_gradient_of(&p->norm, c, sums.first, sums.second, count);
    if (p->dx == NULL) return;
    const nchw16n_norm_backward backward = nchw16n_norm_backward_of(&p->norm, c, &gradient);
    for (ptrdiff_t block = 0; block < p->blocks; block++) {
        const ptrdiff_t start = (block * p->channels + c) * plane;
        const real *x = p->x + start, *dout = p->dout + start;
        real *dx = p->dx + start;
        const bool full = (block + 1) * IMAGE_BLOCK <= p->statistics.images;
        vreal masks[PIXEL_VECTORS];
        nchw16n_lane_masks(p->statistics.images - block * IMAGE_BLOCK, masks);
        for (ptrdiff_t i = 0; i < plane; i += IMAGE_BLOCK) {
            for (int part = 0; part < PIXEL_VECTORS; part++) {
                const ptrdiff_t at = i + part * VL;
                const vreal d = nchw16n_normalize_backward(&backward, vload(dout + at), vload(x + at));
                vstore(dx + at, full ? d : nchw16n_mask_lanes(d, masks[part]));
            }
        }
    }
}

static void run(problem *p, void (*fn)(void *context, int task)) {
    nchw16n_parallel((int)p->channels, fn, p, 8.0 * (double)(p->blocks * p->channels * p->pixels * IMAGE_BLOCK));
}

/* x[g,c,s,16], w, b, running_mean, running_var, out, mean, var; images, eps, momentum */
void FN(batch_norm_forward_nchw16n)(const fnn_op *op) {
    problem p = {
        .blocks = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .statistics = {NULL, OUT(6), OUT(7), OUT(3), OUT(4), (ptrdiff_t)op->s[0], op->s[2], op->s[1]},
        .norm = {.w = IN(1), .b = IN(2), .mean = IN(6), .var = IN(7), .eps = op->s[1]},
        .x = IN(0),
        .out = OUT(5),
    };
    run(&p, forward_task);
}

/* x[g,c,s,16], w, b, mean, var, out; eps */
void FN(batch_norm_apply_nchw16n)(const fnn_op *op) {
    problem p = {
        .blocks = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .norm = {.w = IN(1), .b = IN(2), .mean = IN(3), .var = IN(4), .eps = op->s[0]},
        .x = IN(0),
        .out = OUT(5),
    };
    run(&p, apply_task);
}

/* dout[g,c,s,16], x, w, mean, var, dx, dw, db; images, eps, fixed, beta */
void FN(batch_norm_backward_nchw16n)(const fnn_op *op) {
    const double *s = op->s;
    problem p = {
        .blocks = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .statistics.images = (ptrdiff_t)s[0],
        .norm = {IN(2), NULL, IN(3), IN(4), s[1], OUT(6), OUT(7), s[2] != 0, s[3] != 0},
        .dout = IN(0),
        .x = IN(1),
        .dx = OUT(5),
    };
    run(&p, backward_task);
}
