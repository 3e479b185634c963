/* What the max-poolings in the layout NCHW16n share: argmax in memory, and the maximum of a window.
 *
 * The argmax numbers a window's cells row by row. Of equal cells the first one wins; the first NaN wins over
 * everything.
 */
#ifndef FASTNN_NCHW16N_POOL_H
#define FASTNN_NCHW16N_POOL_H

#include "simd/simd_bytes.h"
#include "pooling/argmax4.h"
#include "nchw16n/nchw16n.h"
#include "nchw16n/batch_norm.h"

/* --- argmax in memory: uint8 or int32 elements, one for each image --- */

typedef int32_t nchw16n_int32s __attribute__((vector_size(4 * VBYTES / sizeof(real))));

FNN_INLINE void nchw16n_store_argmax(void *argmax, int type, ptrdiff_t at, vint cell) {
    if (type == FNN_U8) {
        vstore_bytes((uint8_t *)argmax + at, cell);
    } else {
        const nchw16n_int32s v = __builtin_convertvector(cell, nchw16n_int32s);
        memcpy((int32_t *)argmax + at, &v, sizeof v);
    }
}

FNN_INLINE vint nchw16n_load_argmax(const void *argmax, int type, ptrdiff_t at) {
    if (type == FNN_U8) return vload_bytes((const uint8_t *)argmax + at);
    nchw16n_int32s v;
    memcpy(&v, (const int32_t *)argmax + at, sizeof v);
    return __builtin_convertvector(v, vint);
}

/* The maximum of cells r … r_end-1 × s … s_end-1 of the window whose corner is at x, after `normalizer` unless that is
 * NULL. `row_stride` elements lie from row to row. *argmax becomes its number; without `numbered` it need not be
 * right. */
FNN_INLINE vreal nchw16n_window_max(const real *x, ptrdiff_t row_stride, ptrdiff_t size_w, ptrdiff_t r, ptrdiff_t r_end,
                                    ptrdiff_t s, ptrdiff_t s_end, bool numbered, const nchw16n_normalizer *normalizer,
                                    vint *argmax) {
    if (size_w == 2 && r == 0 && r_end == 2 && s == 0 && s_end == 2) {
        vreal cell[4];
        for (int i = 0; i < 4; i++)
            cell[i] = nchw16n_normalize(normalizer, vload(x + i / 2 * row_stride + i % 2 * IMAGE_BLOCK));
        return vargmax4(cell, argmax);
    }
    const vint zero = {0};
    vreal best = nchw16n_normalize(normalizer, vload(x + r * row_stride + s * IMAGE_BLOCK));
    *argmax = zero + (rint_t)(r * size_w + s);
    for (ptrdiff_t i = r; i < r_end; i++) {
        for (ptrdiff_t j = s; j < s_end; j++) {
            const vreal cell = nchw16n_normalize(normalizer, vload(x + i * row_stride + j * IMAGE_BLOCK));
            const vint wins = ~(vint)(cell <= best) & (vint)(best == best); /* larger, or the first NaN */
            best = vselect(wins, cell, best);
            if (numbered) *argmax = (wins & (zero + (rint_t)(i * size_w + j))) | (~wins & *argmax);
        }
    }
    return best;
}

/* Writes the maximum of a whole window whose corner is at x to out[at …], and its number to argmax unless that is
 * NULL. */
FNN_INLINE void nchw16n_max_pool_window(const real *x, ptrdiff_t row_stride, ptrdiff_t size_h, ptrdiff_t size_w,
                                        real *out, void *argmax, int type, ptrdiff_t at) {
    for (int part = 0; part < PIXEL_VECTORS; part++, at += VL, x += VL) {
        vint cell;
        vreal best;
        if (size_h == 2 && size_w == 2)
            best = nchw16n_window_max(x, row_stride, 2, 0, 2, 0, 2, argmax != NULL, NULL, &cell);
        else
            best = nchw16n_window_max(x, row_stride, size_w, 0, size_h, 0, size_w, argmax != NULL, NULL, &cell);
        vstore(out + at, best);
        if (argmax != NULL) nchw16n_store_argmax(argmax, type, at, cell);
    }
}

#endif
