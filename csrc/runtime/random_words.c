/* Words of the generator, for what Python draws: those of fastnn/random/philox.py. */
#include "runtime/kernel.h"
#include "runtime/philox.h"

/* words (two in each element), seeds; first block, step, purpose */
static void row_task(void *context, int task) {
    const fnn_op *op = context;
    const philox_key key = philox_key_of(((const uint64_t *)op->p[1])[task]);
    const uint64_t first = (uint64_t)op->s[0];
    const uint32_t step = (uint32_t)op->s[1], purpose = (uint32_t)op->s[2];
    const ptrdiff_t count = 2 * op->n[1];
    uint32_t *out = (uint32_t *)op->p[0] + task * count, words[PHILOX_WORDS];
    for (ptrdiff_t i = 0; i < count; i += PHILOX_WORDS) {
        philox_words(key, first + (uint64_t)(i / 4), step, purpose, words);
        memcpy(out + i, words, (size_t)fnn_min(PHILOX_WORDS, count - i) * sizeof *words);
    }
}

void FN(random_words)(const fnn_op *op) { fnn_parallel((int)op->n[0], row_task, (void *)op); }
