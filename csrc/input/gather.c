/* Gathers rows by index: the batch of a training step, converted to the type of the call and scaled. */
#include "runtime/input_prefetch.h"
#include "simd/convert.h"
#include "runtime/kernel.h"

enum {
    TASK_ELEMENTS = 32768,
    PREFETCH_BYTES = 16384, /* prefetched of the next row; the hardware continues from there */
};

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
    const uint8_t *ready; /* for each row: whether it has been gathered already; NULL: none has */
} run;

static void gather_row(const fnn_op *op, const char *source, ptrdiff_t row, void *out) {
    convert(op->type[0], source, (real *)out + row * op->n[1], op->n[1], (real)op->s[0]);
}

static void rows_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    ptrdiff_t cols = op->n[1], row_bytes = cols * type_bytes(op->type[0]);
    const char *source = op->p[0];
    const int64_t *index = op->p[1];
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), end = fnn_task_end(&r->partition, task);
    if (index == NULL) {
        convert(op->type[0], source + begin * row_bytes, OUT(2) + begin * cols, (end - begin) * cols, (real)op->s[0]);
        return;
    }
    for (ptrdiff_t i = begin; i < end; i++) {
        if (r->ready != NULL && r->ready[i]) continue;
        if (i + 1 < end) fnn_prefetch_range(source + index[i + 1] * row_bytes, fnn_min(row_bytes, PREFETCH_BYTES));
        gather_row(op, source + index[i] * row_bytes, i, OUT(2));
    }
}

static void labels_task(void *context, int task) {
    const run *r = context;
    const int64_t *source = r->op->p[0], *index = r->op->p[1];
    int64_t *out = r->op->p[2];
    ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++) out[i] = source[index == NULL ? i : index[i]];
}

void FN(gather_rows)(const fnn_op *op) {
    /* one run of rows for each thread, which works on the same rows in the operations that follow */
    const ptrdiff_t threads = fnn_get_num_threads(), grain = TASK_ELEMENTS / fnn_max(1, op->n[1]);
    run r = {op, fnn_partition_work(op->n[2], 1, fnn_max(fnn_max(1, grain), (op->n[2] + threads - 1) / threads)),
             fnn_input_prefetch_ready(op)};
    if (r.ready == NULL || memchr(r.ready, 0, (size_t)op->n[2]) != NULL) fnn_parallel(r.partition.tasks, rows_task, &r);
    fnn_input_prefetch_gather_next(op, gather_row);
}

void FN(gather_labels)(const fnn_op *op) {
    run r = {op, fnn_partition_work(op->n[1], 64, TASK_ELEMENTS), NULL};
    fnn_parallel(r.partition.tasks, labels_task, &r);
}
