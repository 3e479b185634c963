/* What the poolings of images innermost share: positions in memory, the largest of a window.
 *
 * position numbers a window's cells row by row: of equal cells the first wins, the first NaN wins over everything.
 */
#ifndef FASTNN_N16_POOL_H
#define FASTNN_N16_POOL_H

#include "bytes.h"
#include "largest.h"
#include "n16.h"
#include "n16_norm.h"

/* --- positions: uint8 or int32, one a lane --- */

typedef int32_t n16_ints __attribute__((vector_size(4 * VBYTES / sizeof(real))));

FNN_INLINE void n16_put_position(void *positions, int type, ptrdiff_t at, vint position) {
    if (type == FNN_U8) {
        vstore_bytes((uint8_t *)positions + at, position);
    } else {
        const n16_ints v = __builtin_convertvector(position, n16_ints);
        memcpy((int32_t *)positions + at, &v, sizeof v);
    }
}

FNN_INLINE vint n16_get_position(const void *positions, int type, ptrdiff_t at) {
    if (type == FNN_U8) return vload_bytes((const uint8_t *)positions + at);
    n16_ints v;
    memcpy(&v, (const int32_t *)positions + at, sizeof v);
    return __builtin_convertvector(v, vint);
}

/* The largest of cells r … r_end-1 × s … s_end-1 of a window whose corner lies at x, seen through `line`; its number.
 */
FNN_INLINE vreal n16_largest(const real *x, ptrdiff_t row, ptrdiff_t size_w, ptrdiff_t r, ptrdiff_t r_end, ptrdiff_t s,
                             ptrdiff_t s_end, bool numbered, const n16_line *line, vint *place) {
    if (size_w == 2 && r == 0 && r_end == 2 && s == 0 && s_end == 2) {
        vreal cell[4];
        for (int i = 0; i < 4; i++) cell[i] = n16_on(line, vload(x + i / 2 * row + i % 2 * N16));
        return largest_of_4(cell, place);
    }
    const vint none = {0};
    vreal best = n16_on(line, vload(x + r * row + s * N16));
    *place = none + (rint_t)(r * size_w + s);
    for (ptrdiff_t i = r; i < r_end; i++) {
        for (ptrdiff_t j = s; j < s_end; j++) {
            const vreal cell = n16_on(line, vload(x + i * row + j * N16));
            /* above, or the first NaN */
            const vint wins = ~(vint)(cell <= best) & (vint)(best == best);
            best = vselect(wins, cell, best);
            if (numbered) *place = (wins & (none + (rint_t)(i * size_w + j))) | (~wins & *place);
        }
    }
    return best;
}

/* The largest of a whole window whose corner lies at x, into out[at …]; its number, unless positions is NULL. */
FNN_INLINE void n16_window(const real *x, ptrdiff_t row, ptrdiff_t size_h, ptrdiff_t size_w, real *out, void *positions,
                           int type, ptrdiff_t at) {
    for (int part = 0; part < N16_PARTS; part++, at += VL, x += VL) {
        vint place;
        vreal best;
        if (size_h == 2 && size_w == 2)
            best = n16_largest(x, row, 2, 0, 2, 0, 2, positions != NULL, NULL, &place);
        else
            best = n16_largest(x, row, size_w, 0, size_h, 0, size_w, positions != NULL, NULL, &place);
        vstore(out + at, best);
        if (positions != NULL) n16_put_position(positions, type, at, place);
    }
}

#endif
