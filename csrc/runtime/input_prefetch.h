/* The rows of the data that the next step will gather, fetched and brought to their place little by little while this
 * step computes: a gather leaves the arithmetic idle, arithmetic on tiles leaves the memory so.
 */
#ifndef FASTNN_RUNTIME_INPUT_PREFETCH_H
#define FASTNN_RUNTIME_INPUT_PREFETCH_H

#include "fastnn.h"
#include "runtime/prefetch.h"

/* Gathers one row of `gather`, from `source` to number `row` of `out`. */
typedef void (*fnn_bring)(const fnn_op *gather, const char *source, ptrdiff_t row, void *out);

typedef struct {
    const char *source;
    const int64_t *index; /* of the next step's rows; NULL: there is none */
    ptrdiff_t rows, row_bytes;
    uint64_t step;        /* of all that this process runs: another one has other rows */
    const fnn_op *gather; /* that will ask for them */
    void *out;            /* where it will want them; NULL: they are only fetched */
    uint8_t *brought;     /* of each row: it is there */
    fnn_bring bring;      /* NULL: not yet, `brought` tells of this step's rows */
} fnn_input_prefetch;

/* From now on this thread is number `thread` of `threads` that share the rows of `ahead`; NULL: it fetches nothing. */
void fnn_input_prefetch_join(fnn_input_prefetch *ahead, int thread, int threads);
fnn_input_prefetch *fnn_input_prefetch_joined(void);

/* Begin a step that is followed by one with these rows. */
void fnn_input_prefetch_begin_step(fnn_input_prefetch *ahead, const int64_t *next);

/* For the operation that gathers: of each of this step's rows, whether it was brought; NULL: none was. */
const uint8_t *fnn_ahead_brought(const fnn_op *gather);
/* … and: all of them are in place now, those of the next step may be brought by `bring`. */
void fnn_ahead_gathered(const fnn_op *gather, fnn_bring bring);

/* Whether anything is left to fetch or to bring of this thread's share. */
int fnn_input_prefetch_pending(void);

/* At most `most` lines that are next to be fetched, one behind the other from *lines on; returns how many. The caller
 * prefetches them, one for every few multiply-adds: what is asked for faster than memory can bring it blocks the rest.
 * A row whose lines were all taken is brought to its place first.
 */
ptrdiff_t fnn_input_prefetch_next(ptrdiff_t most, const char **lines);

/* Call before about `products` vector multiply-adds, few enough for a handful of lines. */
static inline void fnn_input_prefetch_issue(ptrdiff_t products) {
    enum { LINE_PRODUCTS = 64, MOST = 8 };
    const char *lines;
    const ptrdiff_t worth = products / LINE_PRODUCTS;
    const ptrdiff_t count = fnn_input_prefetch_next(worth < MOST ? worth : MOST, &lines);
    if (count > 0) fnn_prefetch_range(lines, count * FNN_CACHE_LINE);
}

#endif
