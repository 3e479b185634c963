/* Rows of numbers read from a file by index. */
#ifndef FASTNN_RUNTIME_FILE_ROWS_H
#define FASTNN_RUNTIME_FILE_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* Reads rows of `width` bytes, row index[i] counted from byte `start` of a file, into out; returns how many came:
 * those before the first that the file does not hold or that cannot be read. On all threads. */
ptrdiff_t fnn_read_rows(int file, const int64_t *index, ptrdiff_t rows, ptrdiff_t width, int64_t start, char *out);

#endif
