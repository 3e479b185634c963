/* Group normalisation, and with one group of one-pixel channels layer normalisation: a group of a sample is one run of
 * memory. Gradients of the parameters are taken channel by channel over the samples, in a sweep of their own. */
#include "norm/norm_sums.h"

enum { TASK_ELEMENTS = 8192 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
    ptrdiff_t n, c, s, groups, size; /* size: channels of a group */
} run;

#define OPTIONAL(i, at) (op->p[i] == NULL ? NULL : OUT(i) + (at))
#define OPTIONAL_IN(i, at) (op->p[i] == NULL ? NULL : IN(i) + (at))

FNN_INLINE vreal load_or(const real *p, ptrdiff_t at, ptrdiff_t left, real otherwise) {
    return p == NULL ? vset(otherwise) : vload_tail(p + at, left);
}

/* --- forward: x, w, b, out, mean, var; eps --- */

static void forward_group(const run *r, ptrdiff_t k) {
    const fnn_op *op = r->op;
    const ptrdiff_t count = r->size * r->s, at = k * count, channel = k % r->groups * r->size;
    const real *x = IN(0) + at, *w = OPTIONAL_IN(1, channel), *b = OPTIONAL_IN(2, channel);
    real *out = OUT(3) + at;
    vsum sum = {0}, squares = {0};
    sum_contiguous(&sum, x, count);
    double exact = vsum_total(&sum) / (double)count;
    sum_squared_deviations(&squares, x, (real)exact, count);
    double var = variance_about(vsum_total(&squares), (double)count, exact, (real)exact);
    if (norm_moments_fail(vsum_total(&squares), op->s[0], exact, var)) {
        const norm_values values = {x, 1, 1, 0, count, 1};
        FN(norm_rescaled_moments)(&values, &exact, &var);
    }
    const real mean = (real)exact;
    OUT(4)[k] = mean;
    OUT(5)[k] = (real)var;
    const double factor = inverse_std(OUT(5)[k], op->s[0]);
    if (r->s == 1) {
        for (ptrdiff_t j = 0; j < count; j += VL) {
            const ptrdiff_t left = count - j;
            const vreal scale = load_or(w, j, left, 1) * vset((real)factor);
            vstore_tail(out + j, vfma(vload_tail(x + j, left) - vset(mean), scale, load_or(b, j, left, 0)), left);
        }
        return;
    }
    for (ptrdiff_t j = 0; j < r->size; j++)
        normalize_contiguous(x + j * r->s, out + j * r->s, mean, (real)((w == NULL ? 1 : (double)w[j]) * factor),
                             b == NULL ? 0 : b[j], r->s);
}

/* --- backward: dout, x, w, mean, var, dx, dw, db; eps, beta --- */

static void backward_group(const run *r, ptrdiff_t k) {
    const fnn_op *op = r->op;
    const ptrdiff_t count = r->size * r->s, at = k * count, channel = k % r->groups * r->size;
    const real *d = IN(0) + at, *x = IN(1) + at, *w = OPTIONAL_IN(2, channel), mean = IN(3)[k];
    real *dx = OUT(5) + at;
    const double factor = inverse_std(IN(4)[k], op->s[0]);
    double sum = 0, product = 0;
    if (r->s == 1) {
        vsum sums = {0}, products = {0};
        for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
            vreal part = {0}, parts = {0};
            for (ptrdiff_t i = j; i < fnn_min(count, j + CHAIN * VL); i += VL) {
                const vreal e = vload_tail(d + i, count - i) * load_or(w, i, count - i, 1);
                const vreal off = vload_tail(x + i, count - i) - vset(mean);
                part += e;
                parts = vfma(e, count - i < VL ? vfirst(off, count - i) : off, parts);
            }
            vsum_add(&sums, part);
            vsum_add(&products, parts);
        }
        sum = vsum_total(&sums), product = vsum_total(&products);
    } else {
        for (ptrdiff_t j = 0; j < r->size; j++) {
            vsum sums = {0}, products = {0};
            sum_grad_products(&sums, &products, d + j * r->s, x + j * r->s, mean, r->s);
            sum += vsum_total(&sums) * (w == NULL ? 1 : (double)w[j]);
            product += vsum_total(&products) * (w == NULL ? 1 : (double)w[j]);
        }
    }
    const double a = sum / (double)count, b = norm_slope(IN(4)[k], factor, product, (double)count);
    if (r->s == 1) {
        for (ptrdiff_t j = 0; j < count; j += VL) {
            const ptrdiff_t left = count - j;
            const vreal e = vload_tail(d + j, left) * load_or(w, j, left, 1),
                        off = vload_tail(x + j, left) - vset(mean);
            vstore_tail(dx + j, vfma(-off, vset((real)b), e - vset((real)a)) * vset((real)factor), left);
        }
        return;
    }
    /* w stands outside the sums: (w d - a - off b) factor */
    for (ptrdiff_t j = 0; j < r->size; j++) {
        const vreal weight = vset(w == NULL ? 1 : w[j]);
        for (ptrdiff_t i = 0; i < r->s; i += VL) {
            const ptrdiff_t here = j * r->s + i, left = r->s - i;
            const vreal e = vload_tail(d + here, left) * weight, off = vload_tail(x + here, left) - vset(mean);
            vstore_tail(dx + here, vfma(-off, vset((real)b), e - vset((real)a)) * vset((real)factor), left);
        }
    }
}

