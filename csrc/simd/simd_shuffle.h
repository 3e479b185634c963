/* Puts lanes of two vectors in another order; lane i of b has number VL + i. */
#ifndef FASTNN_SIMD_SIMD_SHUFFLE_H
#define FASTNN_SIMD_SIMD_SHUFFLE_H

#include "simd/simd.h"

/* The numbers must be constants; index_type is a vector of integers as wide as the lanes. */
#if defined(__clang__)
#define SHUFFLE(index_type, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(index_type, a, b, ...) __builtin_shuffle(a, b, (index_type){__VA_ARGS__})
#endif
#define VSHUFFLE(a, b, ...) SHUFFLE(vint, a, b, __VA_ARGS__)

/* Separates the even from the odd lanes of two vectors, and interleaves them again. */
#if VBYTES == 64 && !REAL_IS_DOUBLE
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VBYTES / (4 + 4 * REAL_IS_DOUBLE) == 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15
#define INTERLEAVE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif VBYTES / (4 + 4 * REAL_IS_DOUBLE) == 4
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#define INTERLEAVE_LOW 0, 4, 1, 5
#define INTERLEAVE_HIGH 2, 6, 3, 7
#else
#define EVEN_LANES 0, 2
#define ODD_LANES 1, 3
#define INTERLEAVE_LOW 0, 2
#define INTERLEAVE_HIGH 1, 3
#endif

#endif
