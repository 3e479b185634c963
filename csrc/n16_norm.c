/* Batch normalisation of images innermost: a task owns a channel, all its groups of images.
 *
 * Statistics: a run of pixels is summed lane by lane in the type of the call, the runs' sums in double. The variance is
 * taken about the mean in a second pass, corrected by the rest that rounding the mean left.
 */
#include "n16_moments.h"

enum { RUN = 64 }; /* vectors summed in the type of the call */

typedef struct {
    const fnn_op *op;
    ptrdiff_t groups, channels, pixels, images;
    const real *x, *dout, *w, *b;
    real *mean, *var, *running_mean, *running_var, *out, *dx, *dw, *db;
    double eps, momentum;
    bool fixed, add;
} norm;

/* 1 in the lanes that hold an image, per part of a pixel. */
FNN_INLINE void lanes_of(const norm *v, ptrdiff_t group, vreal lanes[]) {
    for (int part = 0; part < N16_PARTS; part++) lanes[part] = n16_lanes(v->images - group * N16, part);
}

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
        vreal lanes[N16_PARTS];
        lanes_of(v, g, lanes);
        for (int part = 0; part < N16_PARTS; part++) {
            for (ptrdiff_t i = part * VL; i < plane; i += RUN * N16) {
                const ptrdiff_t end = fnn_min(plane, i + RUN * N16);
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
                total.first += n16_lanes_total(n16_only((a[0] + a[1]) + (a[2] + a[3]), lanes[part]));
                if (what != OF_X) total.second += n16_lanes_total(n16_only((b[0] + b[1]) + (b[2] + b[3]), lanes[part]));
            }
        }
    }
    return total;
}

static void normalise(const norm *v, ptrdiff_t c, real mean, real var) {
    const ptrdiff_t plane = v->pixels * N16;
    const vreal m = vset(mean), b = vset(v->b == NULL ? 0 : v->b[c]);
    const real root = (real)sqrt((double)(var + (real)v->eps));
    const vreal factor = vset((v->w == NULL ? (real)1 : v->w[c]) / root);
    for (ptrdiff_t g = 0; g < v->groups; g++) {
        const ptrdiff_t start = (g * v->channels + c) * plane;
        for (ptrdiff_t i = 0; i < plane; i += VL)
            vstore(v->out + start + i, vfma(vload(v->x + start + i) - m, factor, b));
    }
}

static void forward_task(void *context, int task) {
    const norm *v = context;
    const ptrdiff_t c = task;
    const double count = (double)fnn_max(1, v->images * v->pixels);
    const real mean = (real)(sums_of(v, c, 0, OF_X).first / count);
    const two_sums about = sums_of(v, c, mean, ABOUT_MEAN);
    const real var = (real)fmax(0, (about.second - about.first * about.first / count) / count);
    v->mean[c] = mean;
    v->var[c] = isnan(about.second) ? (real)NAN : var;
    const real keep = (real)v->momentum, add = (real)(1 - v->momentum);
    if (v->running_mean != NULL) v->running_mean[c] = keep * v->running_mean[c] + add * mean;
    if (v->running_var != NULL && count > 1)
        v->running_var[c] = keep * v->running_var[c] + add * (v->var[c] * (real)(count / (count - 1)));
    normalise(v, c, mean, v->var[c]);
}

static void apply_task(void *context, int task) {
    const norm *v = context;
    normalise(v, task, v->mean[task], v->var[task]);
}

static void backward_task(void *context, int task) {
    const norm *v = context;
    const ptrdiff_t c = task, plane = v->pixels * N16;
    const double count = (double)fnn_max(1, v->images * v->pixels);
    const real mean = v->mean[c], root = (real)sqrt((double)(v->var[c] + (real)v->eps)), factor = 1 / root;
    const two_sums sums = sums_of(v, c, mean, WITH_DOUT);
    const double products = sums.second * (double)factor;
    if (v->dw != NULL) v->dw[c] = (real)products + (v->add ? v->dw[c] : 0);
    if (v->db != NULL) v->db[c] = (real)sums.first + (v->add ? v->db[c] : 0);
    if (v->dx == NULL) return;
    const vreal scale = vset(factor * (v->w == NULL ? (real)1 : v->w[c])), m = vset(mean);
    const vreal shift = vset((real)(v->fixed ? 0 : sums.first / count));
    const vreal slope = vset((real)(v->fixed ? 0 : products / count * (double)factor));
    for (ptrdiff_t g = 0; g < v->groups; g++) {
        const ptrdiff_t start = (g * v->channels + c) * plane;
        const bool full = (g + 1) * N16 <= v->images;
        vreal lanes[N16_PARTS];
        lanes_of(v, g, lanes);
        for (ptrdiff_t i = 0; i < plane; i += N16) {
            for (int part = 0; part < N16_PARTS; part++) {
                const ptrdiff_t at = start + i + part * VL;
                const vreal inner = vload(v->dout + at) - shift - (vload(v->x + at) - m) * slope;
                vstore(v->dx + at, full ? inner * scale : n16_only(inner * scale, lanes[part]));
            }
        }
    }
}

