/* Floats as sums of bf16 numbers, their parts, in pairs as matrix instructions take them. A pair fills the place of one
 * float, the first number in its lower half. */
#ifndef FASTNN_SIMD_SIMD_BF16_PARTS_H
#define FASTNN_SIMD_SIMD_BF16_PARTS_H

#include "simd/simd.h"

#if !REAL_IS_DOUBLE
#define FNN_WITH_BF16_PARTS 1

typedef uint32_t vwords __attribute__((vector_size(VBYTES)));

/* The nearest bf16 number, ties to even; the largest one where that would be infinite, and 0 for what is below the
 * smallest normal number. Infinity and NaN stay what they are. */
FNN_INLINE vwords vnearest_bf16(vreal x) {
    const vwords bits = (vwords)x, magnitude = bits & 0x7fffffff;
    const vwords large = (vwords)(magnitude >= 0x7f7f8000), nan = (vwords)(magnitude > 0x7f800000);
    const vwords small = (vwords)(magnitude < 0x00800000);
    const vwords found = bits + (~large & (0x7fff + (bits >> 16 & 1)));
    return (found | (nan & 0x00400000)) & (0x80000000 | (~small & 0xffff0000)); /* NaN whatever lower bits said so */
}

/* words[s] = pairs of part s of `first` and of `second`. A part is the bf16 number nearest to what the parts before it
 * leave of the float, which is exact: three parts are the float itself, if none is below the smallest normal number. */
FNN_INLINE void vpairs_of_parts(vreal first, vreal second, int parts, vreal words[]) {
#pragma GCC unroll 4
    for (int s = 0; s < parts; s++) {
        const vwords a = vnearest_bf16(first), b = vnearest_bf16(second);
        words[s] = (vreal)(a >> 16 | b);
        first -= (vreal)a;
        second -= (vreal)b;
    }
}
#endif

#endif
