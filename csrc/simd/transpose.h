/* VL vectors of VL elements turned over in registers. */
#ifndef FASTNN_SIMD_TRANSPOSE_H
#define FASTNN_SIMD_TRANSPOSE_H

#include "simd/simd_shuffle.h"

/* a0 b0 a1 b1 … from the lower and from the upper halves */
FNN_INLINE void zip(vreal a, vreal b, vreal *lower, vreal *upper) {
    *lower = VSHUFFLE(a, b, INTERLEAVE_LOW);
    *upper = VSHUFFLE(a, b, INTERLEAVE_HIGH);
}

/* Transpose of VL vectors by log2(VL) rounds of zipping vector i with vector i + VL/2. */
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
