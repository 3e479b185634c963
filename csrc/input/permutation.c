/* Random permutations: the numbers 0 … n-1 sorted by words of Philox, as in fastnn/random/distributions.py.
 *
 * A key of 64 bits has the word in its upper half and the number in its lower half, so equal words keep their order.
 * Few keys are dealt by the upper bits of their words to about as many places as there are keys, which leaves them
 * nearly sorted, and then inserted. Many are moved by three passes of a radix sort, each by 11 bits of the word, from
 * `work` to `order`, back, and to `order` again.
 */
#include "runtime/kernel.h"
#include "runtime/philox.h"

enum { BITS = 11, DIGITS = 1 << BITS, FEW = 2 * DIGITS };

/* Turns the numbers of keys with each digit into the places where these begin. */
static void places_of(uint32_t *place, int digits) {
    uint32_t before = 0;
    for (int digit = 0; digit < digits; digit++) {
        const uint32_t count = place[digit];
        place[digit] = before;
        before += count;
    }
}

/* --- few --- */

static void insert(uint64_t *keys, ptrdiff_t n) {
    for (ptrdiff_t i = 1; i < n; i++) {
        const uint64_t key = keys[i];
        ptrdiff_t to = i;
        for (; to > 0 && keys[to - 1] > key; to--) keys[to] = keys[to - 1];
        keys[to] = key;
    }
}

static void sort_few(uint64_t *order, ptrdiff_t n, philox_key key, uint32_t step, uint32_t purpose) {
    uint32_t words[FEW + PHILOX_WORDS], place[DIGITS];
    int bits = 1;
    while (bits < BITS && (1 << bits) < n) bits++;
    memset(place, 0, sizeof *place << bits);
    for (ptrdiff_t i = 0; i < n; i += PHILOX_WORDS) philox_words(key, (uint64_t)(i / 4), step, purpose, words + i);
    for (ptrdiff_t i = 0; i < n; i++) place[words[i] >> (32 - bits)]++;
    places_of(place, 1 << bits);
    for (ptrdiff_t i = 0; i < n; i++) order[place[words[i] >> (32 - bits)]++] = (uint64_t)words[i] << 32 | (uint64_t)i;
    insert(order, n);
}

/* --- many --- */

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
    places_of(place, DIGITS);
    for (ptrdiff_t i = 0; i < n; i++) to[place[digit_of(from[i], number)]++] = from[i];
}

/* order, work, seeds; epoch, purpose */
static void row_task(void *context, int task) {
    const fnn_op *op = context;
    const ptrdiff_t rows = op->n[1], n = op->n[2];
    uint64_t *order = (uint64_t *)op->p[0] + task * n, *work = (uint64_t *)op->p[1] + task * n;
    const philox_key key = philox_key_of(((const uint64_t *)op->p[2])[task / rows]);
    const uint32_t step = (uint32_t)((uint64_t)op->s[0] + (uint64_t)(task % rows)), purpose = (uint32_t)op->s[1];
    if (n <= FEW)
        sort_few(order, n, key, step, purpose);
    else {
        fill(work, n, key, step, purpose);
        pass(order, work, n, 0);
        pass(work, order, n, 1);
        pass(order, work, n, 2);
    }
    for (ptrdiff_t i = 0; i < n; i++) order[i] &= 0xFFFFFFFFu;
}

/* A row has less than 2**32 numbers. */
void FN(permutations)(const fnn_op *op) { fnn_parallel((int)(op->n[0] * op->n[1]), row_task, (void *)op); }
