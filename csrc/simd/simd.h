/* The vector type of one instruction set and type, which the build chooses by two macros:
 *   FNN_ISA   baseline | avx2 | avx512 | neon | plain     (a suffix of names)
 *   REAL_IS_DOUBLE   0 | 1
 * Arithmetic is written with the compiler's vector operators. Intrinsics are only for what these cannot express: fused
 * multiply-add, square root, maximum, masked tails. Contraction is off: a fused operation is written as vfma.
 */
#ifndef FASTNN_SIMD_SIMD_H
#define FASTNN_SIMD_SIMD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include "simd/x86_intrinsics.h"
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define FNN_JOIN3_(a, b, c) a##_##b##_##c
#define FNN_JOIN3(a, b, c) FNN_JOIN3_(a, b, c)

#if REAL_IS_DOUBLE
typedef double real;
typedef int64_t rint_t; /* as wide as real */
#define FN(name) FNN_JOIN3(name, f64, FNN_ISA)
#else
typedef float real;
typedef int32_t rint_t;
#define FN(name) FNN_JOIN3(name, f32, FNN_ISA)
#endif

#if defined(__AVX512F__)
#define VBYTES 64
#define FNN_VECTOR_REGISTERS 32
#elif defined(__AVX2__)
#define VBYTES 32
#define FNN_VECTOR_REGISTERS 16
#elif defined(__aarch64__)
#define VBYTES 16
#define FNN_VECTOR_REGISTERS 32
#else
#define VBYTES 16
#define FNN_VECTOR_REGISTERS 16
#endif

#define VL ((ptrdiff_t)(VBYTES / sizeof(real))) /* lanes */

typedef real vreal __attribute__((vector_size(VBYTES)));
typedef rint_t vint __attribute__((vector_size(VBYTES)));
typedef real vreal_u __attribute__((vector_size(VBYTES), aligned(sizeof(real)), may_alias));

#define FNN_INLINE static inline __attribute__((always_inline))

/* For arrays that vectors are stored to: a store across two cache lines takes twice as long. */
#define FNN_ALIGNED _Alignas(VBYTES)

FNN_INLINE vreal vset(real x) { return x - (vreal){0}; }
FNN_INLINE vreal vload(const real *p) { return *(const vreal_u *)p; }
FNN_INLINE void vstore(real *p, vreal v) { *(vreal_u *)p = v; }

/* Keeps v in a register. (GCC 12 may otherwise load an operand of several shuffles again for each.) */
FNN_INLINE vreal vopaque(vreal v) {
#if defined(__x86_64__)
    __asm__("" : "+v"(v));
#endif
    return v;
}

/* a where the mask is all ones, b where it is zero. */
FNN_INLINE vreal vselect(vint mask, vreal a, vreal b) { return (vreal)((mask & (vint)a) | (~mask & (vint)b)); }

/* On x86-64, X86(max) is _mm512_max_ps, _mm256_max_pd, …, whichever this instruction set and type have. */
#if defined(__AVX512F__) && REAL_IS_DOUBLE
#define X86(operation) _mm512_##operation##_pd
typedef __m512d x86_vector;
#elif defined(__AVX512F__)
#define X86(operation) _mm512_##operation##_ps
typedef __m512 x86_vector;
#elif defined(__AVX2__) && REAL_IS_DOUBLE
#define X86(operation) _mm256_##operation##_pd
typedef __m256d x86_vector;
#elif defined(__AVX2__)
#define X86(operation) _mm256_##operation##_ps
typedef __m256 x86_vector;
#elif defined(__x86_64__) && REAL_IS_DOUBLE
#define X86(operation) _mm_##operation##_pd
typedef __m128d x86_vector;
#elif defined(__x86_64__)
#define X86(operation) _mm_##operation##_ps
typedef __m128 x86_vector;
#endif

