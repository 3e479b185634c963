/* The user's activations, on runs and on blocks. */
#ifndef FASTNN_ELEMENTWISE_CUSTOM_ACTIVATION_H
#define FASTNN_ELEMENTWISE_CUSTOM_ACTIVATION_H

#include <string.h>

#include "runtime/custom.h"
#include "simd/simd.h"

/* Elements of a call whose outputs are copied, so that they lie apart from the inputs and short rows make one call. */
enum { CUSTOM_RUN = 512 };

static inline void custom_forward(int kind, const real *x, real *out, ptrdiff_t count) {
    ((fnn_custom_forward)fnn_get_custom(kind, REAL_IS_DOUBLE, FNN_CUSTOM_FORWARD))(x, out, count);
}

static inline void custom_backward(int kind, const real *dout, const real *saved, real *dx, ptrdiff_t count) {
    ((fnn_custom_backward)fnn_get_custom(kind, REAL_IS_DOUBLE, FNN_CUSTOM_BACKWARD))(dout, saved, dx, count);
}

/* The results may overwrite any of the inputs. */
static inline void custom_activate_run(int kind, const real *x, real *out, ptrdiff_t count) {
    FNN_ALIGNED real results[CUSTOM_RUN];
    if (x != out) {
        custom_forward(kind, x, out, count);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i += CUSTOM_RUN) {
        const ptrdiff_t n = fnn_min(CUSTOM_RUN, count - i);
        custom_forward(kind, x + i, results, n);
        memcpy(out + i, results, (size_t)n * sizeof(real));
    }
}

static inline void custom_activate_grad_run(int kind, const real *dout, const real *saved, real *dx, ptrdiff_t count) {
    FNN_ALIGNED real results[CUSTOM_RUN];
    if (dx != dout && dx != saved) {
        custom_backward(kind, dout, saved, dx, count);
        return;
    }
    for (ptrdiff_t i = 0; i < count; i += CUSTOM_RUN) {
        const ptrdiff_t n = fnn_min(CUSTOM_RUN, count - i);
        custom_backward(kind, dout + i, saved + i, results, n);
        memcpy(dx + i, results, (size_t)n * sizeof(real));
    }
}

/* Copies `rows` rows of `cols` elements between memory with rows `from_ld` and `to_ld` apart. */
FNN_INLINE void custom_copy(real *to, ptrdiff_t to_ld, const real *from, ptrdiff_t from_ld, ptrdiff_t rows,
                            ptrdiff_t cols) {
    for (ptrdiff_t i = 0; i < rows; i++) memcpy(to + i * to_ld, from + i * from_ld, (size_t)cols * sizeof(real));
}

/* Rows and columns of the pieces in which a block is copied. */
FNN_INLINE void custom_piece(ptrdiff_t cols, ptrdiff_t *rows_each, ptrdiff_t *cols_each) {
    *cols_each = fnn_min(cols, CUSTOM_RUN);
    *rows_each = CUSTOM_RUN / fnn_max(1, *cols_each);
}

/* In place; rows are `ld` elements apart. */
static inline void custom_activate_block(int kind, real *p, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols) {
    FNN_ALIGNED real x[CUSTOM_RUN], out[CUSTOM_RUN];
    ptrdiff_t rows_each, cols_each;
    custom_piece(cols, &rows_each, &cols_each);
    for (ptrdiff_t i = 0; i < rows; i += rows_each)
        for (ptrdiff_t j = 0; j < cols; j += cols_each) {
            const ptrdiff_t r = fnn_min(rows_each, rows - i), c = fnn_min(cols_each, cols - j);
            custom_copy(x, c, p + i * ld + j, ld, r, c);
            custom_forward(kind, x, out, r * c);
            custom_copy(p + i * ld + j, ld, out, c, r, c);
        }
}

/* Multiplies dx by the derivative. */
static inline void custom_activate_grad_block(int kind, real *dx, ptrdiff_t ld, const real *saved, ptrdiff_t ld_saved,
                                              ptrdiff_t rows, ptrdiff_t cols) {
    FNN_ALIGNED real dout[CUSTOM_RUN], from[CUSTOM_RUN], out[CUSTOM_RUN];
    ptrdiff_t rows_each, cols_each;
    custom_piece(cols, &rows_each, &cols_each);
    for (ptrdiff_t i = 0; i < rows; i += rows_each)
        for (ptrdiff_t j = 0; j < cols; j += cols_each) {
            const ptrdiff_t r = fnn_min(rows_each, rows - i), c = fnn_min(cols_each, cols - j);
            custom_copy(dout, c, dx + i * ld + j, ld, r, c);
            custom_copy(from, c, saved + i * ld_saved + j, ld_saved, r, c);
            custom_backward(kind, dout, from, out, r * c);
            custom_copy(dx + i * ld + j, ld, out, c, r, c);
        }
}

#endif
