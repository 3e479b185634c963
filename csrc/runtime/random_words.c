/* Words of the generator, for what Python draws: those of fastnn/random/philox.py. */
#include "runtime/kernel.h"
#include "runtime/philox.h"

/* words (two in each element); first block, seed_low, seed_high, step, purpose */
void FN(random_words)(const fnn_op *op) {
    const philox_key key = {(uint32_t)op->s[1], (uint32_t)op->s[2]};
    const uint64_t first = (uint64_t)op->s[0];
    const uint32_t step = (uint32_t)op->s[3], purpose = (uint32_t)op->s[4];
    const ptrdiff_t count = 2 * op->n[0];
    uint32_t words[PHILOX_WORDS];
    for (ptrdiff_t i = 0; i < count; i += PHILOX_WORDS) {
        philox_words(key, first + (uint64_t)(i / 4), step, purpose, words);
        memcpy((uint32_t *)op->p[0] + i, words, (size_t)fnn_min(PHILOX_WORDS, count - i) * sizeof *words);
    }
}
