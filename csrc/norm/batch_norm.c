/* Batch normalisation: a channel (or a vector of columns of a matrix) at a time, whose values stay in the second-level
 * cache from the first sum to the result. A channel is one thread's, so no bit depends on their number. */
#include "norm/norm_sums.h"

enum { TASK_ELEMENTS = 8192 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition; /* channels, or vectors of columns */
    ptrdiff_t n, c, s;
} run;

typedef void (*batch_fn)(const run *r, ptrdiff_t channel);

#define OPTIONAL(i, at) (op->p[i] == NULL ? NULL : OUT(i) + (at))
#define VALUE_OR(i, at, otherwise) (op->p[i] == NULL ? (otherwise) : IN(i)[at])

/* --- forward: x, w, b, running_mean, running_var, out, mean, var; eps, momentum --- */

static void rescaled_moments(const run *r, ptrdiff_t k, double *mean, double *var) {
    const fnn_op *op = r->op;
    const norm_values values = {IN(0) + k * r->s, r->n, 1, r->c * r->s, r->s, 1};
    FN(norm_rescaled_moments)(&values, mean, var);
}

FNN_INLINE void keep_moments(const run *r, ptrdiff_t k, double mean, double var) {
    const fnn_op *op = r->op;
    const double count = (double)(r->n * r->s);
    OUT(6)[k] = (real)mean;
    OUT(7)[k] = (real)var;
    update_running(OUT(3), k, op->s[1], mean);
    if (count > 1) update_running(OUT(4), k, op->s[1], norm_variance(var) * (count / (count - 1)));
}

static void forward_channel(const run *r, ptrdiff_t k) {
    const fnn_op *op = r->op;
    const ptrdiff_t step = r->c * r->s, at = k * r->s;
    const double count = (double)fnn_max(1, r->n * r->s);
    vsum sum = {0}, squares = {0};
    for (ptrdiff_t i = 0; i < r->n; i++) sum_contiguous(&sum, IN(0) + at + i * step, r->s);
    double mean = vsum_total(&sum) / count;
    for (ptrdiff_t i = 0; i < r->n; i++) sum_squared_deviations(&squares, IN(0) + at + i * step, (real)mean, r->s);
    double var = variance_about(vsum_total(&squares), count, mean, (real)mean);
    if (norm_moments_fail(vsum_total(&squares), op->s[0], mean, var)) rescaled_moments(r, k, &mean, &var);
    keep_moments(r, k, mean, var);
    const real scale = (real)((double)VALUE_OR(1, k, 1) * inverse_std((real)var, op->s[0]));
    for (ptrdiff_t i = 0; i < r->n; i++)
        normalize_contiguous(IN(0) + at + i * step, OUT(5) + at + i * step, (real)mean, scale, VALUE_OR(2, k, 0), r->s);
}

/* The channels of a vector, from number `v` VL on, as columns of x (n, c). */
FNN_INLINE void columns_of(const run *r, ptrdiff_t v, ptrdiff_t *first, ptrdiff_t *cols) {
    *first = v * VL;
    *cols = fnn_min(VL, r->c - *first);
}

static void forward_columns(const run *r, ptrdiff_t v) {
    const fnn_op *op = r->op;
    ptrdiff_t first, cols;
    columns_of(r, v, &first, &cols);
    const real *x = IN(0) + first;
    const double count = (double)fnn_max(1, r->n);
    vsum sum = {0}, squares = {0};
    for (ptrdiff_t i = 0; i < r->n; i += CHAIN) {
        vreal part = {0};
        for (ptrdiff_t k = i; k < fnn_min(r->n, i + CHAIN); k++) part += vload_tail(x + k * r->c, cols);
        vsum_add(&sum, part);
    }
    union {
        vreal all;
        real lane[VBYTES / sizeof(real)];
    } mean, scale, shift;
    for (ptrdiff_t j = 0; j < VL; j++) mean.lane[j] = (real)(vsum_lane(&sum, j) / count);
    for (ptrdiff_t i = 0; i < r->n; i += CHAIN) {
        vreal part = {0};
        for (ptrdiff_t k = i; k < fnn_min(r->n, i + CHAIN); k++) {
            const vreal off = vload_tail(x + k * r->c, cols) - mean.all;
            part = vfma(off, off, part);
        }
        vsum_add(&squares, part);
    }
    scale.all = shift.all = (vreal){0};
    double exact[VBYTES / sizeof(real)], var[VBYTES / sizeof(real)];
    int fail = 0; /* asked of all columns at once, so that the compiler can make vectors of these loops */
    for (ptrdiff_t j = 0; j < VL; j++) {
        exact[j] = vsum_lane(&sum, j) / count;
        var[j] = variance_about(vsum_lane(&squares, j), count, exact[j], mean.lane[j]);
        fail |= norm_moments_fail(vsum_lane(&squares, j), op->s[0], exact[j], var[j]);
    }
    for (ptrdiff_t j = 0; fail && j < cols; j++)
        if (norm_moments_fail(vsum_lane(&squares, j), op->s[0], exact[j], var[j])) {
            rescaled_moments(r, first + j, &exact[j], &var[j]);
            mean.lane[j] = (real)exact[j];
        }
    for (ptrdiff_t j = 0; j < cols; j++) {
        const ptrdiff_t k = first + j;
        keep_moments(r, k, exact[j], var[j]);
        scale.lane[j] = (real)((double)VALUE_OR(1, k, 1) * inverse_std((real)var[j], op->s[0]));
        shift.lane[j] = VALUE_OR(2, k, 0);
    }
    for (ptrdiff_t i = 0; i < r->n; i++)
        vstore_tail(OUT(5) + first + i * r->c, vfma(vload_tail(x + i * r->c, cols) - mean.all, scale.all, shift.all),
                    cols);
}

