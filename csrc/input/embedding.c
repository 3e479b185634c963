/* Rows of a table by the codes that stand in columns of the inputs, and the gradient of the table.
 *
 * A code is compared with the number of its rows before a row is read or written, so that no input reaches outside the
 * table. The gradient of a row is a chain of sums by samples and then by columns, begun at zero or at what is there;
 * tasks share the columns of the table, so that each element is one task's. */
#include "runtime/kernel.h"

enum { GRAIN = 16384, NONE = -1, WRONG = -2 };

typedef struct {
    ptrdiff_t d, m, kept_columns, code_columns, outputs;
    const int64_t *kept, *column, *first, *count;
} layout;

typedef struct {
    const fnn_op *op;
    layout at;
    fnn_partition partition;
} run;

/* The row of the table for a code, NONE for the code that has none, or WRONG for what is no code. */
FNN_INLINE ptrdiff_t row_of(real code, ptrdiff_t first, ptrdiff_t count) {
    if (!(code >= NONE && code < (real)count)) return WRONG;
    const ptrdiff_t row = (ptrdiff_t)code; /* count may have been rounded up */
    return (real)row != code || row >= count ? WRONG : row < 0 ? NONE : first + row;
}

/* --- forward: x[n,d], w[r,m], kept[k], column[c], first[c], count[c], out[n,o] --- */

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const layout *at = &r->at;
    const real *w = IN(1);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < fnn_task_end(&r->partition, task); i++) {
        const real *x = IN(0) + i * at->d;
        real *out = OUT(6) + i * at->outputs;
        for (ptrdiff_t k = 0; k < at->kept_columns; k++) out[k] = x[at->kept[k]];
        out += at->kept_columns;
        for (ptrdiff_t j = 0; j < at->code_columns; j++, out += at->m) {
            const ptrdiff_t row = row_of(x[at->column[j]], at->first[j], at->count[j]);
            const vreal absent = vset(row == NONE ? 0 : (real)NAN);
            for (ptrdiff_t k = 0; k < at->m; k += VL)
                vstore_tail(out + k, row < 0 ? absent : vload_tail(w + row * at->m + k, at->m - k), at->m - k);
        }
    }
}

void FN(embedding_forward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], outputs = op->n[6];
    run r = {op,
             {op->n[1], op->n[3], op->n[4], op->n[5], outputs, op->p[2], op->p[3], op->p[4], op->p[5]},
             fnn_partition_work(n, 1, GRAIN / fnn_max(1, outputs) + 1)};
    fnn_parallel(r.partition.tasks, forward_task, &r);
}

/* --- backward: dout[n,o], x[n,d], kept[k], column[c], first[c], count[c], dx[n,d], dw[r,m]; beta --- */

static void inputs_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const layout *at = &r->at;
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < fnn_task_end(&r->partition, task); i++) {
        const real *dout = IN(0) + i * at->outputs;
        real *dx = OUT(6) + i * at->d;
        memset(dx, 0, (size_t)at->d * sizeof(real));
        for (ptrdiff_t k = 0; k < at->kept_columns; k++) dx[at->kept[k]] = dout[k];
    }
}

static void table_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const layout *at = &r->at;
    const ptrdiff_t n = op->n[0], rows = op->n[5];
    const ptrdiff_t begin = fnn_task_begin(&r->partition, task), width = fnn_task_end(&r->partition, task) - begin;
    real *dw = OUT(7) + begin;
    const ptrdiff_t runs = width == at->m ? 1 : rows; /* pieces of memory that are begun at zero */
    if (op->s[0] == 0)
        for (ptrdiff_t k = 0; k < runs; k++) memset(dw + k * at->m, 0, (size_t)(rows / runs * width) * sizeof(real));
    for (ptrdiff_t i = 0; i < n; i++) {
        const real *x = IN(1) + i * at->d, *dout = IN(0) + i * at->outputs + at->kept_columns + begin;
        for (ptrdiff_t j = 0; j < at->code_columns; j++, dout += at->m) {
            const ptrdiff_t row = row_of(x[at->column[j]], at->first[j], at->count[j]);
            if (row < 0) continue;
            real *sum = dw + row * at->m;
            for (ptrdiff_t k = 0; k < width; k += VL)
                vstore_tail(sum + k, vload_tail(sum + k, width - k) + vload_tail(dout + k, width - k), width - k);
        }
    }
}

void FN(embedding_backward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], outputs = op->n[1], d = op->n[2], codes = op->n[4], m = op->n[6];
    run r = {op, {d, m, op->n[3], codes, outputs, op->p[2], op->p[3], op->p[4], op->p[5]}, {0}};
    if (op->p[6] != NULL) {
        r.partition = fnn_partition_work(n, 1, GRAIN / fnn_max(1, d) + 1);
        fnn_parallel(r.partition.tasks, inputs_task, &r);
    }
    if (op->p[7] != NULL) {
        r.partition = fnn_partition_work(m, VL, GRAIN / fnn_max(1, n * codes) + 1);
        fnn_parallel(r.partition.tasks, table_task, &r);
    }
}
