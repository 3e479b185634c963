/* Softmax, softmin and log-softmax over rows, and their gradients. */
#include "loss/softmax_rows.h"

typedef void (*group_fn)(const fnn_op *op, ptrdiff_t first, int rows);

typedef struct {
    const fnn_op *op;
    group_fn fn;
    fnn_partition partition;
} run;

static void rows_task(void *context, int task) {
    const run *r = context;
    int group = rows_in_group(r->op->n[1]);
    ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += group)
        r->fn(r->op, i, (int)fnn_min(group, end - i));
}

static void for_rows(const fnn_op *op, group_fn fn) {
    run r = {op, fn, row_partition(op->n[0], op->n[1])};
    fnn_parallel(r.partition.tasks, rows_task, &r);
}

/* --- forward --- */

static void softmax_group(const fnn_op *op, ptrdiff_t first, int rows) {
    ptrdiff_t cols = op->n[1];
    const real *x = IN(0) + first * cols;
    real *out = OUT(1) + first * cols, sign = op->s[0] > 0 ? 1 : -1;
    row_ranges ranges;
    group_ranges(x, rows, cols, sign, &ranges);
    row_values factor = {vset(1) / group_exp(x, out, rows, cols, sign, &ranges)};
    for (int i = 0; i < rows; i++) row_scale(out + i * cols, cols, vset(factor.row[i]));
}

static void log_softmax_group(const fnn_op *op, ptrdiff_t first, int rows) {
    ptrdiff_t cols = op->n[1];
    const real *x = IN(0) + first * cols;
    real *out = OUT(1) + first * cols;
    row_ranges ranges;
    group_ranges(x, rows, cols, 1, &ranges);
    row_values log_sum = {vlog(group_exp(x, NULL, rows, cols, 1, &ranges))};
    for (int i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j += VL) {
            ptrdiff_t at = i * cols + j, left = cols - j;
            vreal z = vload_tail(x + at, left) - vset(ranges.max.row[i]);
            vstore_tail(out + at, z - vset(log_sum.row[i]), left);
        }
}

/* --- backward --- */

/* The sum of a b, or of a if b is NULL, lane by lane. */
FNN_INLINE vreal row_dot(const real *a, const real *b, ptrdiff_t cols) {
    vreal s = {0}, t = {0};
    ptrdiff_t j = 0;
    for (; j + 2 * VL <= cols; j += 2 * VL) {
        s = vfma(vload(a + j), b == NULL ? vset(1) : vload(b + j), s);
        t = vfma(vload(a + j + VL), b == NULL ? vset(1) : vload(b + j + VL), t);
    }
    for (; j < cols; j += VL) {
        ptrdiff_t left = cols - j;
        s = vfma(vload_tail(a + j, left), b == NULL ? vset(1) : vload_tail(b + j, left), s);
    }
    return s + t;
}

FNN_INLINE row_values group_dot(const real *a, const real *b, int rows, ptrdiff_t cols) {
    row_partials part;
    rows_clear(&part, rows);
    for (int i = 0; i < rows; i++) part.lanes[i] = row_dot(a + i * cols, b == NULL ? NULL : b + i * cols, cols);
    return (row_values){vlanes(LANES_SUM, part.lanes)};
}

static void softmax_backward_group(const fnn_op *op, ptrdiff_t first, int rows) {
    ptrdiff_t cols = op->n[1];
    const real *dout = IN(0) + first * cols, *out = IN(1) + first * cols;
    real *dx = OUT(2) + first * cols;
    vreal sign = vset(op->s[0] > 0 ? 1 : -1);
    row_values inner = group_dot(dout, out, rows, cols);
    for (int i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j += VL) {
            ptrdiff_t at = i * cols + j, left = cols - j;
            vreal difference = vload_tail(dout + at, left) - vset(inner.row[i]);
            vstore_tail(dx + at, sign * vload_tail(out + at, left) * difference, left);
        }
}

static void log_softmax_backward_group(const fnn_op *op, ptrdiff_t first, int rows) {
    ptrdiff_t cols = op->n[1];
    const real *dout = IN(0) + first * cols, *out = IN(1) + first * cols;
    real *dx = OUT(2) + first * cols;
    row_values total = group_dot(dout, NULL, rows, cols);
    for (int i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < cols; j += VL) {
            ptrdiff_t at = i * cols + j, left = cols - j;
            vreal p = vexp(vload_tail(out + at, left));
            vstore_tail(dx + at, vfma(-p, vset(total.row[i]), vload_tail(dout + at, left)), left);
        }
}

void FN(softmax_forward)(const fnn_op *op) { for_rows(op, softmax_group); }
void FN(softmax_backward)(const fnn_op *op) { for_rows(op, softmax_backward_group); }
void FN(log_softmax_forward)(const fnn_op *op) { for_rows(op, log_softmax_group); }
void FN(log_softmax_backward)(const fnn_op *op) { for_rows(op, log_softmax_backward_group); }

/* --- argmax; -1 for a row that holds a NaN --- */

static void argmax_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t cols = r->op->n[1], end = fnn_task_end(&r->partition, task);
    int64_t *out = r->op->p[1];
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++) {
        const real *row = (const real *)r->op->p[0] + i * cols;
        ptrdiff_t best = 0;
        for (ptrdiff_t j = 1; j < cols && row[best] == row[best]; j++)
            if (!(row[j] <= row[best])) best = j; /* also for a NaN */
        out[i] = row[best] == row[best] ? best : -1;
    }
}

void FN(argmax)(const fnn_op *op) {
    run r = {op, NULL, row_partition(op->n[0], op->n[1])};
    fnn_parallel(r.partition.tasks, argmax_task, &r);
}
