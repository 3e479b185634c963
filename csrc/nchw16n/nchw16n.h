/* The blocked layout NCHW16n: x[image block][channel][row][column][16] holds 16 images side by side. Lane i of block b
 * is image 16 b + i.
 *
 * A pixel is PIXEL_VECTORS vectors, one lane for each image, so every operation fills its vectors whatever the number
 * of channels and the width of a row. The lanes behind the last image hold finite values that reach no result; in
 * gradients they are zero.
 */
#ifndef FASTNN_NCHW16N_NCHW16N_H
#define FASTNN_NCHW16N_NCHW16N_H

#include "runtime/kernel.h"

enum { IMAGE_BLOCK = FNN_BLOCK_IMAGES, PIXEL_VECTORS = IMAGE_BLOCK * sizeof(real) / VBYTES };

/* How an operation is cut into tasks: the rows of every image block fall into the same number of slices. One operation
 * after the other cuts its images alike, so a thread meets the part of them that it wrote in the operation before. */
typedef struct {
    ptrdiff_t blocks, rows, slices;
} nchw16n_partition;

enum {
    NCHW16N_MAX_SLICES = FNN_MOMENT_PIECES
}; /* slices of a single block; several blocks have fewer, so that there are as many tasks */

FNN_INLINE nchw16n_partition nchw16n_partition_rows(ptrdiff_t blocks, ptrdiff_t rows) {
    ptrdiff_t slices = 1;
    while (slices * blocks < NCHW16N_MAX_SLICES && 2 * slices <= rows) slices *= 2;
    return (nchw16n_partition){blocks, rows, slices};
}

FNN_INLINE int nchw16n_task_count(const nchw16n_partition *partition) {
    return (int)(partition->blocks * partition->slices);
}
FNN_INLINE ptrdiff_t nchw16n_task_block(const nchw16n_partition *partition, int task) {
    return task / partition->slices;
}
FNN_INLINE ptrdiff_t nchw16n_row_begin(const nchw16n_partition *partition, int task) {
    return partition->rows * (task % partition->slices) / partition->slices;
}
FNN_INLINE ptrdiff_t nchw16n_row_end(const nchw16n_partition *partition, int task) {
    return partition->rows * (task % partition->slices + 1) / partition->slices;
}

/* Runs the tasks of an operation of `work` multiply-adds. Where waking threads costs more than they save, the calling
 * thread runs them all. */
FNN_INLINE void nchw16n_parallel(int tasks, void (*fn)(void *context, int task), void *context, double work) {
    if (work >= 1 << 16) {
        fnn_parallel(tasks, fn, context);
        return;
    }
    for (int task = 0; task < tasks; task++) fn(context, task);
}

#endif
