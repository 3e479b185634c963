/* Transposes VL vectors of VL elements in registers. */
#ifndef FASTNN_SIMD_TRANSPOSE_H
#define FASTNN_SIMD_TRANSPOSE_H

#include "simd/simd_shuffle.h"

/* Interleaves the lower and the upper halves: a0 b0 a1 b1 … */
FNN_INLINE void zip(vreal a, vreal b, vreal *lower, vreal *upper) {
    *lower = VSHUFFLE(a, b, INTERLEAVE_LOW);
    *upper = VSHUFFLE(a, b, INTERLEAVE_HIGH);
}

/* Takes log2(VL) rounds, each of which zips vector i with vector i + VL/2. */
FNN_INLINE void transpose(vreal v[]) {
    vreal t[VBYTES / sizeof(real)];
#pragma GCC unroll 8
    for (ptrdiff_t round = 1; round < VL; round *= 2) {
#pragma GCC unroll 16
        for (ptrdiff_t i = 0; i < VL / 2; i++) zip(v[i], v[i + VL / 2], &t[2 * i], &t[2 * i + 1]);
#pragma GCC unroll 16
        for (ptrdiff_t i = 0; i < VL; i++) v[i] = t[i];
    }
}

#endif
