/* The rows of the data that the next step will gather, fetched little by little while this step computes: a gather
 * leaves the arithmetic idle, arithmetic on tiles leaves the memory so. */
#ifndef FASTNN_AHEAD_H
#define FASTNN_AHEAD_H

#include <stddef.h>
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

/* Call before about `products` vector multiply-adds: asks the memory for what it can bring meanwhile. */
void fnn_ahead_fetch(ptrdiff_t products);

#endif
