/* Cross-entropy and squared error with their gradients, and the number of correct predictions. A row whose softmax is
 * NaN is never correct. A label that is no class makes the loss NaN.
 */
#include "loss/loss.h"

#include "loss/lanes.h"
#include "simd/transpose.h"

enum { GRAIN = 16384 };

/* --- softmax cross-entropy --- */

typedef struct {
    const real *x;
    const int64_t *labels;
    real *dx;
    ptrdiff_t cols;
    int rows;
    row_values weight, scale;        /* for each row: the factors of its loss and of its gradient */
    row_values max, inverse, factor; /* for each row: maximum, 1 / sum, scale / sum */
} cross_entropy;

/* Adds up the losses of the rows and their correct predictions (one bit for each row); sets inverse and factor. */
FNN_INLINE void add_rows(cross_entropy *c, vreal total, vreal at_label, unsigned right, loss_sum *sum) {
    row_values loss = {vlog(total) - (at_label - c->max.all)};
    c->inverse.all = vset(1) / total;
    c->factor.all = c->inverse.all * c->scale.all;
    for (int i = 0; i < c->rows; i++) sum->loss += (double)c->weight.row[i] * (double)loss.row[i];
    const unsigned with_row = (1u << c->rows) - 1;
    sum->correct += __builtin_popcount(right & vequal_bits(loss.all, loss.all) & with_row);
}

/* Rows that fit one vector are transposed, so that a lane has a row and a vector has a class. */
FNN_INLINE void cross_entropy_transposed(cross_entropy *c, const int rows, loss_sum *sum) {
    const ptrdiff_t cols = c->cols, end = rows * cols;
    row_values label = {vset(-1)};
    vreal x[MAX_ROWS];
    for (int i = 0; i < rows; i++) label.row[i] = (real)c->labels[i];
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) x[i] = vload_part(c->x + i * cols, i < rows ? cols : 0);
    transpose(x);
    const lanes_softmax softmax = lanes_exp((real *)x, cols, label.all);
    c->max.all = softmax.max;
    add_rows(c, softmax.total, softmax.at_label, vequal_bits(softmax.first, label.all), sum);
    if (c->dx == NULL) return;
    lanes_cross_entropy_grad((real *)x, cols, label.all, c->inverse.all, c->factor.all, c->scale.all);
    transpose(x);
    /* what a whole vector writes beyond its row is overwritten by the next rows */
#pragma GCC unroll 16
    for (int i = 0; i < VL; i++) {
        const ptrdiff_t at = i * cols;
        if (at + VL <= end)
            vstore(c->dx + at, x[i]);
        else if (i < rows)
            vstore_part(c->dx + at, x[i], cols);
    }
}

static void cross_entropy_short(cross_entropy *c, loss_sum *sum) {
    if (c->rows == VL)
        cross_entropy_transposed(c, VL, sum);
    else
        cross_entropy_transposed(c, c->rows, sum);
}

static void cross_entropy_long(cross_entropy *c, loss_sum *sum) {
    ptrdiff_t cols = c->cols;
    row_ranges ranges;
    row_values at_label = {vset(0)};
    unsigned right = 0;
    group_ranges(c->x, c->rows, cols, 1, &ranges);
    c->max = ranges.max;
    for (int i = 0; i < c->rows; i++) {
        if (!is_class(c->labels[i], cols)) {
            at_label.row[i] = (real)NAN;
            continue;
        }
        at_label.row[i] = c->x[i * cols + c->labels[i]];
        right |= (unsigned)is_first_max(c->x + i * cols, cols, c->labels[i], c->max.row[i]) << i;
    }
    add_rows(c, group_exp(c->x, c->dx, c->rows, cols, 1, &ranges), at_label.all, right, sum);
    if (c->dx == NULL) return;
    for (int i = 0; i < c->rows; i++) {
        const bool known = is_class(c->labels[i], cols);
        real *dx = c->dx + i * cols, p = known ? dx[c->labels[i]] * c->inverse.row[i] : 0;
        row_scale(dx, cols, vset(c->factor.row[i]));
        if (known) dx[c->labels[i]] = (p - 1) * c->scale.row[i];
    }
}

static void cross_entropy_group(const fnn_op *op, ptrdiff_t first, int rows, loss_sum *sum) {
    ptrdiff_t cols = op->n[1];
    cross_entropy c = {.x = IN(0) + first * cols,
                       .labels = (const int64_t *)op->p[1] + first,
                       .dx = op->p[2] == NULL ? NULL : OUT(2) + first * cols,
                       .cols = cols,
                       .rows = rows};
    c.weight.all = vset(1);
    for (int i = 0; op->p[5] != NULL && i < rows; i++) c.weight.row[i] = loss_weight(op, first + i);
    c.scale.all = c.weight.all * vset((real)op->s[0]);
    if (cols <= VL) {
        cross_entropy_short(&c, sum);
    } else {
        cross_entropy_long(&c, sum);
    }
}

/* --- cross-entropy with soft targets --- */

/* Σ t and Σ t (x - max) lane by lane, without the terms where t is 0. Needs cols <= SUM_BLOCK. */
FNN_INLINE void row_targets_block(const real *x, const real *t, ptrdiff_t cols, vreal max, vreal *weight,
                                  vreal *inner) {
    *weight = *inner = vset(0);
    for (ptrdiff_t j = 0; j < cols; j += VL) {
        ptrdiff_t left = cols - j;
        vreal target = vload_tail(t + j, left), z = vload_tail(x + j, left) - max;
        *weight += target;
        *inner += vselect(target == vset(0), vset(0), target * z);
    }
}

