/* Every thread's place in the rows that it fetches and brings. */
#include "runtime/input_prefetch.h"

#include <stdatomic.h>
#include <string.h>

enum { ALONE_BYTES = 128 << 10, NONE = -1 }; /* of a batch: below, one thread gathers it */

static _Atomic(uint64_t) steps;

static _Thread_local struct {
    fnn_input_prefetch *ahead;
    int thread, threads;
    uint64_t step;
    ptrdiff_t row, end;
    const char *next, *row_end; /* of the row before `row` */
    ptrdiff_t fetched;          /* a row whose lines were all taken, still to be brought; or NONE */
} mine;

void fnn_input_prefetch_join(fnn_input_prefetch *ahead, int thread, int threads) {
    mine.ahead = ahead;
    mine.thread = thread;
    mine.threads = threads;
}

fnn_input_prefetch *fnn_input_prefetch_joined(void) { return mine.ahead; }

void fnn_input_prefetch_begin_step(fnn_input_prefetch *ahead, const int64_t *next) {
    ahead->index = next;
    ahead->bring = NULL;
    ahead->step = atomic_fetch_add(&steps, 1) + 1;
}

static int gathers(const fnn_input_prefetch *a, const fnn_op *op) {
    return a != NULL && a->gather == op && a->out != NULL;
}

const uint8_t *fnn_ahead_brought(const fnn_op *gather) {
    return gathers(mine.ahead, gather) ? mine.ahead->brought : NULL;
}

void fnn_ahead_gathered(const fnn_op *gather, fnn_bring bring) {
    fnn_input_prefetch *a = mine.ahead;
    if (!gathers(a, gather)) return;
    memset(a->brought, 0, (size_t)a->rows);
    a->bring = bring;
}

static void find_share(const fnn_input_prefetch *a) {
    const int threads = a->rows * a->row_bytes < ALONE_BYTES ? 1 : mine.threads;
    mine.step = a->step;
    mine.row = mine.thread < threads ? a->rows * mine.thread / threads : 0;
    mine.end = mine.thread < threads ? a->rows * (mine.thread + 1) / threads : 0;
    mine.next = mine.row_end = NULL;
    mine.fetched = NONE;
}

int fnn_input_prefetch_pending(void) {
    const fnn_input_prefetch *a = mine.ahead;
    if (a == NULL || a->index == NULL) return 0;
    if (mine.step != a->step) find_share(a);
    return mine.next < mine.row_end || mine.row < mine.end || mine.fetched != NONE;
}

static const char *source_of(const fnn_input_prefetch *a, ptrdiff_t row) {
    return a->source + a->index[row] * a->row_bytes;
}

static void bring_fetched(const fnn_input_prefetch *a) {
    if (mine.fetched != NONE && a->bring != NULL) {
        a->bring(a->gather, source_of(a, mine.fetched), mine.fetched, a->out);
        a->brought[mine.fetched] = 1;
    }
    mine.fetched = NONE;
}

ptrdiff_t fnn_input_prefetch_next(ptrdiff_t most, const char **lines) {
    if (most <= 0 || !fnn_input_prefetch_pending()) return 0;
    const fnn_input_prefetch *a = mine.ahead;
    if (mine.next >= mine.row_end) {
        bring_fetched(a);
        if (mine.row >= mine.end) return 0;
        mine.next = source_of(a, mine.row++);
        mine.row_end = mine.next + a->row_bytes;
        mine.next -= (uintptr_t)mine.next % FNN_CACHE_LINE;
    }
    ptrdiff_t left = (mine.row_end - mine.next) / FNN_CACHE_LINE; /* a rest of a line is not worth a call of its own */
    if (left == 0) left = 1;
    const ptrdiff_t count = most < left ? most : left;
    *lines = mine.next;
    mine.next += count * FNN_CACHE_LINE;
    if (mine.row_end - mine.next < FNN_CACHE_LINE) mine.next = mine.row_end;
    if (mine.next >= mine.row_end) mine.fetched = mine.row - 1;
    return count;
}
