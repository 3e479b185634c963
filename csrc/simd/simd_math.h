/* Exponentials and logarithms of vectors, and sums over lanes, for float and double.
 *
 * The polynomials are minimax fits of our own (fastnn/kernels/polynomials.py says of what); rounding their coefficients
 * adds at most 1/4 unit in the last place. NaN passes through; -inf, +inf, zeros and denormal results are as in libm.
 * No lane depends on another.
 */
#ifndef FASTNN_SIMD_SIMD_MATH_H
#define FASTNN_SIMD_SIMD_MATH_H

#include <stdbool.h>

#include "fastnn_generated.h"
#include "simd/simd.h"

#define REAL_MANTISSA FNN_MANTISSA
#define REAL_BIAS FNN_BIAS
#define REAL_MIN_NORMAL FNN_SMALLEST_NORMAL
#define ROUNDER FNN_ROUNDER
#define EXP_LOW FNN_EXP_LOW
#define EXP_NORMAL FNN_EXP_NORMAL
#define EXP_HIGH FNN_EXP_HIGH
#define EXPM1_LOW FNN_EXPM1_LOW
#define LN2_HIGH FNN_LN2_HIGH
#define LN2_LOW FNN_LN2_LOW
#define SQRT_HALF_BITS FNN_SQRT_HALF_BITS
static const real exp_poly[] = {FNN_EXP};
static const real log_poly[] = {FNN_LOG};
/* x³ / (x - tanh(x)) of z = x² for |x| <= 2 */
#if REAL_IS_DOUBLE
typedef uint64_t ruint_t;
static const real shrink_poly[] = {3.0,
                                   1.1999999999999995,
                                   -0.0057142857142773815,
                                   0.00025396825391492053,
                                   -1.2203669176602212e-05,
                                   5.987659973034296e-07,
                                   -2.956475437377457e-08,
                                   1.4625172768429172e-09,
                                   -7.22666416001407e-11,
                                   3.5274364847823576e-12,
                                   -1.6238774604304557e-13,
                                   6.146452282525458e-15,
                                   -1.349304911710333e-16};
#else
typedef uint32_t ruint_t;
static const real shrink_poly[] = {3.0f,           1.19999969f, -0.00571307587f, 0.000252391619f, -1.13057094e-05f,
                                   3.56391666e-07f};
#endif

#define LOG2_E ((real)1.4426950408889634)

typedef ruint_t vuint __attribute__((vector_size(VBYTES)));

FNN_INLINE vuint vbits(vreal x) { return (vuint)x; }
FNN_INLINE vuint vset_bits(ruint_t x) { return x + (vuint){0}; }
FNN_INLINE vuint vsign(vreal x) { return vbits(x) & vbits(vset((real)-0.0)); }
FNN_INLINE vreal vabs(vreal x) { return (vreal)(vbits(x) & ~vbits(vset((real)-0.0))); }
FNN_INLINE vreal vcopysign(vreal magnitude, vreal sign) { return (vreal)(vbits(vabs(magnitude)) | vsign(sign)); }

/* Horner's rule. If `count` is a constant, the loop is unrolled and the coefficients become memory operands. */
#define VPOLY(x, coefficients) vpoly(x, coefficients, (int)(sizeof coefficients / sizeof *coefficients))
FNN_INLINE vreal vpoly(vreal x, const real *coefficients, int count) {
    vreal sum = vset(coefficients[count - 1]);
    for (int i = count - 2; i >= 0; i--) sum = vfma(sum, x, vset(coefficients[i]));
    return sum;
}

/* x = n ln 2 + r with |r| <= ln(2) / 2 for EXP_LOW <= x <= EXP_HIGH; n is in the low bits of `rounded`. */
FNN_INLINE vreal vreduce(vreal x, vreal *rounded) {
    *rounded = vfma(x, vset(LOG2_E), vset(ROUNDER));
    vreal n = *rounded - vset(ROUNDER);
    return vfma(n, vset(-LN2_LOW), vfma(n, vset(-LN2_HIGH), x));
}

/* 2^n, if that is a normal number. The low bits of ROUNDER are zero, so only n is left after the shift. */
FNN_INLINE vreal vpower(vreal rounded) { return (vreal)((vbits(rounded) << REAL_MANTISSA) + vbits(vset(1))); }

/* x 2^n, also if 2^n alone would overflow. */
FNN_INLINE vreal vscale(vreal x, vreal rounded) {
    vuint n = vbits(rounded) - vbits(vset(ROUNDER)) + vset_bits(2 * REAL_BIAS), half = n >> 1;
    return x * (vreal)(half << REAL_MANTISSA) * (vreal)((n - half) << REAL_MANTISSA);
}

/* The range of x for an exponential, so that cases outside it cost nothing. NaN is always possible. */
enum { EXP_ANY, EXP_NONPOSITIVE, EXP_NORMAL_TO_0 };

