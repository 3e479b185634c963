/* The formulas of losses on vectors whose lanes are samples: outputs are one vector each, one after the other. */
#ifndef FASTNN_LOSS_LANES_H
#define FASTNN_LOSS_LANES_H

#include "simd/simd_math.h"

/* For each lane: the largest output, its first place, the output of the label (NaN if the label is no class), and the
 * sum of exp(x - max). */
typedef struct {
    vreal max, first, at_label, total;
} lanes_softmax;

/* Replaces the outputs x by exp(x - max). */
FNN_INLINE lanes_softmax lanes_exp(real *x, ptrdiff_t cols, vreal label) {
    lanes_softmax s = {vload(x), vset(-2), vset((real)NAN), vset(0)};
    for (ptrdiff_t j = 1; j < cols; j++) s.max = vmax(s.max, vload(x + j * VL));
    for (ptrdiff_t j = cols - 1; j >= 0; j--) {
        const vreal output = vload(x + j * VL), e = vexp_in(output - s.max, EXP_NONPOSITIVE);
        s.first = vselect(output == s.max, vset((real)j), s.first);
        s.at_label = vselect(label == vset((real)j), output, s.at_label);
        vstore(x + j * VL, e);
        s.total += e;
    }
    return s;
}

/* Replaces exp(x - max) by the gradient: scale times the softmax, which is factor times it, less 1 for the label. */
FNN_INLINE void lanes_cross_entropy_grad(real *x, ptrdiff_t cols, vreal label, vreal inverse, vreal factor,
                                         vreal scale) {
    for (ptrdiff_t j = 0; j < cols; j++) {
        const vreal e = vload(x + j * VL), wanted = (e * inverse - vset(1)) * scale;
        vstore(x + j * VL, vselect(label == vset((real)j), wanted, e * factor));
    }
}

/* The loss max(x, 0) - x t + log(1 + exp(-|x|)) of a score, and its slope sigmoid(x) - t. */
FNN_INLINE vreal binary_loss(vreal x, vreal t, vreal *slope) {
    const vreal zero = vset(0), one = vset(1), e = vexp_nonpositive(-vabs(x)), inverse = one / (one + e);
    *slope = vselect(x < zero, e * inverse, inverse) - t;
    /* no difference of max(x, 0) and x t, so that an infinite score on the right side has no loss */
    const vreal linear = vselect(x > zero, x * (one - t), vselect(t == zero, zero, -(x * t)));
    return vselect((t == one) & (x > zero), zero, linear) + vlog(one + e);
}

#endif
