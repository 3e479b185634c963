/* A running average of an array that changes from step to step: average += (1 - k) (x - average). */
#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum { GRAIN = 16384 };

typedef struct {
    const real *x;
    real *average;
    real share;        /* of x */
    ptrdiff_t run, ld; /* elements that lie side by side, and how far apart such runs begin */
    fnn_partition partition;
} run;

static void average_run(const run *r, ptrdiff_t begin, ptrdiff_t count) {
    const vreal share = vset(r->share);
    for (ptrdiff_t i = begin; i < begin + count; i += VL) {
        const ptrdiff_t left = fnn_min(VL, begin + count - i);
        const vreal old = vload_part(r->average + i, left);
        vstore_part(r->average + i, vfma(share, vload_part(r->x + i, left) - old, old), left);
    }
}

static void average_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task), count; i < end; i += count) {
        count = fnn_min(end - i, r->run - i % r->run);
        average_run(r, i / r->run * r->ld + i % r->run, count);
    }
}

/* x[d,m+], average[d,m+], t; keep; n[2], n[3]: from row to row and from panel to panel of both. The zeros behind the
 * last panel's columns stay zero. */
void FN(moving_average)(const fnn_op *op) {
    const ptrdiff_t d = op->n[0], m = op->n[1], row = op->n[2], panel = op->n[3];
    const double t = (double)*(const int64_t *)op->p[2];
    const double keep = fmin(op->s[0], (1 + t) / (FNN_AVERAGE_WARM_STEPS + t));
    ptrdiff_t runs = d, length = m;
    if (panel != 0) { /* panels follow each other without a gap */
        runs = 1;
        length = (m + row - 1) / row * panel;
    } else if (row == m) {
        runs = 1;
        length = d * m;
    }
    run r = {IN(0), OUT(1), (real)(1 - keep), length, row, fnn_partition_work(runs * length, 64, GRAIN)};
    fnn_parallel(r.partition.tasks, average_task, &r);
}
