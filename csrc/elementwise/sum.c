/* The sum of two arrays, and penalties on weights. */
#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum { GRAIN = 16384, CHAIN = 32 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
    double *totals; /* one for each task */
} run;

static void add_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    const real *a = IN(0), *b = IN(1);
    real *out = OUT(2);
    ptrdiff_t i = fnn_task_begin(&r->partition, task);
    for (; i + VL <= end; i += VL) vstore(out + i, vload(a + i) + vload(b + i));
    if (i < end) vstore_part(out + i, vload_part(a + i, end - i) + vload_part(b + i, end - i), end - i);
}

void FN(add)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[0], 64, GRAIN), NULL};
    fnn_parallel(r.partition.tasks, add_task, &r);
}

/* w, dw, loss; l1, l2 */
static void penalty_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    const real l1 = (real)op->s[0], l2 = (real)op->s[1];
    vsum absolute = {0}, squares = {0};
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += VL) {
        const ptrdiff_t left = fnn_min(VL, end - i);
        const vreal w = vload_part(IN(0) + i, left), size = vmax(w, -w);
        if (l1 != 0) vsum_add(&absolute, size);
        if (l2 != 0) vsum_add_square(&squares, w);
        if (op->p[1] == NULL) continue;
        vreal dw = vload_part(OUT(1) + i, left);
        if (l2 != 0) dw = vfma(vset(l2), w, dw);
        if (l1 != 0) dw += vselect(w > vset(0), vset(l1), vselect(w < vset(0), vset(-l1), w * vset(l1)));
        vstore_part(OUT(1) + i, dw, left);
    }
    r->totals[task] = op->s[0] * vsum_total(&absolute) + op->s[1] / 2 * vsum_total(&squares);
}

void FN(penalty)(const fnn_op *op) {
    double totals[FNN_MAX_TASKS], *loss = op->p[2];
    run r = {op, fnn_partition_work(op->n[0], 64, GRAIN), totals};
    fnn_parallel(r.partition.tasks, penalty_task, &r);
    for (int task = 0; task < r.partition.tasks; task++) *loss += totals[task];
}
