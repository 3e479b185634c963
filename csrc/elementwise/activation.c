/* Activations of whole arrays, in one pass; each task has a run of elements. */
#include "elementwise/activation.h"
#include "runtime/kernel.h"

enum { GRAIN = 16384 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
} run;

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), count = fnn_task_end(&r->partition, task) - begin;
    const real *x = IN(0) + begin;
    real *out = OUT(1) + begin, alpha = (real)op->s[1];
    if (op->s[0] >= FNN_CUSTOM) {
        custom_activate_run((int)op->s[0], x, out, count);
        return;
    }
#define FORWARD(kind) activate_run(kind, alpha, x, out, count)
    ACTIVATION_SWITCH((int)op->s[0], FORWARD)
}

static void backward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), count = fnn_task_end(&r->partition, task) - begin;
    const real *dout = IN(0) + begin, *saved = IN(1) + begin;
    real *dx = OUT(2) + begin, alpha = (real)op->s[1];
    if (op->s[0] >= FNN_CUSTOM) {
        custom_activate_grad_run((int)op->s[0], dout, saved, dx, count);
        return;
    }
#define BACKWARD(kind) activate_grad_run(kind, alpha, dout, saved, dx, count)
    ACTIVATION_SWITCH((int)op->s[0], BACKWARD)
}

void FN(activation_forward)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[0], 64, GRAIN)};
    fnn_parallel(r.partition.tasks, forward_task, &r);
}

void FN(activation_backward)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[0], 64, GRAIN)};
    fnn_parallel(r.partition.tasks, backward_task, &r);
}
