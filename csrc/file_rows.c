#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "file_rows.h"

ptrdiff_t fnn_read_rows(int file, const int64_t *index, ptrdiff_t rows, ptrdiff_t width, int64_t start, char *out) {
    ptrdiff_t row = 0, done = 0; /* of this row's bytes: a read may stop short of what was asked for */
    while (row < rows) {
        ptrdiff_t got =
            pread(file, out + row * width + done, (size_t)(width - done), start + index[row] * width + done);
        if (got <= 0) break;
        done += got;
        if (done == width) {
            row++;
            done = 0;
        }
    }
    return row;
}
