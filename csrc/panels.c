/* Matrices copied into panels of some columns each, and back: trained in panels, looked at as matrices. */
#include "kernel.h"

enum { GRAIN = 16384 }; /* elements, least of a task */

typedef struct {
    real *matrix, *panels;
    ptrdiff_t rows, cols, count, width;
    fnn_cut cut; /* of the rows */
} run;

static void copy(real *to, const real *from, ptrdiff_t count) {
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) vstore(to + j, vload(from + j));
    if (j < count) vstore_part(to + j, vload_part(from + j, count - j), count - j);
}

static run make_run(real *matrix, real *panels, ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t count, ptrdiff_t width) {
    return (run){matrix, panels, rows, cols, count, width, fnn_cut_work(rows, 1, fnn_max(1, GRAIN / fnn_max(1, cols)))};
}

static void into(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_cut_end(&r->cut, task);
    for (ptrdiff_t p = 0; p < r->count; p++) {
        const ptrdiff_t first = p * r->width, here = fnn_min(r->width, r->cols - first);
        for (ptrdiff_t i = fnn_cut_begin(&r->cut, task); i < end; i++) {
            real *row = r->panels + (p * r->rows + i) * r->width;
            copy(row, r->matrix + i * r->cols + first, here);
            for (ptrdiff_t j = here; j < r->width; j++) row[j] = 0;
        }
    }
}

static void out_of(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_cut_end(&r->cut, task);
    for (ptrdiff_t p = 0; p < r->count; p++) {
        const ptrdiff_t first = p * r->width, here = fnn_min(r->width, r->cols - first);
        for (ptrdiff_t i = fnn_cut_begin(&r->cut, task); i < end; i++)
            copy(r->matrix + i * r->cols + first, r->panels + (p * r->rows + i) * r->width, here);
    }
}

/* matrix[n,m], panels[c,n,s] */
void FN(to_panels)(const fnn_op *op) {
    run r = make_run(op->p[0], op->p[1], op->n[0], op->n[1], op->n[2], op->n[3]);
    fnn_parallel(r.cut.tasks, into, &r);
}

/* panels[c,n,s], matrix[n,m] */
void FN(from_panels)(const fnn_op *op) {
    run r = make_run(op->p[1], op->p[0], op->n[1], op->n[3], op->n[0], op->n[2]);
    fnn_parallel(r.cut.tasks, out_of, &r);
}
