/* Vectors of pairs of bf16 numbers, and their dot product, where the processor has it. A pair fills the place of one
 * float. Written as the instructions themselves, because the set that is compiled does not include them. */
#ifndef FASTNN_SIMD_SIMD_BF16_H
#define FASTNN_SIMD_SIMD_BF16_H

#include "simd/simd_shuffle.h"

#if defined(__AVX512F__) && !REAL_IS_DOUBLE
#define FNN_WITH_BF16 1

typedef int16_t vbf16 __attribute__((vector_size(64), may_alias));
typedef int16_t vbf16_u __attribute__((vector_size(64), may_alias, aligned(4)));

/* (a[i], b[i]) in place i, rounded to the nearest bf16 number, ties to even; what is below the smallest normal number
 * becomes 0. */
FNN_INLINE vbf16 vpairs(vreal a, vreal b) {
    vbf16 both;
    __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(a), "v"(b)); /* a in the lower half */
    return SHUFFLE(vbf16, both, both, INTERLEAVE_LOW, INTERLEAVE_HIGH);
}

/* sum + the product of the second numbers of the pairs, then + that of the first; each with one rounding */
FNN_INLINE vreal vdot_pairs(vbf16 a, vbf16 b, vreal sum) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

/* the pair at p in every place */
FNN_INLINE vbf16 vpair_everywhere(const int32_t *p) {
    typedef int32_t words __attribute__((vector_size(64)));
    return (vbf16)(*p - (words){0});
}
#endif

#endif
