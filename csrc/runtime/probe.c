/* Measures what the processor can do at most: multiply-adds on registers, and reading or updating memory. */
#include "runtime/kernel.h"

enum { CHAINS = 10, ROUNDS = 1000 };

static void spin_fma(void *context, int task) {
    double *flops = context; /* one for each task */
    vreal acc[CHAINS];
    const vreal a = vset((real)0.999999), b = vset((real)1e-6);
    for (int i = 0; i < CHAINS; i++) acc[i] = vset((real)i);
    const double end = fnn_seconds() + flops[task];
    double start = fnn_seconds(), count = 0;
    while (fnn_seconds() < end) {
        for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 16
            for (int i = 0; i < CHAINS; i++) acc[i] = vfma(acc[i], a, b);
        count += 2.0 * CHAINS * ROUNDS * (double)VL;
    }
    vreal sum = vset(0);
    for (int i = 0; i < CHAINS; i++) sum += acc[i];
    /* the sum is used, so that the compiler keeps the loop */
    flops[task] = count / (fnn_seconds() - start) + (sum[0] > 1e30f ? 1 : 0);
}

/* The dtype of `like` is the one to measure. rates (threads,) gives the seconds to run and receives the operations per
 * second of each thread. */
void FN(probe_fma)(const fnn_op *op) { fnn_parallel((int)op->n[0], spin_fma, op->p[1]); }

typedef struct {
    real *p;
    ptrdiff_t size, tasks;
    bool update;
    double sums[FNN_MAX_THREADS];
} memory_context;

static void traverse(void *context, int task) {
    memory_context *c = context;
    const ptrdiff_t from = c->size * task / c->tasks / (8 * VL) * (8 * VL);
    const ptrdiff_t to = c->size * (task + 1) / c->tasks / (8 * VL) * (8 * VL);
    vreal sum[8] = {{0}};
    for (ptrdiff_t i = from; i < to; i += 8 * VL)
#pragma GCC unroll 8
        for (int v = 0; v < 8; v++) {
            if (c->update)
                vstore(c->p + i + v * VL, vload(c->p + i + v * VL) * vset((real)0.999999));
            else
                sum[v] += vload(c->p + i + v * VL);
        }
    for (int v = 0; v < 8; v++) c->sums[task] += (double)sum[v][0];
}

/* Reads the array x once, or updates it in place. */
void FN(probe_memory)(const fnn_op *op) {
    memory_context c = {.p = OUT(0), .size = op->n[0], .tasks = fnn_get_num_threads(), .update = op->s[0] != 0};
    fnn_parallel((int)c.tasks, traverse, &c);
    volatile double used = c.sums[0];
    (void)used;
}
