/* Philox4x32-10 (Salmon et al. 2011) for PHILOX_BLOCKS counters side by side, as in fastnn/random/philox.py.
 *
 * A word stands in the low half of a 64-bit lane. The products read only low halves, so the upper halves need not be
 * cleared, and a round consists of two products, two shifts and four exclusive ors.
 */
#ifndef FASTNN_RUNTIME_PHILOX_H
#define FASTNN_RUNTIME_PHILOX_H

#include "simd/simd_shuffle.h"

enum { PHILOX_BLOCKS = 32, PHILOX_WORDS = 4 * PHILOX_BLOCKS, PHILOX_GROUP = 4 /* vectors whose rounds overlap */ };

typedef struct {
    uint32_t low, high; /* the seed */
} philox_key;

FNN_INLINE philox_key philox_key_of(uint64_t seed) { return (philox_key){(uint32_t)seed, (uint32_t)(seed >> 32)}; }

typedef uint64_t vwide __attribute__((vector_size(VBYTES)));
typedef uint64_t vwide_u __attribute__((vector_size(VBYTES), aligned(4), may_alias));
enum { WIDE = VBYTES / 8 };

FNN_INLINE vwide wide_set(uint64_t x) { return (vwide){0} + x; }

/* Multiplies the low halves. */
FNN_INLINE vwide wide_multiply(vwide a, vwide b) {
#if defined(__AVX512F__)
    return (vwide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (vwide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__x86_64__)
    return (vwide)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

#if VBYTES == 64
#define WIDE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define WIDE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif VBYTES == 32
#define WIDE_LOW 0, 4, 1, 5
#define WIDE_HIGH 2, 6, 3, 7
#else
#define WIDE_LOW 0, 2
#define WIDE_HIGH 1, 3
#endif

/* Computes the blocks of PHILOX_GROUP vectors, beginning with number `first`. */
FNN_INLINE void philox_group(philox_key key, uint64_t first, uint32_t step, uint32_t purpose, uint32_t *words) {
    vwide a[PHILOX_GROUP], b[PHILOX_GROUP], c[PHILOX_GROUP], d[PHILOX_GROUP], lanes;
    for (int i = 0; i < WIDE; i++) lanes[i] = (uint64_t)i;
    for (int v = 0; v < PHILOX_GROUP; v++) {
        a[v] = lanes + (first + (uint64_t)(v * WIDE));
        b[v] = a[v] >> 32;
        c[v] = wide_set(step);
        d[v] = wide_set(purpose);
    }
    for (int turn = 0; turn < 10; turn++) {
        for (int v = 0; v < PHILOX_GROUP; v++) {
            const vwide p = wide_multiply(a[v], wide_set(0xD2511F53u)), q = wide_multiply(c[v], wide_set(0xCD9E8D57u));
            a[v] = (q >> 32) ^ b[v] ^ wide_set(key.low);
            c[v] = (p >> 32) ^ d[v] ^ wide_set(key.high);
            b[v] = q;
            d[v] = p;
        }
        key.low += 0x9E3779B9u;
        key.high += 0xBB67AE85u;
    }
    for (int v = 0; v < PHILOX_GROUP; v++) {
        const vwide ab = (a[v] & 0xFFFFFFFFu) | b[v] << 32, cd = (c[v] & 0xFFFFFFFFu) | d[v] << 32;
        *(vwide_u *)(words + 4 * v * WIDE) = SHUFFLE(vwide, ab, cd, WIDE_LOW);
        *(vwide_u *)(words + 4 * v * WIDE + 2 * WIDE) = SHUFFLE(vwide, ab, cd, WIDE_HIGH);
    }
}

/* Words 4 i … 4 i + 3 are block `first` + i of the sequence (step, purpose), in little-endian order, as on every
 * processor that we build for. */
FNN_INLINE void philox_words(philox_key key, uint64_t first, uint32_t step, uint32_t purpose, uint32_t *words) {
    for (int i = 0; i < PHILOX_BLOCKS; i += PHILOX_GROUP * WIDE)
        philox_group(key, first + (uint64_t)i, step, purpose, words + 4 * i);
}

#endif
