/* Random permutations: the numbers 0 … n-1 sorted by words of Philox, as in fastnn/random/distributions.py.
 *
 * A key of 64 bits has the word in its upper half and the number in its lower half. Three passes of a radix sort, each
 * by 11 bits of the word, move the keys from `work` to `order`, back, and to `order` again; equal words keep their
 * order.
 */
#include "runtime/kernel.h"
#include "runtime/philox.h"

enum { BITS = 11, DIGITS = 1 << BITS };

static int digit_of(uint64_t key, int pass) { return (int)(key >> (32 + BITS * pass)) & (DIGITS - 1); }

static void fill(uint64_t *keys, ptrdiff_t n, philox_key key, uint32_t step, uint32_t purpose) {
    uint32_t words[PHILOX_WORDS];
    for (ptrdiff_t i = 0; i < n; i += PHILOX_WORDS) {
        philox_words(key, (uint64_t)(i / 4), step, purpose, words);
        const ptrdiff_t count = fnn_min(PHILOX_WORDS, n - i);
        for (ptrdiff_t j = 0; j < count; j++) keys[i + j] = (uint64_t)words[j] << 32 | (uint64_t)(i + j);
    }
}

static void pass(uint64_t *to, const uint64_t *from, ptrdiff_t n, int number) {
    uint32_t place[DIGITS] = {0};
    for (ptrdiff_t i = 0; i < n; i++) place[digit_of(from[i], number)]++;
    uint32_t before = 0;
    for (int digit = 0; digit < DIGITS; digit++) {
        const uint32_t count = place[digit];
        place[digit] = before;
        before += count;
    }
    for (ptrdiff_t i = 0; i < n; i++) to[place[digit_of(from[i], number)]++] = from[i];
}

/* order, work; epoch, seed_low, seed_high, purpose */
static void row_task(void *context, int task) {
    const fnn_op *op = context;
    const ptrdiff_t n = op->n[1];
    uint64_t *order = (uint64_t *)op->p[0] + task * n, *work = (uint64_t *)op->p[1] + task * n;
    const philox_key key = {(uint32_t)op->s[1], (uint32_t)op->s[2]};
    fill(work, n, key, (uint32_t)((uint64_t)op->s[0] + (uint64_t)task), (uint32_t)op->s[3]);
    pass(order, work, n, 0);
    pass(work, order, n, 1);
    pass(order, work, n, 2);
    for (ptrdiff_t i = 0; i < n; i++) order[i] &= 0xFFFFFFFFu;
}

/* A row has less than 2**32 numbers. */
void FN(permutations)(const fnn_op *op) { fnn_parallel((int)op->n[0], row_task, (void *)op); }
