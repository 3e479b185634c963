/* Integers in lanes that are bytes in memory. (For __builtin_convertvector between the two, GCC 12 makes code that goes
 * lane by lane.) */
#ifndef FASTNN_SIMD_SIMD_BYTES_H
#define FASTNN_SIMD_SIMD_BYTES_H

#include "simd/simd.h"

/* Loads VL bytes, one for each lane. */
FNN_INLINE vint vload_bytes(const uint8_t *p) {
#if defined(__AVX512F__) && REAL_IS_DOUBLE
    return (vint)_mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)p));
#elif defined(__AVX512F__)
    return (vint)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
#elif defined(__AVX2__) && !REAL_IS_DOUBLE
    return (vint)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
#else
    vint v;
    for (ptrdiff_t i = 0; i < VL; i++) v[i] = p[i];
    return v;
#endif
}

/* Stores lanes whose values are 0 … 255 as bytes. */
FNN_INLINE void vstore_bytes(uint8_t *p, vint v) {
#if defined(__AVX512F__) && REAL_IS_DOUBLE
    _mm_storel_epi64((__m128i *)p, _mm512_cvtepi64_epi8((__m512i)v));
#elif defined(__AVX512F__)
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)v));
#elif defined(__AVX2__) && !REAL_IS_DOUBLE
    const __m256i all = (__m256i)v;
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(words, words));
#else
    for (ptrdiff_t i = 0; i < VL; i++) p[i] = (uint8_t)v[i];
#endif
}

/* Loads the first `count` lanes; the others are 0, and their memory is not read. */
FNN_INLINE vint vload_bytes_part(const uint8_t *p, ptrdiff_t count) {
    uint8_t all[VBYTES / sizeof(real)] = {0};
    for (ptrdiff_t i = 0; i < count; i++) all[i] = p[i];
    return vload_bytes(all);
}

FNN_INLINE void vstore_bytes_part(uint8_t *p, vint v, ptrdiff_t count) {
    uint8_t all[VBYTES / sizeof(real)];
    vstore_bytes(all, v);
    for (ptrdiff_t i = 0; i < count; i++) p[i] = all[i];
}

#endif
