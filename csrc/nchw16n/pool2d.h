/* What the poolings of images innermost share: argmax in memory, the largest of a window.
 *
 * argmax numbers a window's cells row by row: of equal cells the first wins, the first NaN wins over everything.
 */
#ifndef FASTNN_NCHW16N_POOL2D_H
#define FASTNN_NCHW16N_POOL2D_H

#include "simd/simd_bytes.h"
#include "pooling/argmax4.h"
#include "nchw16n/nchw16n.h"
#include "nchw16n/batch_norm16n.h"

/* --- argmax: uint8 or int32, one a lane --- */

typedef int32_t nchw16n_ints __attribute__((vector_size(4 * VBYTES / sizeof(real))));

FNN_INLINE void nchw16n_put_argmax(void *argmax, int type, ptrdiff_t at, vint place) {
    if (type == FNN_U8) {
        vstore_bytes((uint8_t *)argmax + at, place);
    } else {
        const nchw16n_ints v = __builtin_convertvector(place, nchw16n_ints);
        memcpy((int32_t *)argmax + at, &v, sizeof v);
    }
}

FNN_INLINE vint nchw16n_get_argmax(const void *argmax, int type, ptrdiff_t at) {
    if (type == FNN_U8) return vload_bytes((const uint8_t *)argmax + at);
    nchw16n_ints v;
    memcpy(&v, (const int32_t *)argmax + at, sizeof v);
    return __builtin_convertvector(v, vint);
}

/* The largest of cells r … r_end-1 × s … s_end-1 of a window whose corner lies at x, seen through `line`; its number.
 */
FNN_INLINE vreal nchw16n_largest(const real *x, ptrdiff_t row, ptrdiff_t size_w, ptrdiff_t r, ptrdiff_t r_end,
                                 ptrdiff_t s, ptrdiff_t s_end, bool numbered, const nchw16n_line *line, vint *place) {
    if (size_w == 2 && r == 0 && r_end == 2 && s == 0 && s_end == 2) {
        vreal cell[4];
        for (int i = 0; i < 4; i++) cell[i] = nchw16n_on(line, vload(x + i / 2 * row + i % 2 * N16));
        return largest_of_4(cell, place);
    }
    const vint none = {0};
    vreal best = nchw16n_on(line, vload(x + r * row + s * N16));
    *place = none + (rint_t)(r * size_w + s);
    for (ptrdiff_t i = r; i < r_end; i++) {
        for (ptrdiff_t j = s; j < s_end; j++) {
            const vreal cell = nchw16n_on(line, vload(x + i * row + j * N16));
            /* above, or the first NaN */
            const vint wins = ~(vint)(cell <= best) & (vint)(best == best);
            best = vselect(wins, cell, best);
            if (numbered) *place = (wins & (none + (rint_t)(i * size_w + j))) | (~wins & *place);
        }
    }
    return best;
}

/* The largest of a whole window whose corner lies at x, into out[at …]; its number, unless argmax is NULL. */
FNN_INLINE void nchw16n_window(const real *x, ptrdiff_t row, ptrdiff_t size_h, ptrdiff_t size_w, real *out,
                               void *argmax, int type, ptrdiff_t at) {
    for (int part = 0; part < NCHW16N_PARTS; part++, at += VL, x += VL) {
        vint place;
        vreal best;
        if (size_h == 2 && size_w == 2)
            best = nchw16n_largest(x, row, 2, 0, 2, 0, 2, argmax != NULL, NULL, &place);
        else
            best = nchw16n_largest(x, row, size_w, 0, size_h, 0, size_w, argmax != NULL, NULL, &place);
        vstore(out + at, best);
        if (argmax != NULL) nchw16n_put_argmax(argmax, type, at, place);
    }
}

#endif