FNN_INLINE void row_targets(const real *x, const real *t, ptrdiff_t cols, vreal max, vreal *weight, vreal *inner) {
    row_targets_block(x, t, fnn_min(SUM_BLOCK, cols), max, weight, inner);
    vreal lost_weight = {0}, lost_inner = {0};
    for (ptrdiff_t j = SUM_BLOCK; j < cols; j += SUM_BLOCK) {
        vreal targets, products;
        row_targets_block(x + j, t + j, fnn_min(SUM_BLOCK, cols - j), max, &targets, &products);
        block_add(weight, &lost_weight, targets);
        block_add(inner, &lost_inner, products);
    }
}

static void soft_cross_entropy_group(const fnn_op *op, ptrdiff_t first, int rows, loss_sum *sum) {
    ptrdiff_t cols = op->n[1];
    const real *x = IN(0) + first * cols, *t = IN(1) + first * cols;
    real *dx = op->p[2] == NULL ? NULL : OUT(2) + first * cols, scale = (real)op->s[0];
    row_ranges ranges, target_ranges;
    group_ranges(x, rows, cols, 1, &ranges);
    group_ranges(t, rows, cols, 1, &target_ranges);
    row_partials weights, inners;
    rows_clear(&weights, rows);
    rows_clear(&inners, rows);
    bool right[MAX_ROWS];
    for (int i = 0; i < rows; i++) {
        const real *xi = x + i * cols, *ti = t + i * cols;
        ptrdiff_t label = first_equal(ti, cols, target_ranges.max.row[i]);
        right[i] = label < cols && is_first_max(xi, cols, label, ranges.max.row[i]);
        row_targets(xi, ti, cols, vset(ranges.max.row[i]), &weights.lanes[i], &inners.lanes[i]);
    }
    row_values weight = {vlanes(LANES_SUM, weights.lanes)}, inner = {vlanes(LANES_SUM, inners.lanes)};
    vreal total = group_exp(x, dx, rows, cols, 1, &ranges);
    row_values loss = {vfma(vlog(total), weight.all, -inner.all)}, factor = {weight.all / total};
    for (int i = 0; i < rows; i++) {
        sum->loss += (double)loss_weight(op, first + i) * (double)loss.row[i];
        sum->correct += right[i] & (factor.row[i] == factor.row[i]);
    }
    if (dx == NULL) return;
    for (int i = 0; i < rows; i++) {
        const vreal slope = vset(loss_weight(op, first + i) * scale);
        for (ptrdiff_t j = 0; j < cols; j += VL) {
            ptrdiff_t at = i * cols + j, left = cols - j;
            vreal e = vload_tail(dx + at, left), target = vload_tail(t + at, left);
            vstore_tail(dx + at, vfma(e, vset(factor.row[i]), -target) * slope, left);
        }
    }
}

/* --- squared error --- */

/* The sum of squared differences of the elements begin … end-1. */
FNN_INLINE double squared_run(const fnn_op *op, ptrdiff_t begin, ptrdiff_t end, real slope) {
    const real *x = IN(0), *t = IN(1);
    real *dx = OUT(2);
    vsum sum = {0};
    for (ptrdiff_t i = begin; i < end; i += VL) {
        ptrdiff_t left = end - i;
        vreal difference = vload_tail(x + i, left) - vload_tail(t + i, left);
        vsum_add_square(&sum, difference);
        if (dx != NULL) vstore_tail(dx + i, difference * vset(slope), left);
    }
    return vsum_total(&sum);
}

static void squared_error_task(void *context, int task) {
    loss_run *r = context;
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), end = fnn_task_end(&r->partition, task);
    r->sums[task].loss = squared_run(r->op, begin, end, (real)(2 * r->op->s[0]));
}

static void weighted_squared_error_task(void *context, int task) {
    loss_run *r = context;
    const ptrdiff_t cols = r->op->n[1], end = fnn_task_end(&r->partition, task);
    double total = 0;
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++) {
        const real weight = loss_weight(r->op, i);
        total += (double)weight * squared_run(r->op, i * cols, (i + 1) * cols, (real)(2 * r->op->s[0]) * weight);
    }
    r->sums[task].loss = total;
}

void FN(softmax_cross_entropy)(const fnn_op *op) { loss_for_rows(op, cross_entropy_group); }
void FN(soft_cross_entropy)(const fnn_op *op) { loss_for_rows(op, soft_cross_entropy_group); }

/* x, targets, dx, loss, weights. Without weights all elements are one run. */
void FN(squared_error)(const fnn_op *op) {
    fnn_op moved = *op;
    moved.p[5] = op->p[4]; /* where loss_weight reads the weights */
    loss_run r = {.op = &moved};
    r.partition =
        moved.p[5] == NULL ? fnn_partition_work(op->n[0] * op->n[1], VL, GRAIN) : row_partition(op->n[0], op->n[1]);
    fnn_parallel(r.partition.tasks, moved.p[5] == NULL ? squared_error_task : weighted_squared_error_task, &r);
    double total = 0;
    for (int i = 0; i < r.partition.tasks; i++) total += r.sums[i].loss;
    *(double *)op->p[3] = op->s[0] * total;
}
