/* The tile registers of AMX and the instructions on them, or functions that compute the same.
 *
 * There are eight registers of 16 rows of 64 bytes. TILE_DOT(c, a, b) adds the product of a, 16 rows of 16 pairs of
 * bf16 numbers, and b, 16 pairs for each of 16 columns, to the floats of c: for each element the first numbers of the
 * pairs are one chain of fused multiply-adds from zero, the second numbers another, and their sum is added to c. What
 * is below the smallest normal number counts as zero (Intel's manual, volume 2, TDPBF16PS); the functions compute so in
 * the mode in which kernels of products run (runtime/subnormals.h).
 *
 * Each macro takes `real`, a constant: whether instructions are meant. They are written as such, because the set that
 * is compiled does not include them, and are in the code of AVX-512 only, which every processor with AMX has; the
 * functions are in that of every set, for tests. The numbers of registers are literals.
 */
#ifndef FASTNN_GEMM_TILE_REGISTERS_H
#define FASTNN_GEMM_TILE_REGISTERS_H

#include "simd/simd_bf16_parts.h"

#if FNN_WITH_BF16_PARTS

enum { TILE_ROWS = 16, TILE_PAIRS = 16, TILE_K = 2 * TILE_PAIRS, TILE_ROW_BYTES = 64, TILE_BYTES = 1024, TILES = 8 };

typedef real tile_rows[TILE_ROWS][TILE_PAIRS];
typedef tile_rows tile_registers[TILES];

#if defined(__AVX512F__)
#define TILE_INSTRUCTION(...) __asm__ volatile(__VA_ARGS__)
#else
#define TILE_INSTRUCTION(...) (void)0
#endif

/* Every register has all its rows and all its bytes. */
FNN_INLINE void tiles_configure(const bool real) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    (void)config;
    if (real) TILE_INSTRUCTION("ldtilecfg %0" : : "m"(config));
}

FNN_INLINE void tiles_release(const bool real) {
    if (real) TILE_INSTRUCTION("tilerelease" : : : "memory");
}

/* a * b + c for products of bf16 numbers, rounded once on every set. A product has 16 digits, which is exact in double;
 * its sum with a float is rounded to 53 digits and then to 24, which gives what rounding to 24 at once does
 * (S. A. Figueroa, "When is double rounding innocuous?", ACM SIGNUM Newsletter 30(3), 1995). */
FNN_INLINE vreal fused(vreal a, vreal b, vreal c) {
#if defined(__AVX2__) || defined(__aarch64__)
    return vfma(a, b, c);
#else
    for (ptrdiff_t i = 0; i < VL; i++) c[i] = (real)((double)a[i] * (double)b[i] + (double)c[i]);
    return c;
#endif
}

static inline void emulated_dot(tile_rows c, const tile_rows a, const tile_rows b) {
    for (int row = 0; row < TILE_ROWS; row++)
        for (ptrdiff_t v = 0; v < TILE_PAIRS; v += VL) {
            vreal first = vset(0), second = vset(0);
            for (int p = 0; p < TILE_PAIRS; p++) {
                uint32_t pair;
                memcpy(&pair, &a[row][p], sizeof pair);
                const vwords left = pair - (vwords){0}, right = (vwords)vload(b[p] + v);
                first = fused((vreal)(left << 16), (vreal)(right << 16), first);
                second = fused((vreal)(left & 0xffff0000), (vreal)(right & 0xffff0000), second);
            }
            vstore(c[row] + v, vload(c[row] + v) + (first + second));
        }
}

#define TILE_ZERO(registers, c, real)                        \
    do {                                                     \
        if (real)                                            \
            TILE_INSTRUCTION("tilezero %%tmm" #c : : :);     \
        else                                                 \
            memset((registers)[c], 0, sizeof(*(registers))); \
    } while (0)

/* From TILE_BYTES bytes, row after row. */
#define TILE_LOAD(registers, a, from, real)                                 \
    do {                                                                    \
        if (real)                                                           \
            TILE_INSTRUCTION("tileloadd (%0,%1,1), %%tmm" #a : : "r"(from), \
                             "r"((ptrdiff_t)TILE_ROW_BYTES) : "memory");    \
        else                                                                \
            memcpy((registers)[a], from, TILE_BYTES);                       \
    } while (0)

#define TILE_STORE(registers, c, to, real)                                    \
    do {                                                                      \
        if (real)                                                             \
            TILE_INSTRUCTION("tilestored %%tmm" #c ", (%0,%1,1)" : : "r"(to), \
                             "r"((ptrdiff_t)TILE_ROW_BYTES) : "memory");      \
        else                                                                  \
            memcpy(to, (registers)[c], TILE_BYTES);                           \
    } while (0)

#define TILE_DOT(registers, c, a, b, real)                                          \
    do {                                                                            \
        if (real)                                                                   \
            TILE_INSTRUCTION("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : :); \
        else                                                                        \
            emulated_dot((registers)[c], (registers)[a], (registers)[b]);           \
    } while (0)

#endif
#endif
