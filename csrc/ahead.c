/* Every thread's place in the rows that it fetches. */
#include "ahead.h"

#include <stdatomic.h>

enum {
    LINE = 64,
    LINE_PRODUCTS = 16,      /* while one core is brought a line of memory, as many vector multiply-adds go by */
    MOST_LINES = 64,         /* asked for at once: about what a core can wait for */
    ALONE_BYTES = 128 << 10, /* of a batch: below, one thread gathers it */
};

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

void fnn_ahead_fetch(ptrdiff_t products) {
    const fnn_ahead *a = mine.ahead;
    if (a == NULL || a->index == NULL) return;
    if (mine.step != a->step) find_share(a);
    ptrdiff_t lines = products / LINE_PRODUCTS;
    for (lines = lines < MOST_LINES ? lines : MOST_LINES; lines > 0; lines--) {
        if (mine.next >= mine.row_end) {
            if (mine.row == mine.end) return;
            mine.next = a->source + a->index[mine.row++] * a->row_bytes;
            mine.row_end = mine.next + a->row_bytes;
            mine.next -= (uintptr_t)mine.next % LINE;
        }
        __builtin_prefetch(mine.next, 0, 2); /* into the second cache: the first has work to do */
        mine.next += LINE;
    }
}
