/* Dropout. The mask is computed where it is needed, in both passes, and never stored. */
#include "runtime/kernel.h"
#include "runtime/philox.h"

enum { TASK_ELEMENTS = 4096 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
} run;

/* x, step, row, out; rate, seed_low, seed_high, purpose */
static void rows_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t d = op->n[1], blocks = (d + 3) / 4, end = fnn_task_end(&r->partition, task);
    const philox_key key = {(uint32_t)op->s[1], (uint32_t)op->s[2]};
    const uint32_t step = (uint32_t)*(const int64_t *)op->p[1], purpose = (uint32_t)op->s[3];
    const int64_t first = *(const int64_t *)op->p[2];
    const uint32_t least = (uint32_t)(uint64_t)llrint(op->s[0] * 0x1p32); /* smaller words drop their element */
    const real factor = (real)(1 / (1 - op->s[0]));
    uint32_t words[PHILOX_WORDS];
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++)
        for (ptrdiff_t b = 0; b < blocks; b += PHILOX_BLOCKS) {
            philox_words(key, (uint64_t)((first + i) * blocks + b), step, purpose, words);
            const ptrdiff_t count = fnn_min(PHILOX_WORDS, d - 4 * b);
            const real *x = IN(0) + i * d + 4 * b;
            real *out = OUT(3) + i * d + 4 * b;
            for (ptrdiff_t j = 0; j < count; j++) out[j] = words[j] >= least ? x[j] * factor : 0;
        }
}

void FN(dropout)(const fnn_op *op) {
    if (llrint(op->s[0] * 0x1p32) == 1LL << 32) { /* every element is dropped */
        memset(op->p[3], 0, (size_t)(op->n[0] * op->n[1]) * sizeof(real));
        return;
    }
    run r = {op, fnn_partition_work(op->n[0], 1, fnn_max(1, TASK_ELEMENTS / fnn_max(1, op->n[1])))};
    fnn_parallel(r.partition.tasks, rows_task, &r);
}
