/* Images innermost: x[g, c, h, w, 16] holds 16 images side by side, lane i of group g is image 16 g + i.
 *
 * A pixel is N16_PARTS vectors, one lane an image, so every operation fills its vectors whatever the number of channels
 * and the width of a row. Lanes behind the last image hold finite values that reach no result; in gradients zero.
 */
#ifndef FASTNN_N16_H
#define FASTNN_N16_H

#include "kernel.h"

enum { N16 = 16, N16_PARTS = N16 * sizeof(real) / VBYTES };

/* Tasks of an operation: every group's rows in the same number of pieces, so that a thread meets in each operation the
 * part of the images that it wrote in the one before. */
typedef struct {
    ptrdiff_t groups, rows, pieces;
} n16_cut;

enum { N16_TASKS = 16 };

FNN_INLINE n16_cut n16_cut_rows(ptrdiff_t groups, ptrdiff_t rows) {
    ptrdiff_t pieces = 1;
    while (pieces * groups < N16_TASKS && 2 * pieces <= rows) pieces *= 2;
    return (n16_cut){groups, rows, pieces};
}

FNN_INLINE int n16_tasks(const n16_cut *cut) { return (int)(cut->groups * cut->pieces); }
FNN_INLINE ptrdiff_t n16_group(const n16_cut *cut, int task) { return task / cut->pieces; }
FNN_INLINE ptrdiff_t n16_begin(const n16_cut *cut, int task) { return cut->rows * (task % cut->pieces) / cut->pieces; }
FNN_INLINE ptrdiff_t n16_end(const n16_cut *cut, int task) {
    return cut->rows * (task % cut->pieces + 1) / cut->pieces;
}

/* Where waking threads costs more than they bring, the calling thread does all. */
FNN_INLINE void n16_run(int tasks, void (*fn)(void *context, int task), void *context, double work) {
    if (work >= 1 << 16) {
        fnn_parallel(tasks, fn, context);
        return;
    }
    for (int task = 0; task < tasks; task++) fn(context, task);
}

#endif
