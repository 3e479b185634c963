/* Loads a vector from scattered addresses. */
#ifndef FASTNN_SIMD_SIMD_GATHER_H
#define FASTNN_SIMD_SIMD_GATHER_H

#include "simd/simd.h"

/* Lane i is p[index[i]]. */
FNN_INLINE vreal vgather(const real *p, vint index) {
#if defined(__AVX512F__) && REAL_IS_DOUBLE
    return (vreal)_mm512_i64gather_pd((__m512i)index, p, 8);
#elif defined(__AVX512F__)
    return (vreal)_mm512_i32gather_ps((__m512i)index, p, 4);
#elif defined(__AVX2__) && REAL_IS_DOUBLE
    return (vreal)_mm256_i64gather_pd(p, (__m256i)index, 8);
#elif defined(__AVX2__)
    return (vreal)_mm256_i32gather_ps(p, (__m256i)index, 4);
#else
    vreal v;
    for (ptrdiff_t i = 0; i < VL; i++) v[i] = p[index[i]];
    return v;
#endif
}

#endif
