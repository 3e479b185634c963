/* Reads rows of numbers from a file by index. */
#ifndef FASTNN_RUNTIME_FILE_ROWS_H
#define FASTNN_RUNTIME_FILE_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* Reads into row i of `out` the row number index[i] of a file: rows have `width` bytes, and row 0 begins at byte
 * `start`. Uses all threads. Returns how many rows stand before the first that the file does not hold or that cannot be
 * read. */
ptrdiff_t fnn_read_rows(int file, const int64_t *index, ptrdiff_t rows, ptrdiff_t width, int64_t start, char *out);

#endif
