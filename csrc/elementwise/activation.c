/* Activations of runs, of blocks and of whole arrays, where each task has a run of elements. Every epilogue calls these
 * functions: their loops, one for each activation, are compiled once.
 */
#include "elementwise/activation.h"

#include "elementwise/custom_activation.h"
#include "runtime/kernel.h"
#include "runtime/subnormals.h"

enum { GRAIN = 16384 };

#define ACTIVATION_CASE(kind, call) \
    case kind: call(kind); break;
#define ACTIVATION_SWITCH(kind, call) \
    switch (kind) { FNN_ACTIVATIONS(ACTIVATION_CASE, call) }

/* --- an activation that is a constant, on a run --- */

FNN_INLINE void run_forward(int kind, real alpha, const real *x, real *out, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL) vstore(out + i, vactivate(kind, vload(x + i), vset(alpha)));
    if (i < count) vstore_part(out + i, vactivate(kind, vload_part(x + i, count - i), vset(alpha)), count - i);
}

FNN_INLINE void run_backward(int kind, real alpha, const real *dout, const real *saved, real *dx, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL)
        vstore(dx + i, vactivate_grad(kind, vload(dout + i), vload(saved + i), vset(alpha)));
    if (i == count) return;
    const vreal tail = vload_part(saved + i, count - i);
    vstore_part(dx + i, vactivate_grad(kind, vload_part(dout + i, count - i), tail, vset(alpha)), count - i);
}

/* --- those that are built in, on rows --- */

static void forward_rows(int kind, real alpha, const real *x, real *out, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols) {
#define FORWARD(kind) \
    for (ptrdiff_t i = 0; i < rows; i++) run_forward(kind, alpha, x + i * ld, out + i * ld, cols)
    ACTIVATION_SWITCH(kind, FORWARD)
#undef FORWARD
}

static void backward_rows(int kind, real alpha, const real *dout, const real *saved, ptrdiff_t ld_saved, real *dx,
                          ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols) {
#define BACKWARD(kind)                   \
    for (ptrdiff_t i = 0; i < rows; i++) \
    run_backward(kind, alpha, dout + i * ld, saved + i * ld_saved, dx + i * ld, cols)
    ACTIVATION_SWITCH(kind, BACKWARD)
#undef BACKWARD
}

/* --- for all --- */

void FN(activate_run)(int kind, real alpha, const real *x, real *out, ptrdiff_t count) {
    if (kind >= FNN_CUSTOM)
        custom_activate_run(kind, x, out, count);
    else
        forward_rows(kind, alpha, x, out, 0, 1, count);
}

void FN(activate_block)(int kind, real alpha, real *p, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols) {
    if (kind == IDENTITY) return;
    const fnn_float_mode mode = fnn_flush_subnormals(0);
    if (kind >= FNN_CUSTOM)
        custom_activate_block(kind, p, ld, rows, cols);
    else
        forward_rows(kind, alpha, p, p, ld, rows, cols);
    fnn_restore_float_mode(mode, 0);
}

void FN(activate_grad_block)(int kind, real alpha, real *dx, ptrdiff_t ld, const real *saved, ptrdiff_t ld_saved,
                             ptrdiff_t rows, ptrdiff_t cols) {
    if (kind == IDENTITY) return;
    const fnn_float_mode mode = fnn_flush_subnormals(0);
    if (kind >= FNN_CUSTOM)
        custom_activate_grad_block(kind, dx, ld, saved, ld_saved, rows, cols);
    else
        backward_rows(kind, alpha, dx, saved, ld_saved, dx, ld, rows, cols);
    fnn_restore_float_mode(mode, 0);
}

/* --- the kernels --- */

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
} run;

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), count = fnn_task_end(&r->partition, task) - begin;
    FN(activate_run)((int)op->s[0], (real)op->s[1], IN(0) + begin, OUT(1) + begin, count);
}

static void backward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), count = fnn_task_end(&r->partition, task) - begin;
    const real *dout = IN(0) + begin, *saved = IN(1) + begin;
    if (op->s[0] >= FNN_CUSTOM)
        custom_activate_grad_run((int)op->s[0], dout, saved, OUT(2) + begin, count);
    else
        backward_rows((int)op->s[0], (real)op->s[1], dout, saved, 0, OUT(2) + begin, 0, 1, count);
}

void FN(activation_forward)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[0], 64, GRAIN)};
    fnn_parallel(r.partition.tasks, forward_task, &r);
}

void FN(activation_backward)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[0], 64, GRAIN)};
    fnn_parallel(r.partition.tasks, backward_task, &r);
}
