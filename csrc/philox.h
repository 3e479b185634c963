/* Philox4x32-10 (Salmon et al. 2011), PHILOX_BLOCKS counters side by side; as fastnn/random/philox.py. */
#ifndef FASTNN_PHILOX_H
#define FASTNN_PHILOX_H

#include "simd.h"

enum { PHILOX_BLOCKS = 16, PHILOX_WORDS = 4 * PHILOX_BLOCKS };

typedef struct {
    uint32_t low, high; /* the seed */
} philox_key;

/* words 4 i … 4 i + 3: block `first` + i of the stream (step, purpose) */
FNN_INLINE void philox_words(philox_key key, uint64_t first, uint32_t step, uint32_t purpose,
                             uint32_t *restrict words) {
    uint32_t a[PHILOX_BLOCKS], b[PHILOX_BLOCKS], c[PHILOX_BLOCKS], d[PHILOX_BLOCKS];
    for (int i = 0; i < PHILOX_BLOCKS; i++) {
        a[i] = (uint32_t)(first + (uint64_t)i);
        b[i] = (uint32_t)((first + (uint64_t)i) >> 32);
        c[i] = step;
        d[i] = purpose;
    }
    for (int turn = 0; turn < 10; turn++) {
        for (int i = 0; i < PHILOX_BLOCKS; i++) {
            const uint64_t p = (uint64_t)a[i] * 0xD2511F53u, q = (uint64_t)c[i] * 0xCD9E8D57u;
            const uint32_t next = (uint32_t)(q >> 32) ^ b[i] ^ key.low;
            c[i] = (uint32_t)(p >> 32) ^ d[i] ^ key.high;
            a[i] = next;
            b[i] = (uint32_t)q;
            d[i] = (uint32_t)p;
        }
        key.low += 0x9E3779B9u;
        key.high += 0xBB67AE85u;
    }
    for (int i = 0; i < PHILOX_BLOCKS; i++) {
        words[4 * i] = a[i];
        words[4 * i + 1] = b[i];
        words[4 * i + 2] = c[i];
        words[4 * i + 3] = d[i];
    }
}

#endif