/* Denormal results are made without denormal arithmetic, which takes processors a hundred cycles: they are integer
 * multiples of the smallest one, and that integer is their bit pattern. */
FNN_INLINE vreal vexp_in(vreal x, int range) {
    vint tiny = x < vset(EXP_NORMAL);
    bool any_tiny = range != EXP_NORMAL_TO_0 && vless_bits(x, vset(EXP_NORMAL)) != 0;
    if (any_tiny) x = vmax(vset(EXP_LOW), x);
    if (range == EXP_ANY) x = vmin(vset(EXP_HIGH), x);
    vreal rounded, r = vreduce(x, &rounded);
    vreal y = vfma(vfma(VPOLY(r, exp_poly), r, vset(1)), r, vset(1));
    if (any_tiny) rounded += vselect(tiny, vset(REAL_BIAS + REAL_MANTISSA - 1), vset(0));
    y = range == EXP_ANY ? vscale(y, rounded) : y * vpower(rounded);
    const vreal integer = vset(ROUNDER / (real)1.5); /* holds twice as many integers >= 0 as ROUNDER does */
    if (any_tiny) y = vselect(tiny, (vreal)(vbits(y + integer) - vbits(integer)), y);
    return y;
}

FNN_INLINE vreal vexp(vreal x) { return vexp_in(x, EXP_ANY); }
FNN_INLINE vreal vexp_nonpositive(vreal x) { return vexp_in(x, EXP_NONPOSITIVE); }

/* exp(x) - 1 for x <= 0. */
FNN_INLINE vreal vexpm1_nonpositive(vreal x) {
    vreal rounded, r = vreduce(vmax(vset(EXPM1_LOW), x), &rounded);
    vreal p = vfma(VPOLY(r, exp_poly) * r, r, r);
    vreal power = vpower(rounded);
    return vfma(power, p, power - vset(1));
}

/* log(2^k (1 + f)) for √½ <= 1 + f <= √2 */
FNN_INLINE vreal vlog_of(vreal f, vreal k) {
    vreal s = f / (vset(2) + f), z = s * s, half = vset((real)0.5) * f * f;
    vreal small = vfma(k, vset(LN2_LOW), s * vfma(z, VPOLY(z, log_poly), half));
    return vfma(k, vset(LN2_HIGH), f - (half - small));
}

/* log(1 + x) for 0 <= x <= 1, to all digits of a small x. */
FNN_INLINE vreal vlog1p_unit(vreal x) {
    const vint large = x > vset((real)0.41421356237309503);
    return vlog_of(vselect(large, (x - vset(1)) * vset((real)0.5), x), vselect(large, vset(1), vset(0)));
}

FNN_INLINE vreal vlog(vreal x) {
    vint denormal = x < vset(REAL_MIN_NORMAL);
    vreal scaled = vselect(denormal, x * vset((real)(1ull << (REAL_MANTISSA + 1))), x);
    /* scaled = 2^k m, m within [√½, √2) */
    vuint bits = vbits(scaled) - vset_bits(SQRT_HALF_BITS) + vbits(vset(1));
    vreal m = (vreal)((bits & vset_bits(((ruint_t)1 << REAL_MANTISSA) - 1)) + vset_bits(SQRT_HALF_BITS));
    vreal k = (vreal)((bits >> REAL_MANTISSA) + vbits(vset(ROUNDER))) - vset(ROUNDER + REAL_BIAS);
    k -= vselect(denormal, vset(REAL_MANTISSA + 1), vset(0));
    vreal y = vlog_of(m - vset(1), k);
    y = vselect(x == vset(0), vset(-(real)INFINITY), y);
    y = vselect(x < vset((real)INFINITY), y, x); /* for inf and NaN */
    return vselect(x < vset(0), vset((real)NAN), y);
}

FNN_INLINE vreal vsigmoid(vreal x) {
    /* e^-|x| cannot overflow, and e / (1 + e) keeps the small digits for x < 0 */
    vreal e = vexp_nonpositive(-vabs(x));
    return vselect(x < vset(0), e, vset(1)) / (vset(1) + e);
}

FNN_INLINE vreal vtanh(vreal x) {
    vreal t = vexpm1_nonpositive(vset(-2) * vabs(x));
    return vcopysign(t / (vset(2) + t), x);
}

/* x - tanh(x): for |x| >= 2 the difference keeps its digits, below that there is a polynomial. */
FNN_INLINE vreal vtanhshrink(vreal x) {
    vreal z = x * x, near = z / VPOLY(z, shrink_poly) * x;
    return vselect(vabs(x) < vset(2), near, x - vtanh(x));
}

/* --- over lanes --- */

enum { LANES_MAX, LANES_SUM };

FNN_INLINE vreal vcombine(int operation, vreal a, vreal b) { return operation == LANES_MAX ? vmax(a, b) : a + b; }

