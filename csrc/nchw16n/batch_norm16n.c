/* Batch normalisation of images innermost: a task owns a channel, all its groups of images.
 *
 * Statistics: a run of pixels is summed lane by lane in the type of the call, the runs' sums in double. The variance is
 * taken about the mean in a second pass, corrected by the rest that rounding the mean left.
 */
#include "nchw16n/running_moments.h"
#include "nchw16n/batch_norm16n.h"

typedef struct {
    ptrdiff_t groups, channels, pixels;
    nchw16n_statistics s; /* without pieces: a task has all of a channel */
    nchw16n_norm of;
    const real *x, *dout;
    real *out, *dx;
} norm;

typedef struct {
    double first, second;
} two_sums;

enum { OF_X, ABOUT_MEAN, WITH_DOUT };

/* OF_X: Σ x. ABOUT_MEAN: Σ d and Σ d², d = x - mean. WITH_DOUT: Σ dout and Σ dout d. */
FNN_INLINE two_sums sums_of(const norm *v, ptrdiff_t c, real mean, const int what) {
    const ptrdiff_t plane = v->pixels * N16;
    const vreal m = vset(mean);
    two_sums total = {0, 0};
    for (ptrdiff_t g = 0; g < v->groups; g++) {
        const ptrdiff_t start = (g * v->channels + c) * plane;
        const real *x = v->x + start, *dout = what == WITH_DOUT ? v->dout + start : x;
        vreal lanes[NCHW16N_PARTS];
        nchw16n_all_lanes(v->s.images - g * N16, lanes);
        for (int part = 0; part < NCHW16N_PARTS; part++) {
            for (ptrdiff_t i = part * VL; i < plane; i += CHAIN * N16) {
                const ptrdiff_t end = fnn_min(plane, i + CHAIN * N16);
                vreal a[4] = {{0}}, b[4] = {{0}};
                for (ptrdiff_t j = i; j < end; j += 4 * N16) {
#pragma GCC unroll 4
                    for (int k = 0; k < 4; k++) {
                        if (j + k * N16 >= end) continue;
                        const vreal value = vload(x + j + k * N16);
                        if (what == OF_X) {
                            a[k] += value;
                        } else if (what == ABOUT_MEAN) {
                            a[k] += value - m;
                            b[k] = vfma(value - m, value - m, b[k]);
                        } else {
                            const vreal d = vload(dout + j + k * N16);
                            a[k] += d;
                            b[k] = vfma(d, value - m, b[k]);
                        }
                    }
                }
                total.first += nchw16n_lanes_total(nchw16n_only((a[0] + a[1]) + (a[2] + a[3]), lanes[part]));
                if (what != OF_X)
                    total.second += nchw16n_lanes_total(nchw16n_only((b[0] + b[1]) + (b[2] + b[3]), lanes[part]));
            }
        }
    }
    return total;
}

static void normalise(const norm *v, ptrdiff_t c) {
    const ptrdiff_t plane = v->pixels * N16;
    const nchw16n_line line = nchw16n_line_of(&v->of, c);
    for (ptrdiff_t g = 0; g < v->groups; g++) {
        const ptrdiff_t start = (g * v->channels + c) * plane;
        const real *x = v->x + start;
        real *out = v->out + start;
        for (ptrdiff_t i = 0; i < plane; i += VL) vstore(out + i, nchw16n_on(&line, vload(x + i)));
    }
}

/* Statistics of a channel's `count` values. */
static void keep_moments(const nchw16n_statistics *s, ptrdiff_t c, real mean, real var, double count) {
    s->mean[c] = mean;
    s->var[c] = var;
    follow(s->running_mean, c, s->momentum, (double)mean);
    if (count > 1) follow(s->running_var, c, s->momentum, (double)(var * (real)(count / (count - 1))));
}

static void forward_task(void *context, int task) {
    const norm *v = context;
    const ptrdiff_t c = task;
    const double count = (double)fnn_max(1, v->s.images * v->pixels);
    const real mean = (real)(sums_of(v, c, 0, OF_X).first / count);
    const two_sums about = sums_of(v, c, mean, ABOUT_MEAN);
    const real var = (real)fmax(0, (about.second - about.first * about.first / count) / count);
    keep_moments(&v->s, c, mean, isnan(about.second) ? (real)NAN : var, count);
    normalise(v, c);
}

static void apply_task(void *context, int task) { normalise(context, task); }

