/* Rows of a softmax: what its kernels and its losses share.
 *
 * Rows are taken in groups of up to VL that stay in the first-level cache. A pass over a row keeps one vector of
 * partial results; when the whole group has been passed, vlanes turns the VL partial vectors into one vector with
 * a lane a row, where the logarithms and divisions of all its rows are then done at once. A row's bits depend on
 * that row alone.
 */
#ifndef FASTNN_ROWS_H
#define FASTNN_ROWS_H

#include "kernel.h"
#include "vmath.h"

enum {
    MAX_ROWS = VBYTES / sizeof(real),
    GROUP_BYTES = 16384,  /* of one array of a group */
    TASK_ELEMENTS = 2048, /* at least, for a thread to be worth waking */
    SUM_BLOCK = 64 * VBYTES / sizeof(real),
};

typedef struct {
    vreal lanes[MAX_ROWS];
} row_partials;

/* One value a row, as a vector or one by one. */
typedef union {
    vreal all;
    real row[MAX_ROWS];
} row_values;

FNN_INLINE int rows_in_group(ptrdiff_t cols) {
    return (int)fnn_max(1, fnn_min(VL, GROUP_BYTES / (ptrdiff_t)sizeof(real) / fnn_max(1, cols)));
}

FNN_INLINE fnn_cut rows_cut(ptrdiff_t rows, ptrdiff_t cols) {
    return fnn_cut_work(rows, rows_in_group(cols), fnn_max(1, TASK_ELEMENTS / fnn_max(1, cols)));
}

/* A whole vector, or what is left of the row. */
FNN_INLINE vreal row_load(const real *p, ptrdiff_t left) { return left >= VL ? vload(p) : vload_part(p, left); }
FNN_INLINE void row_store(real *p, vreal v, ptrdiff_t left) {
    if (left >= VL) {
        vstore(p, v);
    } else {
        vstore_part(p, v, left);
    }
}

/* NaN may or may not come through: whoever subtracts the maximum meets it again. */
FNN_INLINE vreal row_max(const real *x, ptrdiff_t cols, real sign) {
    const vreal lowest = vset(-(real)INFINITY);
    vreal a = lowest;
    ptrdiff_t j = 0;
    if (cols >= 4 * VL) {
        vreal b = lowest, c = lowest, d = lowest;
        for (; j + 4 * VL <= cols; j += 4 * VL) {
            a = vmax(a, vload(x + j) * vset(sign));
            b = vmax(b, vload(x + j + VL) * vset(sign));
            c = vmax(c, vload(x + j + 2 * VL) * vset(sign));
            d = vmax(d, vload(x + j + 3 * VL) * vset(sign));
        }
        a = vmax(vmax(a, b), vmax(c, d));
    }
    for (; j + VL <= cols; j += VL) a = vmax(a, vload(x + j) * vset(sign));
    if (j < cols) a = vmax(a, vload_part_or(x + j, cols - j, vset(-sign * (real)INFINITY)) * vset(sign));
    return a;
}

/* Stores exp(sign x - max) unless e is NULL, and adds it up; for cols <= SUM_BLOCK. */
FNN_INLINE vreal row_exp_block(const real *x, real *e, ptrdiff_t cols, real sign, vreal max) {
    vreal a = {0}, b = {0};
    ptrdiff_t j = 0;
    for (; j + 2 * VL <= cols; j += 2 * VL) {
        vreal p = vexp_nonpositive(vload(x + j) * vset(sign) - max);
        vreal q = vexp_nonpositive(vload(x + j + VL) * vset(sign) - max);
        if (e != NULL) {
            vstore(e + j, p);
            vstore(e + j + VL, q);
        }
        a += p;
        b += q;
    }
    for (; j < cols; j += VL) {
        ptrdiff_t count = fnn_min(VL, cols - j);
        vreal p = vload_part_or(x + j, count, vset(-sign * (real)INFINITY));
        p = vexp_nonpositive(p * vset(sign) - max);
        if (e != NULL) vstore_part(e + j, p, count);
        a += p;
    }
    return a + b;
}

/* Long rows: the sums of blocks are added with Kahan's compensation, so that the error does not grow. */
FNN_INLINE vreal row_exp(const real *x, real *e, ptrdiff_t cols, real sign, vreal max) {
    if (cols <= SUM_BLOCK) return row_exp_block(x, e, cols, sign, max);
    vreal sum = {0}, lost = {0};
    for (ptrdiff_t j = 0; j < cols; j += SUM_BLOCK) {
        vreal part = row_exp_block(x + j, e == NULL ? NULL : e + j, fnn_min(SUM_BLOCK, cols - j), sign, max) - lost;
        vreal next = sum + part;
        lost = (next - sum) - part;
        sum = next;
    }
    return sum;
}

FNN_INLINE void row_scale(real *x, ptrdiff_t cols, vreal factor) {
    ptrdiff_t j = 0;
    for (; j + VL <= cols; j += VL) vstore(x + j, vload(x + j) * factor);
    if (j < cols) vstore_part(x + j, vload_part(x + j, cols - j) * factor, cols - j);
}

/* The lanes that have no row are 0. */
FNN_INLINE void rows_clear(row_partials *part, int rows) {
    for (int i = rows; i < VL; i++) part->lanes[i] = vset(0);
}

FNN_INLINE vreal group_max(const real *x, int rows, ptrdiff_t cols, real sign) {
    row_partials part;
    rows_clear(&part, rows);
    for (int i = 0; i < rows; i++) part.lanes[i] = row_max(x + i * cols, cols, sign);
    return vlanes(LANES_MAX, part.lanes);
}

/* `max` is the group's; lanes without a row come out as 0. */
FNN_INLINE vreal group_exp(const real *x, real *e, int rows, ptrdiff_t cols, real sign, const row_values *max) {
    row_partials part;
    rows_clear(&part, rows);
    for (int i = 0; i < rows; i++)
        part.lanes[i] = row_exp(x + i * cols, e == NULL ? NULL : e + i * cols, cols, sign, vset(max->row[i]));
    return vlanes(LANES_SUM, part.lanes);
}

#endif