/* a * b + c, rounded once if the instruction set can do that, and twice on x86-64 baseline. */
FNN_INLINE vreal vfma(vreal a, vreal b, vreal c) {
#if defined(__AVX512F__) || defined(__AVX2__)
    return (vreal)X86(fmadd)((x86_vector)a, (x86_vector)b, (x86_vector)c);
#elif defined(__aarch64__) && REAL_IS_DOUBLE
    return (vreal)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#elif defined(__aarch64__)
    return (vreal)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

FNN_INLINE vreal vsqrt(vreal a) {
#if defined(__x86_64__)
    return (vreal)X86(sqrt)((x86_vector)a);
#elif defined(__aarch64__) && REAL_IS_DOUBLE
    return (vreal)vsqrtq_f64((float64x2_t)a);
#elif defined(__aarch64__)
    return (vreal)vsqrtq_f32((float32x4_t)a);
#else
    for (ptrdiff_t i = 0; i < VL; i++) a[i] = sizeof(real) == 8 ? (real)sqrt((double)a[i]) : (real)sqrtf((float)a[i]);
    return a;
#endif
}

/* vmax and vmin return b if either is NaN, so that a constant a lets the NaNs of b through. */
FNN_INLINE vreal vmax(vreal a, vreal b) {
#if defined(__x86_64__)
    return (vreal)X86(max)((x86_vector)a, (x86_vector)b);
#else
    return vselect(a > b, a, b);
#endif
}

FNN_INLINE vreal vmin(vreal a, vreal b) {
#if defined(__x86_64__)
    return (vreal)X86(min)((x86_vector)a, (x86_vector)b);
#else
    return vselect(a < b, a, b);
#endif
}

/* Bit i is set where the comparison holds for a[i] and b[i]. */
#if defined(__AVX512F__) && REAL_IS_DOUBLE
#define FNN_COMPARE_BITS(x86_name, operator) return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, x86_name)
#elif defined(__AVX512F__)
#define FNN_COMPARE_BITS(x86_name, operator) return _mm512_cmp_ps_mask((__m512)a, (__m512)b, x86_name)
#elif defined(__x86_64__)
#define FNN_COMPARE_BITS(x86_name, operator) return (unsigned)X86(movemask)((x86_vector)(a operator b))
#else
#define FNN_COMPARE_BITS(x86_name, operator)                                        \
    unsigned bits = 0;                                                              \
    for (ptrdiff_t i = 0; i < VL; i++) bits |= (unsigned)(a[i] operator b[i]) << i; \
    return bits
#endif
FNN_INLINE unsigned vequal_bits(vreal a, vreal b) { FNN_COMPARE_BITS(_CMP_EQ_OQ, ==); }
FNN_INLINE unsigned vless_bits(vreal a, vreal b) { FNN_COMPARE_BITS(_CMP_LT_OQ, <); }
/* Bit i is set where a[i] or b[i] is NaN. */
FNN_INLINE unsigned vunordered_bits(vreal a, vreal b) {
#if defined(__AVX512F__)
    FNN_COMPARE_BITS(_CMP_UNORD_Q, !=);
#else
    return ~(vequal_bits(a, a) & vequal_bits(b, b)) & ((1u << VL) - 1);
#endif
}
#undef FNN_COMPARE_BITS

#if defined(__AVX2__) && !defined(__AVX512F__)
/* A mask that is all ones in the first `count` lanes. */
FNN_INLINE __m256i fnn_lane_mask(ptrdiff_t count) {
    static const rint_t ones[2 * VBYTES / sizeof(rint_t)] = {
#if !REAL_IS_DOUBLE
        -1, -1, -1, -1,
#endif
        -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones + VL - count));
}
#endif

/* Loads the first `count` lanes (0 <= count <= VL) and takes the others from `rest`; their memory is not read. */
FNN_INLINE vreal vload_part_or(const real *p, ptrdiff_t count, vreal rest) {
#if defined(__AVX512F__)
    return (vreal)X86(mask_loadu)((x86_vector)rest, (1u << count) - 1, p);
#elif defined(__AVX2__)
    __m256i mask = fnn_lane_mask(count);
    return vselect((vint)mask, (vreal)X86(maskload)(p, mask), rest);
#else
    for (ptrdiff_t i = 0; i < VL; i++)
        if (i < count) rest[i] = p[i];
    return rest;
#endif
}

FNN_INLINE vreal vload_part(const real *p, ptrdiff_t count) { return vload_part_or(p, count, (vreal){0}); }

FNN_INLINE void vstore_part(real *p, vreal v, ptrdiff_t count) {
#if defined(__AVX512F__)
    X86(mask_storeu)(p, (1u << count) - 1, (x86_vector)v);
#elif defined(__AVX2__)
    X86(maskstore)(p, fnn_lane_mask(count), (x86_vector)v);
#else
    for (ptrdiff_t i = 0; i < VL; i++)
        if (i < count) p[i] = v[i];
#endif
}

/* The same if `left` elements of an array remain: a whole vector where these are VL or more. */
FNN_INLINE vreal vload_tail(const real *p, ptrdiff_t left) { return left >= VL ? vload(p) : vload_part(p, left); }
FNN_INLINE void vstore_tail(real *p, vreal v, ptrdiff_t left) {
    if (left >= VL) {
        vstore(p, v);
    } else {
        vstore_part(p, v, left);
    }
}

/* Keeps the first `count` lanes and sets the rest to zero. */
FNN_INLINE vreal vfirst(vreal v, ptrdiff_t count) {
#if defined(__AVX512F__)
    return (vreal)X86(maskz_mov)((1u << count) - 1, (x86_vector)v);
#elif defined(__AVX2__)
    return vselect((vint)fnn_lane_mask(count), v, (vreal){0});
#else
    for (ptrdiff_t i = 0; i < VL; i++)
        if (i >= count) v[i] = 0;
    return v;
#endif
}

FNN_INLINE ptrdiff_t fnn_min(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
FNN_INLINE ptrdiff_t fnn_max(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

#endif