static void backward_task(void *context, int task) {
    const norm *v = context;
    const ptrdiff_t c = task, plane = v->pixels * N16;
    const double count = (double)fnn_max(1, v->s.images * v->pixels);
    const two_sums sums = sums_of(v, c, v->of.mean[c], WITH_DOUT);
    const nchw16n_back back = nchw16n_back_of(&v->of, c, sums.first, sums.second, count);
    if (v->dx == NULL) return;
    const nchw16n_back_line line = nchw16n_back_line_of(&v->of, c, &back);
    for (ptrdiff_t g = 0; g < v->groups; g++) {
        const ptrdiff_t start = (g * v->channels + c) * plane;
        const real *x = v->x + start, *dout = v->dout + start;
        real *dx = v->dx + start;
        const bool full = (g + 1) * N16 <= v->s.images;
        vreal lanes[NCHW16N_PARTS];
        nchw16n_all_lanes(v->s.images - g * N16, lanes);
        for (ptrdiff_t i = 0; i < plane; i += N16) {
            for (int part = 0; part < NCHW16N_PARTS; part++) {
                const ptrdiff_t at = i + part * VL;
                const vreal d = nchw16n_back_on(&line, vload(dout + at), vload(x + at));
                vstore(dx + at, full ? d : nchw16n_only(d, lanes[part]));
            }
        }
    }
}

static void run(norm *v, void (*fn)(void *context, int task)) {
    nchw16n_run((int)v->channels, fn, v, 8.0 * (double)(v->groups * v->channels * v->pixels * N16));
}

/* --- statistics alone, piece by piece --- */

void FN(nchw16n_statistics_finish)(const nchw16n_statistics *s, const nchw16n_cut *cut, ptrdiff_t channels,
                                   ptrdiff_t width) {
    const double all = (double)fnn_max(1, s->images * cut->rows * width);
    for (ptrdiff_t c = 0; c < channels; c++) {
        double mean = 0, rest = 0;
        /* first the mean, then the squares about it */
        for (int about = 0; about < 2; about++) {
            for (int task = 0; task < nchw16n_tasks(cut); task++) {
                const ptrdiff_t images = fnn_max(0, fnn_min(N16, s->images - nchw16n_group(cut, task) * N16));
                const double count = (double)(images * (nchw16n_end(cut, task) - nchw16n_begin(cut, task)) * width);
                const nchw16n_moments *m = &s->pieces[task * channels + c];
                if (about == 0)
                    mean += count / all * m->mean;
                else
                    rest += m->rest + count * (m->mean - mean) * (m->mean - mean);
            }
        }
        /* NaN passes */
        keep_moments(s, c, (real)mean, rest < 0 ? 0 : (real)(rest / all), all);
    }
}

typedef struct {
    const real *x;
    ptrdiff_t channels, width;
    const nchw16n_statistics *statistics;
    nchw16n_cut cut;
} pieces;

static void statistics_task(void *context, int task) {
    const pieces *v = context;
    nchw16n_describe(v->statistics, &v->cut, task, v->x, v->channels, v->width);
}

/* x[g,c,h,w,16], running_mean, running_var, mean, var, work; images, momentum */
void FN(batch_norm_statistics_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    const nchw16n_statistics s = {op->p[5], OUT(3), OUT(4), OUT(1), OUT(2), (ptrdiff_t)op->s[0], op->s[1]};
    pieces v = {IN(0), n[1], n[3], &s, nchw16n_cut_rows(n[0], n[2])};
    nchw16n_run(nchw16n_tasks(&v.cut), statistics_task, &v, 4.0 * (double)(n[0] * n[1] * n[2] * n[3] * N16));
    FN(nchw16n_statistics_finish)(&s, &v.cut, v.channels, v.width);
}

/* --- kernels --- */

/* x[g,c,s,16], w, b, running_mean, running_var, out, mean, var; images, eps, momentum */
void FN(batch_norm_forward_nchw16n)(const fnn_op *op) {
    norm v = {
        .groups = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .s = {NULL, OUT(6), OUT(7), OUT(3), OUT(4), (ptrdiff_t)op->s[0], op->s[2]},
        .of = {.w = IN(1), .b = IN(2), .mean = IN(6), .var = IN(7), .eps = op->s[1]},
        .x = IN(0),
        .out = OUT(5),
    };
    run(&v, forward_task);
}

/* x[g,c,s,16], w, b, mean, var, out; eps */
void FN(batch_norm_apply_nchw16n)(const fnn_op *op) {
    norm v = {
        .groups = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .of = {.w = IN(1), .b = IN(2), .mean = IN(3), .var = IN(4), .eps = op->s[0]},
        .x = IN(0),
        .out = OUT(5),
    };
    run(&v, apply_task);
}

/* dout[g,c,s,16], x, w, mean, var, dx, dw, db; images, eps, fixed, beta */
void FN(batch_norm_backward_nchw16n)(const fnn_op *op) {
    const double *s = op->s;
    norm v = {
        .groups = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .s.images = (ptrdiff_t)s[0],
        .of = {IN(2), NULL, IN(3), IN(4), s[1], OUT(6), OUT(7), s[2] != 0, s[3] != 0},
        .dout = IN(0),
        .x = IN(1),
        .dx = OUT(5),
    };
    run(&v, backward_task);
}