#if defined(__x86_64__)
/* Combines neighbouring units of `bytes` bytes; in the result, units of a and of b alternate. */
FNN_INLINE vreal vpair(int operation, vreal a, vreal b, size_t bytes) {
#if defined(__AVX512F__)
    if (bytes == 4)
        return vcombine(operation, (vreal)_mm512_unpacklo_ps((__m512)a, (__m512)b),
                        (vreal)_mm512_unpackhi_ps((__m512)a, (__m512)b));
    if (bytes == 8)
        return vcombine(operation, (vreal)_mm512_unpacklo_pd((__m512d)a, (__m512d)b),
                        (vreal)_mm512_unpackhi_pd((__m512d)a, (__m512d)b));
    return vcombine(operation, (vreal)_mm512_shuffle_f32x4((__m512)a, (__m512)b, 0x88),
                    (vreal)_mm512_shuffle_f32x4((__m512)a, (__m512)b, 0xdd));
#elif defined(__AVX2__)
    if (bytes == 4)
        return vcombine(operation, (vreal)_mm256_unpacklo_ps((__m256)a, (__m256)b),
                        (vreal)_mm256_unpackhi_ps((__m256)a, (__m256)b));
    if (bytes == 8)
        return vcombine(operation, (vreal)_mm256_unpacklo_pd((__m256d)a, (__m256d)b),
                        (vreal)_mm256_unpackhi_pd((__m256d)a, (__m256d)b));
    return vcombine(operation, (vreal)_mm256_permute2f128_ps((__m256)a, (__m256)b, 0x20),
                    (vreal)_mm256_permute2f128_ps((__m256)a, (__m256)b, 0x31));
#else
    if (bytes == 4)
        return vcombine(operation, (vreal)_mm_unpacklo_ps((__m128)a, (__m128)b),
                        (vreal)_mm_unpackhi_ps((__m128)a, (__m128)b));
    return vcombine(operation, (vreal)_mm_unpacklo_pd((__m128d)a, (__m128d)b),
                    (vreal)_mm_unpackhi_pd((__m128d)a, (__m128d)b));
#endif
}

FNN_INLINE void vhalve(int operation, vreal *t, ptrdiff_t done) {
    for (ptrdiff_t i = 0; i < VL / (2 * done); i++)
        t[i] = vpair(operation, t[2 * i], t[2 * i + 1], (size_t)done * sizeof(real));
}
#endif

/* Turns VL vectors into one: lane i is the maximum or the sum of the lanes of v[i]. All lanes use the same tree. */
FNN_INLINE vreal vlanes(int operation, const vreal *v) {
#if defined(__x86_64__)
    vreal t[VBYTES / sizeof(real)];
    memcpy(t, v, sizeof t);
    vhalve(operation, t, 1);
    if (VL > 2) vhalve(operation, t, 2);
    if (VL > 4) vhalve(operation, t, 4);
    if (VL > 8) vhalve(operation, t, 8);
    return t[0];
#else
    vreal result;
    for (ptrdiff_t i = 0; i < VL; i++) {
        real x = v[i][0];
        for (ptrdiff_t j = 1; j < VL; j++) x = operation == LANES_SUM ? x + v[i][j] : x > v[i][j] ? x : v[i][j];
        result[i] = x;
    }
    return result;
#endif
}

/* A sum that is kept in double, lane by lane. */
typedef double vdouble __attribute__((vector_size(VBYTES)));
enum { HALVES = sizeof(double) / sizeof(real) };
typedef struct {
    vdouble half[HALVES];
} vsum;

FNN_INLINE void vsum_add(vsum *sum, vreal x) {
    typedef real part __attribute__((vector_size(VBYTES / HALVES)));
    part parts[HALVES];
    memcpy(parts, &x, sizeof x);
    for (int i = 0; i < HALVES; i++) sum->half[i] += __builtin_convertvector(parts[i], vdouble);
}

FNN_INLINE void vsum_add_square(vsum *sum, vreal x) {
    typedef real part __attribute__((vector_size(VBYTES / HALVES)));
    part parts[HALVES];
    memcpy(parts, &x, sizeof x);
    for (int i = 0; i < HALVES; i++) {
        vdouble wide = __builtin_convertvector(parts[i], vdouble);
        sum->half[i] += wide * wide;
    }
}

FNN_INLINE double vsum_lane(const vsum *sum, ptrdiff_t lane) {
    const ptrdiff_t wide = VBYTES / sizeof(double);
    return sum->half[lane / wide][lane % wide];
}

FNN_INLINE double vsum_total(const vsum *sum) {
    double total = 0;
    for (int i = 0; i < HALVES; i++)
        for (size_t j = 0; j < VBYTES / sizeof(double); j++) total += sum->half[i][j];
    return total;
}

#endif
