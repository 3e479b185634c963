/* The elementwise activations, on vectors and on blocks: one formula for the kernels and for every epilogue.
 *
 * `kind` is a constant wherever a vector function is called: ACTIVATION_SWITCH makes it one, outside the
 * loops. An element's bits do not depend on where in a block it stands.
 */
#ifndef FASTNN_ELEMENTWISE_ACTIVATION_H
#define FASTNN_ELEMENTWISE_ACTIVATION_H

#include "simd/simd_math.h"

/* as in fastnn/kernels/activations.py */
enum activation { IDENTITY, RELU, LEAKY_RELU, ELU, SIGMOID, TANH, TANHSHRINK, SOFTSHRINK };

#define ACTIVATION_SWITCH(kind, call)             \
    switch (kind) {                               \
        case IDENTITY: call(IDENTITY); break;     \
        case RELU: call(RELU); break;             \
        case LEAKY_RELU: call(LEAKY_RELU); break; \
        case ELU: call(ELU); break;               \
        case SIGMOID: call(SIGMOID); break;       \
        case TANH: call(TANH); break;             \
        case TANHSHRINK: call(TANHSHRINK); break; \
        case SOFTSHRINK: call(SOFTSHRINK); break; \
    }

FNN_INLINE vreal vactivate(int kind, vreal x, vreal alpha) {
    switch (kind) {
        case RELU: return vmax(vset(0), x);
        case LEAKY_RELU: return vselect(x > vset(0), x, alpha * x);
        case ELU: return vselect(x > vset(0), x, alpha * vexpm1_nonpositive(vmin(vset(0), x)));
        case SIGMOID: return vsigmoid(x);
        case TANH: return vtanh(x);
        case TANHSHRINK: return vtanhshrink(x);
        case SOFTSHRINK: return x - vmin(alpha, vmax(-alpha, x));
        default: return x;
    }
}

/* dout times the derivative, from the output; `x` is read for tanhshrink only. */
FNN_INLINE vreal vactivate_grad(int kind, vreal dout, vreal x, vreal out, vreal alpha) {
    switch (kind) {
        case RELU: return vselect(out <= vset(0), vset(0), dout);
        case LEAKY_RELU: return vselect(out <= vset(0), alpha * dout, dout);
        case ELU: return vselect(out > vset(0), dout, dout * (out + alpha));
        case SIGMOID: return dout * (out * (vset(1) - out));
        case TANH: return dout * ((vset(1) - out) * (vset(1) + out));
        case TANHSHRINK: x = vtanh(x); return dout * (x * x);
        case SOFTSHRINK: return vselect(out == vset(0), vset(0), dout);
        default: return dout;
    }
}

/* --- runs of elements; results may overwrite any of their inputs --- */

FNN_INLINE void activate_run(int kind, real alpha, const real *x, real *out, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL) vstore(out + i, vactivate(kind, vload(x + i), vset(alpha)));
    if (i < count) vstore_part(out + i, vactivate(kind, vload_part(x + i, count - i), vset(alpha)), count - i);
}

/* x may be NULL but for tanhshrink */
FNN_INLINE void activate_grad_run(int kind, real alpha, const real *dout, const real *x, const real *out, real *dx,
                                  ptrdiff_t count) {
    if (kind != TANHSHRINK) x = out;
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL)
        vstore(dx + i, vactivate_grad(kind, vload(dout + i), vload(x + i), vload(out + i), vset(alpha)));
    if (i == count) return;
    vreal tail_x = vload_part(x + i, count - i), tail_out = vload_part(out + i, count - i);
    vstore_part(dx + i, vactivate_grad(kind, vload_part(dout + i, count - i), tail_x, tail_out, vset(alpha)),
                count - i);
}

/* --- blocks, in place: `ld` elements from row to row --- */

static inline void activate_block(int kind, real alpha, real *p, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols) {
    if (kind == IDENTITY) return;
#define ACTIVATE(kind) \
    for (ptrdiff_t i = 0; i < rows; i++) activate_run(kind, alpha, p + i * ld, p + i * ld, cols)
    ACTIVATION_SWITCH(kind, ACTIVATE)
#undef ACTIVATE
}

/* dx times the derivative at the outputs; not for tanhshrink, whose derivative needs the input */
static inline void activate_grad_block(int kind, real alpha, real *dx, ptrdiff_t ld, const real *out, ptrdiff_t ld_out,
                                       ptrdiff_t rows, ptrdiff_t cols) {
    if (kind == IDENTITY) return;
#define ACTIVATE(kind)                   \
    for (ptrdiff_t i = 0; i < rows; i++) \
    activate_grad_run(kind, alpha, dx + i * ld, out + i * ld_out, out + i * ld_out, dx + i * ld, cols)
    ACTIVATION_SWITCH(kind, ACTIVATE)
#undef ACTIVATE
}

#endif
