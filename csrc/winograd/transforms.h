/* Minimal filtering after Winograd, by interpolation at the points 0, ±1/√2, ±√2, ∞ (Barabasz et al. 2020 say why
 * points of such sizes lose least): a filter of r taps gives m = 7 - r outputs from 6 inputs with 6 products. Without
 * the point ∞ it gives m - 1 outputs from 5 inputs with 5 products, at the very same other points: so a line of any
 * length is cut into long (6) and short (5) tiles, and next to no product is wasted.
 *
 * In two dimensions everything is applied to the rows and to the columns of a tile. The products of one pair of points
 * over all tiles, filters and channels are one matrix product.
 */
#ifndef FASTNN_WINOGRAD_TRANSFORMS_H
#define FASTNN_WINOGRAD_TRANSFORMS_H

#include "nchw16n/nchw16n.h"

enum {
    POINTS = FNN_WINOGRAD_POINTS, /* of a line */
    PAIRS = POINTS * POINTS,      /* of points: matrix products */
    WINOGRAD_BLOCK =
        FNN_WINOGRAD_FILTER_BLOCK, /* filters of a block of transformed weights, [block][pair][channel][24] */
    WINOGRAD_MAX_OUTPUTS = 5,      /* of a line: filters of 2 taps */
    WINOGRAD_FEW_CHANNELS = FNN_WINOGRAD_SMALL_CHANNELS,
    /* of few channels: results whose sums over a row of points are in registers together */
    WINOGRAD_TOGETHER = FNN_VECTOR_REGISTERS == 32 ? 4 : 2,
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

/* Tiles are worked through by kind, so that all of a block are alike: long × long, long × short, short × long, short ×
 * short (rows × columns). */
enum { WINOGRAD_KINDS = 4 };

FNN_INLINE bool winograd_long_rows(int kind) { return kind < 2; }
FNN_INLINE bool winograd_long_cols(int kind) { return kind % 2 == 0; }

FNN_INLINE ptrdiff_t winograd_tiles(const winograd_line *line, bool longs) {
    return longs ? line->longs : line->tiles - line->longs;
}

/* Tiles of a kind in an image. */
FNN_INLINE ptrdiff_t winograd_kind_tiles(const winograd_line *rows, const winograd_line *cols, int kind) {
    return winograd_tiles(rows, winograd_long_rows(kind)) * winograd_tiles(cols, winograd_long_cols(kind));
}

typedef struct {
    ptrdiff_t group, row, col; /* group of images, first row and column of outputs */
} winograd_place;

/* Where tile number `tile` of a kind lies. */
FNN_INLINE winograd_place winograd_place_of(const winograd_line *rows, const winograd_line *cols, int kind,
                                            ptrdiff_t tile) {
    const bool long_rows = winograd_long_rows(kind), long_cols = winograd_long_cols(kind);
    const ptrdiff_t across = winograd_tiles(cols, long_cols), down = winograd_tiles(rows, long_rows);
    return (winograd_place){tile / across / down,
                            winograd_begin(rows, tile / across % down + (long_rows ? 0 : rows->longs)),
                            winograd_begin(cols, tile % across + (long_cols ? 0 : cols->longs))};
}

/* Bᵀ d B of the tile whose inputs begin at row y and column x of `channels` planes of h × w pixels; zero outside.
 * values[pair][channel][lane]: `apart` elements from pair to pair, `ld` from channel to channel. */
FNN_INLINE void winograd_read_inside(const real *image, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, ptrdiff_t y,
                                     ptrdiff_t x, const bool inside, real *values, ptrdiff_t ld, ptrdiff_t apart,
                                     const int points_h, const int points_w) {
    for (ptrdiff_t c = 0; c < channels; c++, image += h * w * N16, values += ld) {
#pragma GCC unroll 1
        for (ptrdiff_t l = 0; l < N16; l += VL) {
            vreal columns[POINTS][POINTS];
#pragma GCC unroll 6
            for (int j = 0; j < points_w; j++) {
                vreal d[POINTS];
                const bool in = inside || (x + j >= 0 && x + j < w);
#pragma GCC unroll 6
                for (int i = 0; i < points_h; i++)
                    d[i] = in && (inside || (y + i >= 0 && y + i < h)) ? vload(image + ((y + i) * w + x + j) * N16 + l)
                                                                       : vset(0);
                winograd_input(d, 1, &columns[0][j], POINTS, points_h);
            }
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) {
                vreal v[POINTS];
                winograd_input(columns[i], 1, v, 1, points_w);
#pragma GCC unroll 6
                for (int j = 0; j < points_w; j++) vstore(values + (i * POINTS + j) * apart + l, v[j]);
            }
        }
    }
}

