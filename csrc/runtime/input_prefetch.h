/* The rows of the data set that the next step will gather are prefetched, and where there is a double buffer for them
 * also gathered, little by little while this step computes: a gather leaves the arithmetic idle, and arithmetic on
 * tiles leaves the memory idle.
 */
#ifndef FASTNN_RUNTIME_INPUT_PREFETCH_H
#define FASTNN_RUNTIME_INPUT_PREFETCH_H

#include "fastnn.h"
#include "runtime/prefetch.h"

/* Gathers one row as operation `gather` does: from `source` to row number `row` of `out`. */
typedef void (*fnn_gather_row)(const fnn_op *gather, const char *source, ptrdiff_t row, void *out);

typedef struct {
    const char *source;
    const int64_t *index; /* the rows of the next step; NULL: there is no next step */
    ptrdiff_t rows, row_bytes;
    uint64_t step;             /* a number that no other step of this process has */
    const fnn_op *gather;      /* the operation that will read these rows */
    void *out;                 /* where it will want them; NULL: they are prefetched but not gathered */
    uint8_t *ready;            /* for each row: whether it has been gathered */
    fnn_gather_row gather_row; /* NULL: `ready` is still about the rows of this step */
} fnn_input_prefetch;

/* From now on this thread is number `thread` of the `threads` that share the rows of `prefetch`. With NULL it
 * prefetches nothing. */
void fnn_input_prefetch_join(fnn_input_prefetch *prefetch, int thread, int threads);
fnn_input_prefetch *fnn_input_prefetch_joined(void);

/* Begins a step that is followed by one with the rows `next`. */
void fnn_input_prefetch_begin_step(fnn_input_prefetch *prefetch, const int64_t *next);

/* The operation that gathers asks here which of this step's rows are ready, with a flag for each row; NULL: none is. */
const uint8_t *fnn_input_prefetch_ready(const fnn_op *gather);
/* It reports here that all rows of this step are in place, so that those of the next may be gathered. */
void fnn_input_prefetch_gather_next(const fnn_op *gather, fnn_gather_row gather_row);

/* Whether anything of this thread's share is left to prefetch or to gather. */
int fnn_input_prefetch_pending(void);

/* Stores in *lines the address of the cache lines to prefetch next, at most `most` of them, and returns how many there
 * are. The caller prefetches one for every few multiply-adds, since requests that come faster than memory answers block
 * all others. Before it goes on to another row, the call gathers the row whose lines have all been given out.
 */
ptrdiff_t fnn_input_prefetch_next(ptrdiff_t most, const char **lines);

/* To be called before about `products` vector multiply-adds, few enough for a handful of lines. */
static inline void fnn_input_prefetch_issue(ptrdiff_t products) {
    enum { LINE_PRODUCTS = 64, MOST = 8 };
    const char *lines;
    const ptrdiff_t worth = products / LINE_PRODUCTS;
    const ptrdiff_t count = fnn_input_prefetch_next(worth < MOST ? worth : MOST, &lines);
    if (count > 0) fnn_prefetch_range(lines, count * FNN_CACHE_LINE);
}

#endif
