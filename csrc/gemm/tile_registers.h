/* The tile registers of AMX and the instructions on them, or functions that compute the same.
 *
 * There are eight registers of 16 rows of 64 bytes. TILE_DOT(c, a, b) adds the product of a, 16 rows of 16 pairs of
 * bf16 numbers, and b, 16 pairs for each of 16 columns, to the floats of c: for each element the first numbers of the
 * pairs are one chain of fused multiply-adds from zero, the second numbers another, and their sum is added to c. What
 * is below the smallest normal number counts as zero (Intel's manual, volume 2, TDPBF16PS); the functions compute so in
 * the mode in which kernels of products run (runtime/subnormals.h).
 *
 * Each macro takes `real`, a constant: whether instructions are meant. They are written as such, because the set that
 * is compiled does not include them; the numbers of registers are literals.
 */
#ifndef FASTNN_GEMM_TILE_REGISTERS_H
#define FASTNN_GEMM_TILE_REGISTERS_H

#include "simd/simd_bf16_parts.h"

#if FNN_WITH_BF16_PARTS

enum { TILE_ROWS = 16, TILE_PAIRS = 16, TILE_K = 2 * TILE_PAIRS, TILE_ROW_BYTES = 64, TILE_BYTES = 1024, TILES = 8 };

typedef vreal tile_registers[TILES][TILE_ROWS];

/* Every register has all its rows and all its bytes. */
FNN_INLINE void tiles_configure(const bool real) {
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
    if (real) __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

FNN_INLINE void tiles_release(const bool real) {
    if (real) __asm__ volatile("tilerelease" : : : "memory");
}

static inline void emulated_dot(vreal *c, const vreal *a, const vreal *b) {
    for (int row = 0; row < TILE_ROWS; row++) {
        const vwords pairs = (vwords)a[row];
        vreal first = vset(0), second = vset(0);
        for (int p = 0; p < TILE_PAIRS; p++) {
            const vwords left = pairs[p] - (vwords){0}, right = (vwords)b[p];
            first = vfma((vreal)(left << 16), (vreal)(right << 16), first);
            second = vfma((vreal)(left & 0xffff0000), (vreal)(right & 0xffff0000), second);
        }
        c[row] += first + second;
    }
}

#define TILE_ZERO(registers, c, real)                        \
    do {                                                     \
        if (real)                                            \
            __asm__ volatile("tilezero %%tmm" #c : : :);     \
        else                                                 \
            memset((registers)[c], 0, sizeof(*(registers))); \
    } while (0)

/* From TILE_BYTES bytes, row after row. */
#define TILE_LOAD(registers, a, from, real)                              \
    do {                                                                 \
        if (real)                                                        \
            __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #a             \
                             :                                           \
                             : "r"(from), "r"((ptrdiff_t)TILE_ROW_BYTES) \
                             : "memory");                                \
        else                                                             \
            memcpy((registers)[a], from, TILE_BYTES);                    \
    } while (0)

#define TILE_STORE(registers, c, to, real)                             \
    do {                                                               \
        if (real)                                                      \
            __asm__ volatile("tilestored %%tmm" #c ", (%0,%1,1)"       \
                             :                                         \
                             : "r"(to), "r"((ptrdiff_t)TILE_ROW_BYTES) \
                             : "memory");                              \
        else                                                           \
            memcpy(to, (registers)[c], TILE_BYTES);                    \
    } while (0)

#define TILE_DOT(registers, c, a, b, real)                                          \
    do {                                                                            \
        if (real)                                                                   \
            __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : :); \
        else                                                                        \
            emulated_dot((registers)[c], (registers)[a], (registers)[b]);           \
    } while (0)

#endif
#endif
