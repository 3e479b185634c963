/* Minimal filtering after Winograd, by interpolation at the points 0, ±1/√2, ±√2, ∞ (Barabasz et al. 2020 say why
 * points of such sizes lose least): a filter of r taps gives m = 7 - r outputs from 6 inputs with 6 products. Without
 * the point ∞ it gives m - 1 outputs from 5 inputs with 5 products, at the very same other points: so a line of any
 * length is cut into long (6) and short (5) tiles, and next to no product is wasted.
 *
 * In two dimensions everything is applied to the rows and to the columns of a tile. The products of one pair of points
 * over all tiles, filters and channels are one matrix product.
 */
#ifndef FASTNN_WINOGRAD_H
#define FASTNN_WINOGRAD_H

#include "n16.h"

enum {
    POINTS = 6,               /* of a line */
    PAIRS = POINTS * POINTS,  /* of points: matrix products */
    WINOGRAD_BLOCK = 24,      /* filters of a block of transformed weights, [block][pair][channel][24] */
    WINOGRAD_MAX_OUTPUTS = 5, /* of a line: filters of 2 taps */

};

#define SMALL_POINT ((real)0.70710678118654752440)
#define LARGE_POINT ((real)1.41421356237309504880)

/* Values of the inputs' polynomial at the points, in the order 0, +small, -small, +large, -large, ∞: v = Bᵀ d. */
FNN_INLINE void winograd_input(const vreal d[], ptrdiff_t step, vreal v[], ptrdiff_t v_step, int points) {
    const vreal small = vset(SMALL_POINT), large = vset(LARGE_POINT), half = vset((real)-0.5), two = vset(-2),
                both = vset((real)-2.5);
    const vreal d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    v[0] = vfma(both, d2, d[0] + d4);
    const vreal even_small = vfma(two, d2, d4), even_large = vfma(half, d2, d4);
    const vreal odd_small = vfma(small, d3, -large * d1), odd_large = vfma(large, d3, -small * d1);
    v[v_step] = even_small + odd_small;
    v[2 * v_step] = even_small - odd_small;
    v[3 * v_step] = even_large + odd_large;
    v[4 * v_step] = even_large - odd_large;
    if (points == POINTS) v[5 * v_step] = vfma(both, d3, d1 + d[5 * step]);
}

/* Powers of the points, k = 0 … 4. */
static const real winograd_small[WINOGRAD_MAX_OUTPUTS] = {1, SMALL_POINT, (real)0.5, SMALL_POINT / 2, (real)0.25};
static const real winograd_large[WINOGRAD_MAX_OUTPUTS] = {1, LARGE_POINT, 2, 2 * LARGE_POINT, 4};

/* Outputs from the products at the points: out = Aᵀ v; `outputs` of them (with 5 points one fewer than with 6). */
FNN_INLINE void winograd_output(const vreal v[], ptrdiff_t step, vreal out[], ptrdiff_t out_step, int points,
                                int outputs) {
    const vreal even_small = v[step] + v[2 * step], odd_small = v[step] - v[2 * step];
    const vreal even_large = v[3 * step] + v[4 * step], odd_large = v[3 * step] - v[4 * step];
#pragma GCC unroll 5
    for (int k = 0; k < outputs; k++) {
        vreal sum = k == 0       ? v[0] + (even_small + even_large)
                    : k % 2 == 0 ? vfma(vset(winograd_small[k]), even_small, vset(winograd_large[k]) * even_large)
                                 : vfma(vset(winograd_small[k]), odd_small, vset(winograd_large[k]) * odd_large);
        if (points == POINTS && k == outputs - 1) sum += v[5 * step];
        out[k * out_step] = sum;
    }
}

/* How a line of outputs is cut into tiles: first the long ones of m outputs, then the short ones of m - 1. */
typedef struct {
    ptrdiff_t length, outputs, longs, tiles;
} winograd_line;

FNN_INLINE winograd_line winograd_cut(ptrdiff_t length, ptrdiff_t taps) {
    const ptrdiff_t m = POINTS + 1 - taps, tiles = (length + m - 1) / m;
    return (winograd_line){length, m, fnn_max(0, length - tiles * (m - 1)), tiles};
}

FNN_INLINE ptrdiff_t winograd_begin(const winograd_line *line, ptrdiff_t tile) {
    return tile * line->outputs - fnn_max(0, tile - line->longs);
}

#endif
