/* What every kernel file needs: the vector type, the descriptor, and the partition of work into tasks. */
#ifndef FASTNN_RUNTIME_KERNEL_H
#define FASTNN_RUNTIME_KERNEL_H

#include "fastnn.h"
#include "simd/simd.h"

#define IN(i) ((const real *)op->p[i])
#define OUT(i) ((real *)op->p[i])
#define ROW_INDEX(op) ((const int64_t *)(op)->p[FNN_ROW_INDEX])

/* Work is cut into at most FNN_MAX_TASKS tasks, each of a whole number of `unit`s and of at least `grain` elements. The
 * partition depends on the size alone, so that sums over tasks are the same for any number of threads. */
enum { FNN_MAX_TASKS = 64 };

typedef struct {
    ptrdiff_t size, step;
    int tasks;
} fnn_partition;

FNN_INLINE fnn_partition fnn_partition_work(ptrdiff_t size, ptrdiff_t unit, ptrdiff_t grain) {
    ptrdiff_t step = fnn_max(grain, (size + FNN_MAX_TASKS - 1) / FNN_MAX_TASKS);
    step = (step + unit - 1) / unit * unit;
    return (fnn_partition){size, step, (int)((size + step - 1) / step)};
}

/* The number of the i-th row, where rows are read by an index, or in order if there is none. */
FNN_INLINE ptrdiff_t fnn_row(const int64_t *index, ptrdiff_t i) { return index == NULL ? i : index[i]; }
FNN_INLINE const int64_t *fnn_rows_from(const int64_t *index, ptrdiff_t i) { return index == NULL ? NULL : index + i; }

FNN_INLINE ptrdiff_t fnn_task_begin(const fnn_partition *partition, int task) { return task * partition->step; }
FNN_INLINE ptrdiff_t fnn_task_end(const fnn_partition *partition, int task) {
    return fnn_min(partition->size, (task + 1) * partition->step);
}

/* A gradient of a parameter, added to what is there or not; p may be NULL. */
FNN_INLINE void fnn_store_param_grad(real *p, double gradient, double beta) {
    if (p != NULL) *p = beta == 0 ? (real)gradient : (real)((double)*p + gradient);
}

/* A size cut into parts as equal as whole numbers allow, the longer ones first. Finding a part needs no division. */
typedef struct {
    ptrdiff_t least, longer; /* the size of the shorter parts, and the number of the longer ones */
} fnn_balanced;

FNN_INLINE fnn_balanced fnn_balance(ptrdiff_t size, ptrdiff_t parts) {
    return parts == 0 ? (fnn_balanced){0} : (fnn_balanced){size / parts, size % parts};
}

FNN_INLINE ptrdiff_t fnn_balanced_begin(const fnn_balanced *even, ptrdiff_t part) {
    return part * even->least + fnn_min(part, even->longer);
}

#endif