FNN_INLINE void winograd_read(const real *image, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, ptrdiff_t y, ptrdiff_t x,
                              real *values, ptrdiff_t ld, ptrdiff_t apart, const int points_h, const int points_w) {
    if (y >= 0 && x >= 0 && y + points_h <= h && x + points_w <= w)
        winograd_read_inside(image, channels, h, w, y, x, true, values, ld, apart, points_h, points_w);
    else
        winograd_read_inside(image, channels, h, w, y, x, false, values, ld, apart, points_h, points_w);
}

/* A polynomial's values at the points from its coefficients, ∞ giving the last one. */
FNN_INLINE void winograd_values(const vreal g[], ptrdiff_t step, int count, vreal v[], ptrdiff_t v_step, int points) {
    vreal even_small = vset(0), odd_small = vset(0), even_large = vset(0), odd_large = vset(0);
#pragma GCC unroll 5
    for (int k = count - 1; k >= 0; k--) {
        const vreal tap = g[k * step];
        if (k % 2 == 0) {
            even_small = vfma(vset(winograd_small[k]), tap, even_small);
            even_large = vfma(vset(winograd_large[k]), tap, even_large);
        } else {
            odd_small = vfma(vset(winograd_small[k]), tap, odd_small);
            odd_large = vfma(vset(winograd_large[k]), tap, odd_large);
        }
    }
    v[0] = g[0];
    v[v_step] = even_small + odd_small;
    v[2 * v_step] = even_small - odd_small;
    v[3 * v_step] = even_large + odd_large;
    v[4 * v_step] = even_large - odd_large;
    if (points == POINTS) v[5 * v_step] = g[(count - 1) * step];
}

/* A y of a line of slopes, as winograd_values has it; of two or one it takes less. */
FNN_INLINE void winograd_spread(const vreal y[], vreal v[], const int points, const int slopes) {
    if (slopes > 2) {
        winograd_values(y, 1, slopes, v, 1, points);
        return;
    }
    const vreal small = vset(SMALL_POINT), large = vset(LARGE_POINT);
    v[0] = y[0];
    v[1] = slopes == 1 ? y[0] : vfma(small, y[1], y[0]);
    v[2] = slopes == 1 ? y[0] : vfma(-small, y[1], y[0]);
    v[3] = slopes == 1 ? y[0] : vfma(large, y[1], y[0]);
    v[4] = slopes == 1 ? y[0] : vfma(-large, y[1], y[0]);
    if (points == POINTS) v[5] = y[slopes - 1];
}

/* One over the product of a point's distances from the others; 1 for 0 and ∞. */
#define WINOGRAD_OF_SMALL ((real)(-2.0 / 3))
#define WINOGRAD_OF_LARGE ((real)(1.0 / 6))

FNN_INLINE void winograd_weigh(vreal v[], ptrdiff_t step) {
    v[step] *= vset(WINOGRAD_OF_SMALL);
    v[2 * step] *= vset(WINOGRAD_OF_SMALL);
    v[3 * step] *= vset(WINOGRAD_OF_LARGE);
    v[4 * step] *= vset(WINOGRAD_OF_LARGE);
}

/* G g: the filters' polynomials at the points, weighed. */
FNN_INLINE void winograd_filter_line(const vreal g[], const int size, vreal v[], ptrdiff_t v_step) {
    winograd_values(g, 1, size, v, v_step, POINTS);
    winograd_weigh(v, v_step);
}

/* G g Gᵀ of `count` filters of size × size beside each other, tap (a, b) at taps + (a size + b) step; what is read
 * beyond the last filter goes nowhere. `apart` elements from pair to pair of u. */
FNN_INLINE void winograd_filters_of(const real *taps, ptrdiff_t step, real *u, ptrdiff_t apart, ptrdiff_t count,
                                    const int size) {
    vreal lines[POINTS][POINTS];
    for (int b = 0; b < size; b++) {
        vreal column[POINTS];
        for (int a = 0; a < size; a++) column[a] = vload(taps + (a * size + b) * step);
        winograd_filter_line(column, size, &lines[0][b], POINTS);
    }
    for (int i = 0; i < POINTS; i++) {
        vreal v[POINTS];
        winograd_filter_line(lines[i], size, v, 1);
        for (int j = 0; j < POINTS; j++) vstore_part(u + (i * POINTS + j) * apart, v[j], count);
    }
}

FNN_INLINE void winograd_filters(const real *taps, ptrdiff_t step, ptrdiff_t size, real *u, ptrdiff_t apart,
                                 ptrdiff_t count) {
    if (size == 3)
        winograd_filters_of(taps, step, u, apart, count, 3);
    else
        winograd_filters_of(taps, step, u, apart, count, 5);
}

#endif
