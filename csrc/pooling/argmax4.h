/* The largest of four cells and its number. The first of equal cells wins, and the first NaN wins over everything. */
#ifndef FASTNN_POOLING_ARGMAX4_H
#define FASTNN_POOLING_ARGMAX4_H

#include "simd/simd.h"

static void first_nan_or_largest(const vreal cell[4], vreal *best, vint *argmax) {
    *best = cell[0];
    *argmax = (vint){0};
    for (int number = 1; number < 4; number++) {
        const vint wins = (~(cell[number] <= *best)) & (*best == *best);
        *best = vselect(wins, cell[number], *best);
        *argmax = (wins & ((vint){0} + number)) | (~wins & *argmax);
    }
}

FNN_INLINE vreal vargmax4(const vreal cell[4], vint *argmax) {
    vreal best;
    if (__builtin_expect(vunordered_bits(cell[0], cell[1]) | vunordered_bits(cell[2], cell[3]), 0)) {
        first_nan_or_largest(cell, &best, argmax);
        return best;
    }
    const vreal upper = vmax(cell[1], cell[0]),
                lower = vmax(cell[3], cell[2]); /* vmax takes the second operand if both are equal */
    *argmax = (vint)vselect((vint)(lower > upper), (vreal)(2 - (vint)(cell[3] > cell[2])),
                            (vreal)(0 - (vint)(cell[1] > cell[0])));
    return vmax(lower, upper);
}

#endif