static void run(norm *v, void (*fn)(void *context, int task)) {
    n16_run((int)v->channels, fn, v, 8.0 * (double)(v->groups * v->channels * v->pixels * N16));
}

/* --- statistics alone, piece by piece --- */

void FN(n16_statistics_finish)(const n16_statistics *s, const n16_cut *cut, ptrdiff_t channels, ptrdiff_t width) {
    const double all = (double)fnn_max(1, s->images * cut->rows * width);
    for (ptrdiff_t c = 0; c < channels; c++) {
        double mean = 0, rest = 0;
        /* `weight` images' rows of each piece: first the mean, then the squares about it */
        for (int about = 0; about < 2; about++) {
            for (int task = 0; task < n16_tasks(cut); task++) {
                const ptrdiff_t images = fnn_max(0, fnn_min(N16, s->images - n16_group(cut, task) * N16));
                const double count = (double)(images * (n16_end(cut, task) - n16_begin(cut, task)) * width);
                const n16_moments *m = &s->pieces[task * channels + c];
                if (about == 0)
                    mean += count / all * m->mean;
                else
                    rest += m->rest + count * (m->mean - mean) * (m->mean - mean);
            }
        }
        const real centre = (real)mean;
        /* NaN passes */
        const real var = rest < 0 ? 0 : (real)(rest / all);
        s->mean[c] = centre;
        s->var[c] = var;
        const real keep = (real)s->momentum, add = (real)(1 - s->momentum);
        if (s->running_mean != NULL) s->running_mean[c] = keep * s->running_mean[c] + add * centre;
        if (s->running_var != NULL && all > 1)
            s->running_var[c] = keep * s->running_var[c] + add * (var * (real)(all / (all - 1)));
    }
}

typedef struct {
    const real *x;
    ptrdiff_t channels, width;
    const n16_statistics *statistics;
    n16_cut cut;
} pieces;

static void statistics_task(void *context, int task) {
    const pieces *v = context;
    n16_describe(v->statistics, &v->cut, task, v->x, v->channels, v->width);
}

/* x[g,c,h,w,16], running_mean, running_var, mean, var, work; images, momentum */
void FN(batch_norm_statistics_n16)(const fnn_op *op) {
    const ptrdiff_t *n = op->n;
    const n16_statistics s = {op->p[5], OUT(3), OUT(4), OUT(1), OUT(2), (ptrdiff_t)op->s[0], op->s[1]};
    pieces v = {IN(0), n[1], n[3], &s, n16_cut_rows(n[0], n[2])};
    n16_run(n16_tasks(&v.cut), statistics_task, &v, 4.0 * (double)(n[0] * n[1] * n[2] * n[3] * N16));
    FN(n16_statistics_finish)(&s, &v.cut, v.channels, v.width);
}

/* --- kernels --- */

/* x[g,c,s,16], w, b, running_mean, running_var, out, mean, var; images, eps, momentum */
void FN(batch_norm_forward_n16)(const fnn_op *op) {
    norm v = {
        .op = op,
        .groups = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .images = (ptrdiff_t)op->s[0],
        .x = IN(0),
        .w = IN(1),
        .b = IN(2),
        .running_mean = OUT(3),
        .running_var = OUT(4),
        .out = OUT(5),
        .mean = OUT(6),
        .var = OUT(7),
        .eps = op->s[1],
        .momentum = op->s[2],
    };
    run(&v, forward_task);
}

/* x[g,c,s,16], w, b, mean, var, out; eps */
void FN(batch_norm_apply_n16)(const fnn_op *op) {
    norm v = {
        .op = op,
        .groups = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .images = op->n[0] * N16,
        .x = IN(0),
        .w = IN(1),
        .b = IN(2),
        .mean = OUT(3),
        .var = OUT(4),
        .out = OUT(5),
        .eps = op->s[0],
    };
    run(&v, apply_task);
}

/* dout[g,c,s,16], x, w, mean, var, dx, dw, db; images, eps, fixed, beta */
void FN(batch_norm_backward_n16)(const fnn_op *op) {
    norm v = {
        .op = op,
        .groups = op->n[0],
        .channels = op->n[1],
        .pixels = op->n[2],
        .images = (ptrdiff_t)op->s[0],
        .dout = IN(0),
        .x = IN(1),
        .w = IN(2),
        .mean = OUT(3),
        .var = OUT(4),
        .dx = OUT(5),
        .dw = OUT(6),
        .db = OUT(7),
        .eps = op->s[1],
        .fixed = op->s[2] != 0,
        .add = op->s[3] != 0,
    };
    run(&v, backward_task);
}