static void channel_gradients(const run *r, ptrdiff_t k) {
    const fnn_op *op = r->op;
    double sum = 0, product = 0;
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = (i * r->c + k) * r->s, group = i * r->groups + k / r->size;
        vsum sums = {0}, products = {0};
        sum_grad_products(&sums, &products, IN(0) + at, IN(1) + at, IN(3)[group], r->s);
        sum += vsum_total(&sums);
        product += vsum_total(&products) * inverse_std(IN(4)[group], op->s[0]);
    }
    fnn_store_param_grad(OPTIONAL(6, k), product, op->s[1]);
    fnn_store_param_grad(OPTIONAL(7, k), sum, op->s[1]);
}

/* The same for VL channels of one pixel; they may belong to several groups. */
static void column_gradients(const run *r, ptrdiff_t v) {
    const fnn_op *op = r->op;
    const ptrdiff_t first = v * VL, cols = fnn_min(VL, r->c - first);
    const bool one = first / r->size == (first + cols - 1) / r->size;
    vsum sum = {0}, products = {0};
    for (ptrdiff_t i = 0; i < r->n; i++) {
        const ptrdiff_t at = i * r->c + first, row = i * r->groups;
        const real *means = IN(3) + row, *vars = IN(4) + row;
        vreal mean = vset(means[first / r->size]);
        vreal factor = vset((real)inverse_std(vars[first / r->size], op->s[0]));
        if (!one)
            for (ptrdiff_t j = 0; j < cols; j++) {
                mean[j] = means[(first + j) / r->size];
                factor[j] = (real)inverse_std(vars[(first + j) / r->size], op->s[0]);
            }
        const vreal d = vload_tail(IN(0) + at, cols);
        vsum_add(&sum, d);
        vsum_add(&products, d * ((vload_tail(IN(1) + at, cols) - mean) * factor));
    }
    for (ptrdiff_t j = 0; j < cols; j++) {
        fnn_store_param_grad(OPTIONAL(6, first + j), vsum_lane(&products, j), op->s[1]);
        fnn_store_param_grad(OPTIONAL(7, first + j), vsum_lane(&sum, j), op->s[1]);
    }
}

/* --- all groups, all channels --- */

typedef struct {
    run r;
    void (*fn)(const run *r, ptrdiff_t k);
} work;

static void some(void *context, int task) {
    const work *w = context;
    const ptrdiff_t end = fnn_task_end(&w->r.partition, task);
    for (ptrdiff_t k = fnn_task_begin(&w->r.partition, task); k < end; k++) w->fn(&w->r, k);
}

static void for_all(run r, ptrdiff_t count, ptrdiff_t each, void (*fn)(const run *r, ptrdiff_t k)) {
    r.partition = fnn_partition_work(count, 1, fnn_max(1, TASK_ELEMENTS / fnn_max(1, each)));
    work w = {r, fn};
    fnn_parallel(r.partition.tasks, some, &w);
}

static run run_of(const fnn_op *op) {
    const ptrdiff_t groups = fnn_max(1, op->n[3]);
    return (run){op, {0}, op->n[0], op->n[1], op->n[2], groups, op->n[1] / groups};
}

void FN(group_norm_forward)(const fnn_op *op) {
    const run r = run_of(op);
    for_all(r, r.n * r.groups, r.size * r.s, forward_group);
}

void FN(group_norm_backward)(const fnn_op *op) {
    const run r = run_of(op);
    if (op->p[5] != NULL) for_all(r, r.n * r.groups, r.size * r.s, backward_group);
    if (op->p[6] == NULL && op->p[7] == NULL) return;
    if (r.s == 1) {
        for_all(r, (r.c + VL - 1) / VL, r.n * VL, column_gradients);
    } else {
        for_all(r, r.c, r.n * r.s, channel_gradients);
    }
}
