/* Losses that are a sum over single outputs: `loss_kind` is numbered by fastnn/kernels/elementwise_losses.py, which has
 * the formulas.
 *
 * Without weights, and with at most one parameter, all elements are one run; otherwise each row is one, or a part of a
 * task. Sums are kept in double, lane by lane. `kind` is a constant wherever a vector function is called, because
 * ELEMENTWISE_SWITCH stands outside the loops.
 */
#include "fastnn_generated.h"
#include "loss/loss.h"
#include "runtime/custom.h"

enum { GRAIN = 4096 };

#define ELEMENTWISE_CASE(kind, call) \
    case kind: return call(kind);
#define ELEMENTWISE_SWITCH(kind, call) \
    switch (kind) { FNN_ELEMENTWISE_LOSSES(ELEMENTWISE_CASE, call) }

#define LN2 ((real)0.6931471805599453)

/* The loss of outputs x for targets t with parameters p, and its slope. */
FNN_INLINE vreal element_loss(int kind, vreal x, vreal t, vreal p, vreal *slope) {
    const vreal zero = vset(0), one = vset(1), d = x - t, size = vabs(d);
    switch (kind) {
        case LOSS_HUBER: {
            const vreal cut = vmin(p, size); /* c (|d| - c / 2) is d² / 2 where c = |d| */
            *slope = vcopysign(cut, d);
            return cut * (size - vset((real)0.5) * cut);
        }
        case LOSS_LOG_COSH:
            *slope = vtanh(d);
            return size + (vlog(one + vexp_nonpositive(vset(-2) * size)) - vset(LN2));
        case LOSS_HALF_POISSON_DEVIANCE: {
            const vreal mean = vexp(x);
            *slope = mean - t;
            return mean + vselect(t == zero, zero, t * (vlog(t) - x) - t);
        }
        case LOSS_HALF_GAMMA_DEVIANCE: {
            const vreal ratio = t * vexp(-x);
            *slope = one - ratio;
            return (ratio - one) + (x - vlog(t));
        }
        case LOSS_PINBALL: {
            const vreal side = vselect(d < zero, -p, one - p);
            *slope = vselect(d == zero, zero, side);
            return side * d;
        }
        default: { /* LOSS_ABSOLUTE */
            *slope = vselect(d == zero, zero, vcopysign(one, d));
            *slope = vselect(d == d, *slope, d);
            return size;
        }
    }
}

typedef struct {
    const real *x, *t;
    const real *parameters; /* one for each element, or NULL: `parameter` for all */
    real *dx;
    ptrdiff_t count;
    real parameter, factor; /* of the slopes */
} element_run;

FNN_INLINE double run_of_kind(int kind, const element_run *r) {
    vsum sum = {0};
    for (ptrdiff_t i = 0; i < r->count; i += VL) {
        const ptrdiff_t left = r->count - i;
        const vreal p = r->parameters == NULL ? vset(r->parameter) : vload_tail(r->parameters + i, left);
        vreal slope, loss = element_loss(kind, vload_tail(r->x + i, left), vload_tail(r->t + i, left), p, &slope);
        vsum_add(&sum, vfirst(loss, fnn_min(VL, left)));
        if (r->dx != NULL) vstore_tail(r->dx + i, slope * vset(r->factor), left);
    }
    return vsum_total(&sum);
}

/* The user's function of whole rows, or NULL. */
static fnn_custom_row_loss custom_row_loss(int kind) {
    return kind < FNN_CUSTOM ? NULL : (fnn_custom_row_loss)fnn_get_custom(kind, REAL_IS_DOUBLE, FNN_CUSTOM_BACKWARD);
}

static double custom_row(fnn_custom_row_loss function, const element_run *r) {
    double loss = 0;
    function(r->x, r->t, &loss, r->dx == NULL ? fnn_scratch() : (void *)r->dx, r->count);
    for (ptrdiff_t i = 0; r->dx != NULL && i < r->count; i++) r->dx[i] *= r->factor;
    return loss;
}

/* A loss of the user's own, which knows no parameters. */
static double custom_run(int kind, const element_run *r) {
    if (custom_row_loss(kind) != NULL) return custom_row(custom_row_loss(kind), r);
    enum { BLOCK = 512 };
    FNN_ALIGNED real losses[BLOCK], slopes[BLOCK];
    const fnn_custom_loss function = (fnn_custom_loss)fnn_get_custom(kind, REAL_IS_DOUBLE, FNN_CUSTOM_FORWARD);
    vsum sum = {0};
    for (ptrdiff_t i = 0; i < r->count; i += BLOCK) {
        const ptrdiff_t count = fnn_min(BLOCK, r->count - i);
        function(r->x + i, r->t + i, losses, slopes, count);
        for (ptrdiff_t j = 0; j < count; j += VL) {
            vsum_add(&sum, vfirst(vload(losses + j), fnn_min(VL, count - j)));
            if (r->dx != NULL) vstore_tail(r->dx + i + j, vload(slopes + j) * vset(r->factor), count - j);
        }
    }
    return vsum_total(&sum);
}

static double sum_run(int kind, const element_run *r) {
    if (kind >= FNN_CUSTOM) return custom_run(kind, r);
#define RUN(kind) run_of_kind(kind, r)
    ELEMENTWISE_SWITCH(kind, RUN)
#undef RUN
    return (double)NAN;
}

static void all_elements_task(void *context, int task) {
    loss_run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t begin = fnn_task_begin(&r->partition, task), end = fnn_task_end(&r->partition, task);
    const element_run run = {.x = IN(0) + begin,
                             .t = IN(1) + begin,
                             .dx = op->p[3] == NULL ? NULL : OUT(3) + begin,
                             .count = end - begin,
                             .parameter = op->p[2] == NULL ? 0 : IN(2)[0],
                             .factor = (real)op->s[0]};
    r->sums[task].loss = sum_run((int)op->s[1], &run);
}

static void rows_task(void *context, int task) {
    loss_run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t cols = op->n[1], end = fnn_task_end(&r->partition, task);
    double total = 0;
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++) {
        const real weight = loss_weight(op, i);
        const element_run run = {.x = IN(0) + i * cols,
                                 .t = IN(1) + i * cols,
                                 .parameters = IN(2),
                                 .dx = op->p[3] == NULL ? NULL : OUT(3) + i * cols,
                                 .count = cols,
                                 .factor = (real)op->s[0] * weight};
        total += (double)weight * sum_run((int)op->s[1], &run);
    }
    r->sums[task].loss = total;
}

/* x, targets, parameters, dx, loss, weights */
void FN(elementwise_loss)(const fnn_op *op) {
    const ptrdiff_t rows = op->n[0], cols = op->n[1];
    const bool whole = custom_row_loss((int)op->s[1]) != NULL;
    const bool by_rows = op->p[5] != NULL || (op->p[2] != NULL && cols > 1) || whole;
    loss_run r = {.op = op};
    r.partition = by_rows ? row_partition(rows, cols) : fnn_partition_work(rows * cols, VL, GRAIN);
    fnn_parallel(r.partition.tasks, by_rows ? rows_task : all_elements_task, &r);
    double total = 0;
    for (int i = 0; i < r.partition.tasks; i++) total += r.sums[i].loss;
    *(double *)op->p[4] = op->s[0] * total;
}
