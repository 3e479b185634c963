/* Copies matrices into panels of some columns each, and back. Weights are trained in panels and seen as matrices.
 *
 * A few rows are copied at a time, so that both the matrix and the panels are accessed in sequence and the hardware
 * prefetches them.
 */
#include "runtime/kernel.h"

enum { GRAIN = 16384, BLOCK = 8 }; /* elements that a task has at least; rows that are copied at a time */

typedef struct {
    real *matrix, *panels;
    ptrdiff_t rows, cols, count, width;
    bool back;
    fnn_partition partition; /* by rows */
} run;

static void copy(real *to, const real *from, ptrdiff_t count) {
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) vstore(to + j, vload(from + j));
    if (j < count) vstore_part(to + j, vload_part(from + j, count - j), count - j);
}

/* Copies rows begin … end-1 of panel p. */
static void block(const run *r, ptrdiff_t p, ptrdiff_t begin, ptrdiff_t end) {
    const ptrdiff_t first = p * r->width, here = fnn_min(r->width, r->cols - first);
    for (ptrdiff_t i = begin; i < end; i++) {
        real *inside = r->panels + (p * r->rows + i) * r->width, *outside = r->matrix + i * r->cols + first;
        if (r->back) {
            copy(outside, inside, here);
        } else {
            copy(inside, outside, here);
            for (ptrdiff_t j = here; j < r->width; j++) inside[j] = 0;
        }
    }
}

static void rows_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += BLOCK)
        for (ptrdiff_t p = 0; p < r->count; p++) block(r, p, i, fnn_min(i + BLOCK, end));
}

static void run_all(run r) {
    r.partition = fnn_partition_work(r.rows, BLOCK, fnn_max(1, GRAIN / fnn_max(1, r.cols)));
    fnn_parallel(r.partition.tasks, rows_task, &r);
}

/* matrix[n,m], panels[c,n,s] */
void FN(to_panels)(const fnn_op *op) {
    run_all((run){op->p[0], op->p[1], op->n[0], op->n[1], op->n[2], op->n[3], .back = false});
}

/* panels[c,n,s], matrix[n,m] */
void FN(from_panels)(const fnn_op *op) {
    run_all((run){op->p[1], op->p[0], op->n[1], op->n[3], op->n[0], op->n[2], .back = true});
}
