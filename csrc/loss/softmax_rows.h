/* Rows of a softmax: what the softmax kernels and the losses share.
 *
 * Rows are processed in groups of up to VL, which stay in the first-level cache. A pass over a row leaves one vector of
 * partial results. After the whole group, vlanes turns the VL vectors into one that has a lane for each row, so that
 * the logarithms and divisions of all rows are computed at once. The bits of a row depend on that row alone.
 */
#ifndef FASTNN_LOSS_SOFTMAX_ROWS_H
#define FASTNN_LOSS_SOFTMAX_ROWS_H

#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum {
    MAX_ROWS = VBYTES / sizeof(real),
    GROUP_BYTES = 16384,  /* that one array of a group has at most */
    TASK_ELEMENTS = 2048, /* that a task has at least, so that it is worth waking a thread */
    SUM_BLOCK = 64 * VBYTES / sizeof(real),
};

typedef struct {
    vreal lanes[MAX_ROWS];
} row_partials;

/* One value for each row, as a vector or one by one. */
typedef union {
    vreal all;
    real row[MAX_ROWS];
} row_values;

/* The maximum of sign x in each row, and its minimum lane by lane. A NaN may get lost here, but comes back when the
 * maximum is subtracted from it. */
typedef struct {
    row_values max;
    row_partials low;
} row_ranges;

FNN_INLINE int rows_in_group(ptrdiff_t cols) {
    return (int)fnn_max(1, fnn_min(VL, GROUP_BYTES / (ptrdiff_t)sizeof(real) / fnn_max(1, cols)));
}

FNN_INLINE fnn_partition row_partition(ptrdiff_t rows, ptrdiff_t cols) {
    return fnn_partition_work(rows, rows_in_group(cols), fnn_max(1, TASK_ELEMENTS / fnn_max(1, cols)));
}

/* Sets the lanes that have no row to 0. */
FNN_INLINE void rows_clear(row_partials *part, int rows) {
    for (int i = rows; i < VL; i++) part->lanes[i] = vset(0);
}

FNN_INLINE void row_range(const real *x, ptrdiff_t cols, real sign, vreal *max, vreal *min) {
    const vreal s = vset(sign), first = vset(x[0]) * s;
    vreal high = first, low = first;
    ptrdiff_t j = 0;
    if (cols >= 4 * VL) {
        vreal high1 = first, high2 = first, high3 = first, low1 = first, low2 = first, low3 = first;
        for (; j + 4 * VL <= cols; j += 4 * VL) {
            vreal x0 = vload(x + j) * s, x1 = vload(x + j + VL) * s;
            vreal x2 = vload(x + j + 2 * VL) * s, x3 = vload(x + j + 3 * VL) * s;
            high = vmax(high, x0), high1 = vmax(high1, x1), high2 = vmax(high2, x2), high3 = vmax(high3, x3);
            low = vmin(low, x0), low1 = vmin(low1, x1), low2 = vmin(low2, x2), low3 = vmin(low3, x3);
        }
        high = vmax(vmax(high, high1), vmax(high2, high3));
        low = vmin(vmin(low, low1), vmin(low2, low3));
    }
    for (; j + VL <= cols; j += VL) {
        high = vmax(high, vload(x + j) * s);
        low = vmin(low, vload(x + j) * s);
    }
    if (j < cols) {
        vreal last = vload_part_or(x + j, cols - j, vset(x[0])) * s;
        high = vmax(high, last);
        low = vmin(low, last);
    }
    *max = high;
    *min = low;
}

/* Returns the sum of exp(sign x - max), lane by lane, and stores the exponentials in e unless it is NULL. Needs
 * cols <= SUM_BLOCK. */
FNN_INLINE vreal row_exp_block(const real *x, real *e, ptrdiff_t cols, real sign, vreal max, int range) {
    vreal a = {0}, b = {0};
    ptrdiff_t j = 0;
    for (; j + 2 * VL <= cols; j += 2 * VL) {
        vreal p = vexp_in(vload(x + j) * vset(sign) - max, range);
        vreal q = vexp_in(vload(x + j + VL) * vset(sign) - max, range);
        if (e != NULL) {
            vstore(e + j, p);
            vstore(e + j + VL, q);
        }
        a += p;
        b += q;
    }
    for (; j < cols; j += VL) {
        ptrdiff_t left = fnn_min(VL, cols - j);
        vreal p = vload_part_or(x + j, left, vset(x[0]));
        p = vfirst(vexp_in(p * vset(sign) - max, range), left);
        if (e != NULL) vstore_part(e + j, p, left);
        a += p;
    }
    return a + b;
}

/* Adds the sum of a block to that of the blocks before it, with Kahan's compensation, so that the error does not grow
 * with the length of a row. An infinite sum needs no compensation. */
FNN_INLINE void block_add(vreal *sum, vreal *lost, vreal block) {
    const vreal part = block - *lost, next = *sum + part, rest = (next - *sum) - part;
    *lost = vselect(rest == rest, rest, vset(0));
    *sum = next;
}

FNN_INLINE vreal row_exp(const real *x, real *e, ptrdiff_t cols, real sign, vreal max, int range) {
    if (cols <= SUM_BLOCK) return row_exp_block(x, e, cols, sign, max, range);
    vreal sum = {0}, lost = {0};
    for (ptrdiff_t j = 0; j < cols; j += SUM_BLOCK) {
        ptrdiff_t left = fnn_min(SUM_BLOCK, cols - j);
        block_add(&sum, &lost, row_exp_block(x + j, e == NULL ? NULL : e + j, left, sign, max, range));
    }
    return sum;
}

FNN_INLINE void group_ranges(const real *x, int rows, ptrdiff_t cols, real sign, row_ranges *ranges) {
    row_partials max;
    rows_clear(&max, rows);
    for (int i = 0; i < rows; i++) row_range(x + i * cols, cols, sign, &max.lanes[i], &ranges->low.lanes[i]);
    ranges->max.all = vlanes(LANES_MAX, max.lanes);
}

/* Returns the sums of exp(sign x - max) of the rows, 0 in lanes without a row, and stores the exponentials in e unless
 * it is NULL. */
FNN_INLINE vreal group_exp(const real *x, real *e, int rows, ptrdiff_t cols, real sign, const row_ranges *ranges) {
    row_partials part;
    rows_clear(&part, rows);
    for (int i = 0; i < rows; i++) {
        const real *xi = x + i * cols;
        real *ei = e == NULL ? NULL : e + i * cols;
        vreal max = vset(ranges->max.row[i]);
        if (vless_bits(ranges->low.lanes[i] - max, vset(EXP_NORMAL)) != 0) {
            part.lanes[i] = row_exp(xi, ei, cols, sign, max, EXP_NONPOSITIVE);
        } else {
            part.lanes[i] = row_exp(xi, ei, cols, sign, max, EXP_NORMAL_TO_0);
        }
    }
    return vlanes(LANES_SUM, part.lanes);
}

FNN_INLINE void row_scale(real *x, ptrdiff_t cols, vreal factor) {
    for (ptrdiff_t j = 0; j < cols; j += VL) vstore_tail(x + j, vload_tail(x + j, cols - j) * factor, cols - j);
}

#endif
