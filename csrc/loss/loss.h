/* What the losses share: rows cut into tasks, sums and weights.
 *
 * The arrays of a loss are x, labels or targets, dx, loss, correct and weights. Each task adds up its rows in order, in
 * double; then the sums of the tasks are added in order.
 */
#ifndef FASTNN_LOSS_LOSS_H
#define FASTNN_LOSS_LOSS_H

#include "loss/softmax_rows.h"

typedef struct {
    double loss;
    int64_t correct;
} loss_sum;

typedef void (*loss_group)(const fnn_op *op, ptrdiff_t first, int rows, loss_sum *sum);

typedef struct {
    const fnn_op *op;
    loss_group fn;
    fnn_partition partition;
    loss_sum sums[FNN_MAX_TASKS];
} loss_run;

static inline void loss_task(void *context, int task) {
    loss_run *r = context;
    int group = rows_in_group(r->op->n[1]);
    ptrdiff_t end = fnn_task_end(&r->partition, task);
    loss_sum sum = {0, 0};
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += group)
        r->fn(r->op, i, (int)fnn_min(group, end - i), &sum);
    r->sums[task] = sum;
}

static inline void loss_for_rows(const fnn_op *op, loss_group fn) {
    loss_run r = {.op = op, .fn = fn, .partition = row_partition(op->n[0], op->n[1])};
    fnn_parallel(r.partition.tasks, loss_task, &r);
    loss_sum total = {0, 0};
    for (int i = 0; i < r.partition.tasks; i++) {
        total.loss += r.sums[i].loss;
        total.correct += r.sums[i].correct;
    }
    *(double *)op->p[3] = op->s[0] * total.loss;
    *(int64_t *)op->p[4] = total.correct;
}

/* Labels were checked once, but their memory may have changed since: no element outside a row is touched for them. */
FNN_INLINE bool is_class(int64_t label, ptrdiff_t cols) { return (uint64_t)label < (uint64_t)cols; }

/* The factor of a row's loss; 1 if there are no weights. */
FNN_INLINE real loss_weight(const fnn_op *op, ptrdiff_t row) { return op->p[5] == NULL ? 1 : IN(5)[row]; }

/* The index of the first of `cols` elements that equals x; `cols` if there is none. */
FNN_INLINE ptrdiff_t first_equal(const real *row, ptrdiff_t cols, real x) {
    const vreal wanted = vset(x), none = vset((real)NAN);
    for (ptrdiff_t j = 0; j < cols; j += VL) {
        unsigned bits = vequal_bits(vload_part_or(row + j, fnn_min(VL, cols - j), none), wanted);
        if (bits != 0) return j + __builtin_ctz(bits);
    }
    return cols;
}

/* Whether `index` is the index of the first maximum. */
FNN_INLINE bool is_first_max(const real *row, ptrdiff_t cols, ptrdiff_t index, real max) {
    return row[index] == max && first_equal(row, cols, max) == index;
}

#endif