/* --- statistics that are given: x, w, b, mean, var, out; eps --- */

static void apply_channel(const run *r, ptrdiff_t k) {
    const fnn_op *op = r->op;
    const real scale = (real)((double)VALUE_OR(1, k, 1) * inverse_std(IN(4)[k], op->s[0]));
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = (i * r->c + k) * r->s;
        normalize_contiguous(IN(0) + at, OUT(5) + at, IN(3)[k], scale, VALUE_OR(2, k, 0), r->s);
    }
}

static void apply_columns(const run *r, ptrdiff_t v) {
    const fnn_op *op = r->op;
    ptrdiff_t first, cols;
    columns_of(r, v, &first, &cols);
    vreal mean = vload_tail(IN(3) + first, cols), scale = {0};
    const vreal shift = op->p[2] == NULL ? (vreal){0} : vload_tail(IN(2) + first, cols);
    for (ptrdiff_t j = 0; j < cols; j++)
        scale[j] = (real)((double)VALUE_OR(1, first + j, 1) * inverse_std(IN(4)[first + j], op->s[0]));
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = i * r->c + first;
        vstore_tail(OUT(5) + at, vfma(vload_tail(IN(0) + at, cols) - mean, scale, shift), cols);
    }
}

/* --- backward: dout, x, w, mean, var, dx, dw, db; eps, fixed, beta --- */

/* What dx = (dout - a - (x - mean) b) scale needs, from Σ dout and Σ dout (x - mean). */
typedef struct {
    real a, b, scale;
} back;

static back back_of(const run *r, ptrdiff_t k, double sum, double product) {
    const fnn_op *op = r->op;
    const double factor = inverse_std(IN(4)[k], op->s[0]), count = (double)fnn_max(1, r->n * r->s);
    fnn_store_param_grad(OPTIONAL(6, k), product * factor, op->s[2]);
    fnn_store_param_grad(OPTIONAL(7, k), sum, op->s[2]);
    const real scale = (real)((double)VALUE_OR(2, k, 1) * factor);
    if (op->s[1] != 0) return (back){0, 0, scale};
    return (back){(real)(sum / count), (real)norm_slope(IN(4)[k], factor, product, count), scale};
}

static void backward_channel(const run *r, ptrdiff_t k) {
    const fnn_op *op = r->op;
    vsum sum = {0}, products = {0};
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = (i * r->c + k) * r->s;
        sum_grad_products(&sum, &products, IN(0) + at, IN(1) + at, IN(3)[k], r->s);
    }
    const back b = back_of(r, k, vsum_total(&sum), vsum_total(&products));
    if (op->p[5] == NULL) return;
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = (i * r->c + k) * r->s;
        normalize_grad_contiguous(IN(0) + at, IN(1) + at, OUT(5) + at, IN(3)[k], b.a, b.b, b.scale, r->s);
    }
}

static void backward_columns(const run *r, ptrdiff_t v) {
    const fnn_op *op = r->op;
    ptrdiff_t first, cols;
    columns_of(r, v, &first, &cols);
    const vreal mean = vload_tail(IN(3) + first, cols);
    vsum sum = {0}, products = {0};
    for (ptrdiff_t i = 0; i < r->n; i += CHAIN) {
        vreal part = {0}, product = {0};
        for (ptrdiff_t k = i; k < fnn_min(r->n, i + CHAIN); k++) {
            const vreal d = vload_tail(IN(0) + k * r->c + first, cols);
            part += d;
            product = vfma(d, vload_tail(IN(1) + k * r->c + first, cols) - mean, product);
        }
        vsum_add(&sum, part);
        vsum_add(&products, product);
    }
    vreal a = {0}, b = {0}, scale = {0};
    for (ptrdiff_t j = 0; j < cols; j++) {
        const back one = back_of(r, first + j, vsum_lane(&sum, j), vsum_lane(&products, j));
        a[j] = one.a, b[j] = one.b, scale[j] = one.scale;
    }
    if (op->p[5] == NULL) return;
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = i * r->c + first;
        const vreal off = vload_tail(IN(1) + at, cols) - mean;
        vstore_tail(OUT(5) + at, vfma(-off, b, vload_tail(IN(0) + at, cols) - a) * scale, cols);
    }
}

/* --- all channels --- */

typedef struct {
    run r;
    batch_fn fn;
} work;

static void channels_task(void *context, int task) {
    const work *w = context;
    const ptrdiff_t end = fnn_task_end(&w->r.partition, task);
    for (ptrdiff_t k = fnn_task_begin(&w->r.partition, task); k < end; k++) w->fn(&w->r, k);
}

static void for_channels(const fnn_op *op, batch_fn channel, batch_fn columns) {
    work w = {{op, {0}, op->n[0], op->n[1], op->n[2]}, op->n[2] == 1 ? columns : channel};
    const ptrdiff_t count = op->n[2] == 1 ? (op->n[1] + VL - 1) / VL : op->n[1];
    const ptrdiff_t each = w.r.n * w.r.s * (op->n[2] == 1 ? VL : 1);
    w.r.partition = fnn_partition_work(count, 1, fnn_max(1, TASK_ELEMENTS / fnn_max(1, each)));
    fnn_parallel(w.r.partition.tasks, channels_task, &w);
}

void FN(batch_norm_forward)(const fnn_op *op) { for_channels(op, forward_channel, forward_columns); }
void FN(batch_norm_apply)(const fnn_op *op) { for_channels(op, apply_channel, apply_columns); }
void FN(batch_norm_backward)(const fnn_op *op) { for_channels(op, backward_channel, backward_columns); }
