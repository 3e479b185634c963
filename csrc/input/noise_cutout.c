/* Adds noise to images, clamps them, and clears a rectangle in each. */
#include "runtime/kernel.h"
#include "runtime/philox.h"

enum { TASK_PIXELS = 4096 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
} run;

static void add_noise(const fnn_op *op, int64_t sample, ptrdiff_t size, real *x) {
    const philox_key key = {(uint32_t)op->s[4], (uint32_t)op->s[5]};
    const uint32_t epoch = (uint32_t)op->s[0], purpose = (uint32_t)op->s[6];
    const real unit = (real)(op->s[1] / sqrt(FNN_NOISE_BYTES_VARIANCE));
    const ptrdiff_t blocks = (size + 3) / 4;
    uint32_t words[PHILOX_WORDS];
    for (ptrdiff_t b = 0; b < blocks; b += PHILOX_BLOCKS) {
        philox_words(key, (uint64_t)(sample * blocks + b), epoch, purpose, words);
        const ptrdiff_t count = fnn_min(PHILOX_WORDS, size - 4 * b);
        for (ptrdiff_t j = 0; j < count; j++) {
            const uint32_t pairs = (words[j] & 0xff00ffu) + (words[j] >> 8 & 0xff00ffu);
            x[4 * b + j] += unit * (real)((int32_t)((pairs & 0xffff) + (pairs >> 16)) - FNN_NOISE_BYTES_MEAN);
        }
    }
}

static void clear_box(const int64_t *box, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, real *x) {
    const ptrdiff_t top = fnn_max(0, box[0]), bottom = fnn_min(h, box[1]);
    const ptrdiff_t left = fnn_max(0, box[2]), right = fnn_min(w, box[3]);
    for (ptrdiff_t c = 0; c < channels; c++)
        for (ptrdiff_t i = top; i < bottom; i++)
            for (ptrdiff_t j = left; j < right; j++) x[(c * h + i) * w + j] = 0;
}

/* x, sample, box; epoch, noise, low, high, seed_low, seed_high, purpose; n c h w */
static void noise_cutout_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t size = op->n[1] * op->n[2] * op->n[3], end = fnn_task_end(&r->partition, task);
    const real low = (real)op->s[2], high = (real)op->s[3];
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i++) {
        real *x = OUT(0) + i * size;
        if (op->s[1] != 0) add_noise(op, ((const int64_t *)op->p[1])[i], size, x);
        for (ptrdiff_t j = 0; j < size; j++) {
            x[j] = x[j] < low ? low : x[j];
            x[j] = x[j] > high ? high : x[j];
        }
        if (op->p[2] != NULL) clear_box((const int64_t *)op->p[2] + 4 * i, op->n[1], op->n[2], op->n[3], x);
    }
}

void FN(noise_cutout)(const fnn_op *op) {
    const ptrdiff_t size = op->n[1] * op->n[2] * op->n[3];
    run r = {op, fnn_partition_work(op->n[0], 1, fnn_max(1, TASK_PIXELS / fnn_max(1, size)))};
    fnn_parallel(r.partition.tasks, noise_cutout_task, &r);
}
