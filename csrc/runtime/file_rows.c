#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "runtime/file_rows.h"
#include "runtime/platform.h"
#include "fastnn.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { TASK_BYTES = 1 << 15, MAX_TASKS = 64 };

typedef struct {
    int file;
    const int64_t *index;
    ptrdiff_t rows, width;
    int64_t start;
    char *out;
    ptrdiff_t step;             /* rows in a task */
    _Atomic(ptrdiff_t) missing; /* the first row that could not be read */
} run;

static bool read_row(const run *r, ptrdiff_t row) {
    ptrdiff_t done = 0; /* a read may return less than was asked for */
    while (done < r->width) {
        const ptrdiff_t got = fnn_read_at(r->file, r->out + row * r->width + done, (size_t)(r->width - done),
                                          r->start + r->index[row] * r->width + done);
        if (got <= 0) return false;
        done += got;
    }
    return true;
}

static void read_task(void *context, int task) {
    run *r = context;
    ptrdiff_t row = task * r->step, end = row + r->step < r->rows ? row + r->step : r->rows;
    while (row < end && read_row(r, row)) row++;
    if (row == end) return;
    ptrdiff_t first = atomic_load(&r->missing);
    while (row < first && !atomic_compare_exchange_weak(&r->missing, &first, row)) {
    }
}

ptrdiff_t fnn_read_rows(int file, const int64_t *index, ptrdiff_t rows, ptrdiff_t width, int64_t start, char *out) {
    const ptrdiff_t least = width < TASK_BYTES ? TASK_BYTES / (width > 0 ? width : 1) : 1;
    const ptrdiff_t even = (rows + MAX_TASKS - 1) / MAX_TASKS, step = even > least ? even : least;
    run r = {file, index, rows, width, start, out, step, rows};
    fnn_parallel((int)((rows + step - 1) / step), read_task, &r);
    return atomic_load(&r.missing);
}
