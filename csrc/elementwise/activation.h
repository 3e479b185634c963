/* The elementwise activations, on vectors and on blocks. The kernels and all epilogues share these formulas.
 *
 * `kind` is a constant wherever a vector function is called: activation.c has a loop for each. An element's bits do not
 * depend on its position in a block.
 */
#ifndef FASTNN_ELEMENTWISE_ACTIVATION_H
#define FASTNN_ELEMENTWISE_ACTIVATION_H

#include "simd/simd_math.h"

/* GELU is x sigmoid(z) with z = 2 √(2/π) (x + 0.044715 x³), because (1 + tanh(y)) / 2 = sigmoid(2 y). */
FNN_INLINE vreal vgelu_argument(vreal x) {
    return x * vfma(vset((real)FNN_GELU_CUBIC), x * x, vset((real)FNN_GELU_LINEAR));
}
FNN_INLINE vreal vgelu_argument_slope(vreal x) {
    return vfma(vset(3 * (real)FNN_GELU_CUBIC), x * x, vset((real)FNN_GELU_LINEAR));
}

/* The gates of GELU, SiLU and Mish are 0 at EXP_LOW and 1 at -EXP_LOW. An x clamped to that range is finite and makes
 * no NaN. */
FNN_INLINE vreal vgate_low(vreal x) { return vmax(vset(EXP_LOW), x); }
FNN_INLINE vreal vgate_both(vreal x) { return vmin(vset(-EXP_LOW), vgate_low(x)); }

/* The derivative of x sigmoid(z) with x dz/dx = g: s (1 + g (1 - s)), where 1 - s keeps the digits that a
 * subtraction would lose. */
FNN_INLINE vreal vgate_slope(vreal z, vreal g) {
    const vreal e = vexp_nonpositive(-vabs(z)), total = vset(1) + e, less = e / total, more = vset(1) / total;
    const vint low = z < vset(0);
    return vselect(low, less, more) * vfma(g, vselect(low, more, less), vset(1));
}

/* tanh(log(1 + e^x)) = over / under, polynomials of q = e^-|x| without a difference in them. */
typedef struct {
    vreal q, over, under;
} vmish_parts;

FNN_INLINE vmish_parts vmish(vreal x) {
    const vreal q = vexp_nonpositive(-vabs(x)), one = vset(1), two = vset(2),
                product = vfma(q, q, q + q); /* q (q + 2) */
    const vint low = x < vset(0);
    return (vmish_parts){q, vselect(low, product, one + two * q),
                         vselect(low, product + two, one + two * q * (one + q))};
}

/* t + x (1 - t²) / (1 + e^-x) with t = over / under; (1 - t²) / (1 + e^-x) is 4 q (1 + q) / under², times q above 0. */
FNN_INLINE vreal vmish_slope(vreal x) {
    const vmish_parts p = vmish(x);
    const vreal rest = vset(4) * p.q * (vset(1) + p.q) / (p.under * p.under);
    return p.over / p.under + x * vselect(x < vset(0), rest, p.q * rest);
}

FNN_INLINE vreal vhard_sigmoid(vreal x) { return vmin(vset(6), vmax(vset(0), x + vset(3))) * vset((real)(1.0 / 6)); }

FNN_INLINE vreal vactivate(int kind, vreal x, vreal alpha) {
    switch (kind) {
        case RELU: return vmax(vset(0), x);
        case LEAKY_RELU: return vselect(x > vset(0), x, alpha * x);
        case ELU: return vselect(x > vset(0), x, alpha * vexpm1_nonpositive(vmin(vset(0), x)));
        case SIGMOID: return vsigmoid(x);
        case TANH: return vtanh(x);
        case TANHSHRINK: return vtanhshrink(x);
        case SOFTSHRINK: return x - vmin(alpha, vmax(-alpha, x));
        case GELU: x = vgate_low(x); return x * vsigmoid(vgelu_argument(x));
        case SILU: x = vgate_low(x); return x * vsigmoid(x);
        case SOFTPLUS: return vmax(vset(0), x) + vlog1p_unit(vexp_nonpositive(-vabs(x)));
        case MISH: {
            x = vgate_low(x);
            const vmish_parts p = vmish(x);
            return x * (p.over / p.under);
        }
        case HARD_SIGMOID: return vhard_sigmoid(x);
        case HARD_SWISH: x = vmax(vset(-3), x); return x * vhard_sigmoid(x);
        case SELU:
            return vselect(x > vset(0), vset((real)FNN_SELU_SCALE) * x,
                           vset((real)FNN_SELU_LIMIT) * vexpm1_nonpositive(vmin(vset(0), x)));
        default: return x;
    }
}

/* dout times the derivative. `saved` is the activation's output, or its input where backward_needs_input says so in
 * fastnn/kernels/activations.py. */
FNN_INLINE vreal vactivate_grad(int kind, vreal dout, vreal saved, vreal alpha) {
    switch (kind) {
        case RELU: return vselect(saved <= vset(0), vset(0), dout);
        case LEAKY_RELU: return vselect(saved <= vset(0), alpha * dout, dout);
        case ELU: return vselect(saved > vset(0), dout, dout * (saved + alpha));
        case SIGMOID: return dout * (saved * (vset(1) - saved));
        case TANH: return dout * ((vset(1) - saved) * (vset(1) + saved));
        case TANHSHRINK: saved = vtanh(saved); return dout * (saved * saved);
        case SOFTSHRINK: return vselect(saved == vset(0), vset(0), dout);
        case GELU:
            saved = vgate_both(saved);
            return dout * vgate_slope(vgelu_argument(saved), saved * vgelu_argument_slope(saved));
        case SILU: saved = vgate_both(saved); return dout * vgate_slope(saved, saved);
        case SOFTPLUS: return dout * -vexpm1_nonpositive(-saved);
        case MISH: return dout * vmish_slope(vgate_both(saved));
        case HARD_SIGMOID: /* 0 saved lets a NaN through */
            return vselect((saved <= vset(0)) | (saved >= vset(1)), vset(0),
                           dout * (vset((real)(1.0 / 6)) + vset(0) * saved));
        case HARD_SWISH: {
            const vreal slope = saved * vset((real)(1.0 / 3)) + vset((real)0.5);
            return vselect(saved <= vset(-3), vset(0), vselect(saved >= vset(3), dout, dout * slope));
        }
        case SELU:
            return vselect(saved > vset(0), vset((real)FNN_SELU_SCALE) * dout,
                           dout * (saved + vset((real)FNN_SELU_LIMIT)));
        default: return dout;
    }
}

/* --- runs of elements; the results may overwrite any of the inputs (elementwise/activation.c) --- */

void FN(activate_run)(int kind, real alpha, const real *x, real *out, ptrdiff_t count);

/* --- blocks, in place; rows are `ld` elements apart. They are computed with subnormal numbers, whatever the kernel
 * does whose results they are, so that a kernel with an activation gives the bits of the two by themselves. --- */

void FN(activate_block)(int kind, real alpha, real *p, ptrdiff_t ld, ptrdiff_t rows, ptrdiff_t cols);

/* Multiplies dx by the derivative, which follows from `saved` (with rows ld_saved elements apart) as in
 * vactivate_grad. */
void FN(activate_grad_block)(int kind, real alpha, real *dx, ptrdiff_t ld, const real *saved, ptrdiff_t ld_saved,
                             ptrdiff_t rows, ptrdiff_t cols);

#endif
