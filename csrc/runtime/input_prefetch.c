/* How far each thread is with the rows that it prefetches and gathers. */
#include "runtime/input_prefetch.h"

#include "runtime/subnormals.h"

#include <stdatomic.h>
#include <string.h>

enum { ONE_THREAD_BYTES = 128 << 10 }; /* one thread gathers a batch that is smaller */
enum { NONE = -1 };

static _Atomic(uint64_t) steps;

static _Thread_local struct {
    fnn_input_prefetch *prefetch;
    int thread, threads;
    uint64_t step;
    ptrdiff_t row, end;
    const char *next, *row_end; /* what is left to prefetch of the row before `row` */
    ptrdiff_t prefetched;       /* a row that is prefetched and still to be gathered; or NONE */
} mine;

void fnn_input_prefetch_join(fnn_input_prefetch *prefetch, int thread, int threads) {
    mine.prefetch = prefetch;
    mine.thread = thread;
    mine.threads = threads;
}

fnn_input_prefetch *fnn_input_prefetch_joined(void) { return mine.prefetch; }

void fnn_input_prefetch_begin_step(fnn_input_prefetch *prefetch, const int64_t *next) {
    prefetch->index = next;
    prefetch->gather_row = NULL;
    prefetch->step = atomic_fetch_add(&steps, 1) + 1;
}

static int gathers(const fnn_input_prefetch *a, const fnn_op *op) {
    return a != NULL && a->gather == op && a->out != NULL;
}

const uint8_t *fnn_input_prefetch_ready(const fnn_op *gather) {
    return gathers(mine.prefetch, gather) ? mine.prefetch->ready : NULL;
}

void fnn_input_prefetch_gather_next(const fnn_op *gather, fnn_gather_row gather_row) {
    fnn_input_prefetch *a = mine.prefetch;
    if (!gathers(a, gather)) return;
    memset(a->ready, 0, (size_t)a->rows);
    a->gather_row = gather_row;
}

static void find_share(const fnn_input_prefetch *a) {
    const int threads = a->rows * a->row_bytes < ONE_THREAD_BYTES ? 1 : mine.threads;
    mine.step = a->step;
    mine.row = mine.thread < threads ? a->rows * mine.thread / threads : 0;
    mine.end = mine.thread < threads ? a->rows * (mine.thread + 1) / threads : 0;
    mine.next = mine.row_end = NULL;
    mine.prefetched = NONE;
}

int fnn_input_prefetch_pending(void) {
    const fnn_input_prefetch *a = mine.prefetch;
    if (a == NULL || a->index == NULL) return 0;
    if (mine.step != a->step) find_share(a);
    return mine.next < mine.row_end || mine.row < mine.end || mine.prefetched != NONE;
}

static const char *source_of(const fnn_input_prefetch *a, ptrdiff_t row) {
    return a->source + a->index[row] * a->row_bytes;
}

static void gather_prefetched(const fnn_input_prefetch *a) {
    if (mine.prefetched != NONE && a->gather_row != NULL) {
        const fnn_float_mode mode = fnn_flush_subnormals(0); /* as the gather, not as the kernel that has a moment */
        a->gather_row(a->gather, source_of(a, mine.prefetched), mine.prefetched, a->out);
        fnn_restore_float_mode(mode, 0);
        a->ready[mine.prefetched] = 1;
    }
    mine.prefetched = NONE;
}

ptrdiff_t fnn_input_prefetch_next(ptrdiff_t most, const char **lines) {
    if (most <= 0 || !fnn_input_prefetch_pending()) return 0;
    const fnn_input_prefetch *a = mine.prefetch;
    if (mine.next >= mine.row_end) {
        gather_prefetched(a);
        if (mine.row >= mine.end) return 0;
        mine.next = source_of(a, mine.row++);
        mine.row_end = mine.next + a->row_bytes;
        mine.next -= (uintptr_t)mine.next % FNN_CACHE_LINE;
    }
    ptrdiff_t left =
        (mine.row_end - mine.next) / FNN_CACHE_LINE; /* the rest of a line is not worth a call of its own */
    if (left == 0) left = 1;
    const ptrdiff_t count = most < left ? most : left;
    *lines = mine.next;
    mine.next += count * FNN_CACHE_LINE;
    if (mine.row_end - mine.next < FNN_CACHE_LINE) mine.next = mine.row_end;
    if (mine.next >= mine.row_end) mine.prefetched = mine.row - 1;
    return count;
}
