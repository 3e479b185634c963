/* The x86-64 intrinsics of the instruction set that is being compiled, and no others.
 *
 * <immintrin.h> declares every extension that the compiler knows. Reading it takes GCC about half a second, more than
 * most of our files need for themselves, and every file is compiled six times. GCC's headers of single extensions ask
 * to be included through <immintrin.h> only, which they recognise by its include guard; so we define that guard and
 * include the extensions that we use. Other compilers, and versions of GCC that this was not tried with, get the whole
 * header.
 */
#ifndef FASTNN_SIMD_X86_INTRINSICS_H
#define FASTNN_SIMD_X86_INTRINSICS_H

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11 && __GNUC__ <= 14
#include <smmintrin.h>
#define _IMMINTRIN_H_INCLUDED
#if defined(__AVX2__)
#include <avxintrin.h>
#include <avx2intrin.h>
#include <fmaintrin.h>
#endif
#if defined(__AVX512F__)
#include <avx512fintrin.h>
#endif
#else
#include <immintrin.h>
#endif

#endif
