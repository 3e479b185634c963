/* Every thread's place in the rows that it fetches. */
#include "ahead.h"

#include <stdatomic.h>

enum { ALONE_BYTES = 128 << 10 }; /* of a batch: below, one thread gathers it */

static _Atomic(uint64_t) steps;

static _Thread_local struct {
    const fnn_ahead *ahead;
    int thread, threads;
    uint64_t step;
    ptrdiff_t row, end;
    const char *next, *row_end; /* of the row before `row` */
} mine;

void fnn_ahead_join(const fnn_ahead *ahead, int thread, int threads) {
    mine.ahead = ahead;
    mine.thread = thread;
    mine.threads = threads;
}

const fnn_ahead *fnn_ahead_joined(void) { return mine.ahead; }

void fnn_ahead_begin(fnn_ahead *ahead, const int64_t *next) {
    ahead->index = next;
    ahead->step = atomic_fetch_add(&steps, 1) + 1;
}

static void find_share(const fnn_ahead *a) {
    const int threads = a->rows * a->row_bytes < ALONE_BYTES ? 1 : mine.threads;
    mine.step = a->step;
    mine.row = mine.thread < threads ? a->rows * mine.thread / threads : 0;
    mine.end = mine.thread < threads ? a->rows * (mine.thread + 1) / threads : 0;
    mine.next = mine.row_end = NULL;
}

int fnn_ahead_waits(void) {
    const fnn_ahead *a = mine.ahead;
    if (a == NULL || a->index == NULL) return 0;
    if (mine.step != a->step) find_share(a);
    return mine.next < mine.row_end || mine.row < mine.end;
}

ptrdiff_t fnn_ahead_take(ptrdiff_t most, const char **lines) {
    if (most <= 0 || !fnn_ahead_waits()) return 0;
    const fnn_ahead *a = mine.ahead;
    if (mine.next >= mine.row_end) {
        mine.next = a->source + a->index[mine.row++] * a->row_bytes;
        mine.row_end = mine.next + a->row_bytes;
        mine.next -= (uintptr_t)mine.next % FNN_LINE;
    }
    const ptrdiff_t left = (mine.row_end - mine.next + FNN_LINE - 1) / FNN_LINE, count = most < left ? most : left;
    *lines = mine.next;
    mine.next += count * FNN_LINE;
    return count;
}
