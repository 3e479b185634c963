/* Images innermost: x[g, c, h, w, 16] holds 16 images side by side, lane i of group g is image 16 g + i.
 *
 * A pixel is NCHW16N_PARTS vectors, one lane an image, so every operation fills its vectors whatever the number of
 * channels and the width of a row. Lanes behind the last image hold finite values that reach no result; in gradients
 * zero.
 */
#ifndef FASTNN_NCHW16N_NCHW16N_H
#define FASTNN_NCHW16N_NCHW16N_H

#include "runtime/kernel.h"

enum { N16 = FNN_BLOCK_IMAGES, NCHW16N_PARTS = N16 * sizeof(real) / VBYTES };

/* Tasks of an operation: every group's rows in the same number of pieces, so that a thread meets in each operation the
 * part of the images that it wrote in the one before. */
typedef struct {
    ptrdiff_t groups, rows, pieces;
} nchw16n_cut;

enum { NCHW16N_TASKS = FNN_MOMENT_PIECES };

FNN_INLINE nchw16n_cut nchw16n_cut_rows(ptrdiff_t groups, ptrdiff_t rows) {
    ptrdiff_t pieces = 1;
    while (pieces * groups < NCHW16N_TASKS && 2 * pieces <= rows) pieces *= 2;
    return (nchw16n_cut){groups, rows, pieces};
}

FNN_INLINE int nchw16n_tasks(const nchw16n_cut *cut) { return (int)(cut->groups * cut->pieces); }
FNN_INLINE ptrdiff_t nchw16n_group(const nchw16n_cut *cut, int task) { return task / cut->pieces; }
FNN_INLINE ptrdiff_t nchw16n_begin(const nchw16n_cut *cut, int task) {
    return cut->rows * (task % cut->pieces) / cut->pieces;
}
FNN_INLINE ptrdiff_t nchw16n_end(const nchw16n_cut *cut, int task) {
    return cut->rows * (task % cut->pieces + 1) / cut->pieces;
}

/* Where waking threads costs more than they bring, the calling thread does all. */
FNN_INLINE void nchw16n_run(int tasks, void (*fn)(void *context, int task), void *context, double work) {
    if (work >= 1 << 16) {
        fnn_parallel(tasks, fn, context);
        return;
    }
    for (int task = 0; task < tasks; task++) fn(context, task);
}

#endif
