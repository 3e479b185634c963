/* The rows of the data that the next step will gather, fetched little by little while this step computes: a gather
 * leaves the arithmetic idle, arithmetic on tiles leaves the memory so. */
#ifndef FASTNN_AHEAD_H
#define FASTNN_AHEAD_H

#include "prefetch.h"

#include <stdint.h>

typedef struct {
    const char *source;
    const int64_t *index; /* of the next step's rows; NULL: there is none */
    ptrdiff_t rows, row_bytes;
    uint64_t step; /* of all that this process runs: another one has other rows */
} fnn_ahead;

/* From now on this thread is number `thread` of `threads` that share the rows of `ahead`; NULL: it fetches nothing. */
void fnn_ahead_join(const fnn_ahead *ahead, int thread, int threads);
const fnn_ahead *fnn_ahead_joined(void);

/* Begin a step that is followed by one with these rows. */
void fnn_ahead_begin(fnn_ahead *ahead, const int64_t *next);

/* Whether anything is left to fetch of this thread's share. */
int fnn_ahead_waits(void);

/* At most `most` lines that are next to be fetched, one behind the other from *lines on; returns how many. The caller
 * prefetches them, one for every few multiply-adds: what is asked for faster than memory can bring it blocks the rest.
 */
ptrdiff_t fnn_ahead_take(ptrdiff_t most, const char **lines);

/* Call before about `products` vector multiply-adds, few enough for a handful of lines. */
static inline void fnn_ahead_fetch(ptrdiff_t products) {
    enum { LINE_PRODUCTS = 64, MOST = 8 };
    const char *lines;
    const ptrdiff_t worth = products / LINE_PRODUCTS;
    const ptrdiff_t count = fnn_ahead_take(worth < MOST ? worth : MOST, &lines);
    if (count > 0) fnn_prefetch_run(lines, count * FNN_LINE);
}

#endif
