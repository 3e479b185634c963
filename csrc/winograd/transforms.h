/* The transforms of Winograd's minimal filtering, along one axis and on two-dimensional tiles.
 *
 * Along an axis, a filter of r taps makes m = 7 - r outputs from 6 inputs with 6 products instead of m r:
 *     out = Aᵀ [(G g) ⊙ (Bᵀ d)],   d the inputs, g the taps.
 * G and Bᵀ evaluate polynomials at six interpolation points, Aᵀ interpolates the products. The points are 0, ±1/√2, ±√2
 * and ∞: points of such magnitudes lose the least accuracy (Barabasz et al. 2020). Without the point ∞ the same
 * matrices make m - 1 outputs from 5 inputs with 5 products, so that an axis of any length can be cut into long tiles
 * of 6 points and short tiles of 5 points (winograd/tiles.h) and hardly a product is wasted.
 *
 * In two dimensions a transform is applied to the columns of a tile and then to its rows. For each of the 6 × 6 points
 * of a transformed tile, the products over all tiles, filters and channels form one matrix product.
 *
 * A vector holds the same element of several tiles, so the transforms are plain vector arithmetic. `stride` is always
 * the number of elements (or of vectors, in an array of vectors) from one item to the next.
 */
#ifndef FASTNN_WINOGRAD_TRANSFORMS_H
#define FASTNN_WINOGRAD_TRANSFORMS_H

#include "nchw16n/nchw16n.h"

enum {
    WINOGRAD_POINTS = FNN_WINOGRAD_POINTS, /* interpolation points along an axis */
    WINOGRAD_POINTS_2D = WINOGRAD_POINTS * WINOGRAD_POINTS,
    WINOGRAD_FILTER_BLOCK = FNN_WINOGRAD_FILTER_BLOCK,
    WINOGRAD_MAX_OUTPUTS = 5, /* along an axis: those of filters of 2 taps */
    /* The results at a row of points that are in registers together, in the forms for few channels. */
    WINOGRAD_REGISTER_BLOCK = FNN_VECTOR_REGISTERS == 32 ? 4 : 2,
};

#define WINOGRAD_SMALL_POINT ((real)0.70710678118654752440)
#define WINOGRAD_LARGE_POINT ((real)1.41421356237309504880)

/* --- along an axis; `points` is 6, or 5 for a short tile --- */

/* Computes Bᵀ d: the polynomial of the inputs at the points 0, +small, -small, +large, -large, ∞. */
FNN_INLINE void winograd_transform_input(const vreal d[], ptrdiff_t d_stride, vreal v[], ptrdiff_t v_stride,
                                         int points) {
    const vreal small = vset(WINOGRAD_SMALL_POINT), large = vset(WINOGRAD_LARGE_POINT);
    const vreal minus_half = vset((real)-0.5), minus_two = vset(-2), minus_squares = vset((real)-2.5);
    const vreal d1 = d[d_stride], d2 = d[2 * d_stride], d3 = d[3 * d_stride], d4 = d[4 * d_stride];
    v[0] = vfma(minus_squares, d2, d[0] + d4);
    const vreal even_small = vfma(minus_two, d2, d4), even_large = vfma(minus_half, d2, d4);
    const vreal odd_small = vfma(small, d3, -large * d1), odd_large = vfma(large, d3, -small * d1);
    v[v_stride] = even_small + odd_small;
    v[2 * v_stride] = even_small - odd_small;
    v[3 * v_stride] = even_large + odd_large;
    v[4 * v_stride] = even_large - odd_large;
    if (points == WINOGRAD_POINTS) v[5 * v_stride] = vfma(minus_squares, d3, d1 + d[5 * d_stride]);
}

/* Powers k = 0 … 4 of the two positive points. */
static const real winograd_small_powers[WINOGRAD_MAX_OUTPUTS] = {1, WINOGRAD_SMALL_POINT, (real)0.5,
                                                                 WINOGRAD_SMALL_POINT / 2, (real)0.25};
static const real winograd_large_powers[WINOGRAD_MAX_OUTPUTS] = {1, WINOGRAD_LARGE_POINT, 2, 2 * WINOGRAD_LARGE_POINT,
                                                                 4};

/* Computes Aᵀ m: `outputs` outputs from the products at the points. A short tile has one output fewer than a long
 * one. */
FNN_INLINE void winograd_transform_output(const vreal m[], ptrdiff_t m_stride, vreal out[], ptrdiff_t out_stride,
                                          int points, int outputs) {
    const vreal even_small = m[m_stride] + m[2 * m_stride], odd_small = m[m_stride] - m[2 * m_stride];
    const vreal even_large = m[3 * m_stride] + m[4 * m_stride], odd_large = m[3 * m_stride] - m[4 * m_stride];
#pragma GCC unroll 5
    for (int k = 0; k < outputs; k++) {
        const vreal small = vset(winograd_small_powers[k]), large = vset(winograd_large_powers[k]);
        vreal sum = k == 0       ? m[0] + (even_small + even_large)
                    : k % 2 == 0 ? vfma(small, even_small, large * even_large)
                                 : vfma(small, odd_small, large * odd_large);
        if (points == WINOGRAD_POINTS && k == outputs - 1) sum += m[5 * m_stride];
        out[k * out_stride] = sum;
    }
}

/* Evaluates the polynomial with `count` coefficients g at the points. Its value at ∞ is the last coefficient. */
FNN_INLINE void winograd_evaluate(const vreal g[], ptrdiff_t g_stride, int count, vreal v[], ptrdiff_t v_stride,
                                  int points) {
    vreal even_small = vset(0), odd_small = vset(0), even_large = vset(0), odd_large = vset(0);
#pragma GCC unroll 5
    for (int k = count - 1; k >= 0; k--) {
        const vreal coefficient = g[k * g_stride];
        if (k % 2 == 0) {
            even_small = vfma(vset(winograd_small_powers[k]), coefficient, even_small);
            even_large = vfma(vset(winograd_large_powers[k]), coefficient, even_large);
        } else {
            odd_small = vfma(vset(winograd_small_powers[k]), coefficient, odd_small);
            odd_large = vfma(vset(winograd_large_powers[k]), coefficient, odd_large);
        }
    }
    v[0] = g[0];
    v[v_stride] = even_small + odd_small;
    v[2 * v_stride] = even_small - odd_small;
    v[3 * v_stride] = even_large + odd_large;
    v[4 * v_stride] = even_large - odd_large;
    if (points == WINOGRAD_POINTS) v[5 * v_stride] = g[(count - 1) * g_stride];
}

/* Computes A dy: the polynomial of the gradients of `outputs` outputs at the points. This is winograd_evaluate with
 * shortcuts for one and two outputs. */
FNN_INLINE void winograd_transform_dout(const vreal dy[], vreal v[], const int points, const int outputs) {
    if (outputs > 2) {
        winograd_evaluate(dy, 1, outputs, v, 1, points);
        return;
    }
    const vreal small = vset(WINOGRAD_SMALL_POINT), large = vset(WINOGRAD_LARGE_POINT);
    v[0] = dy[0];
    v[1] = outputs == 1 ? dy[0] : vfma(small, dy[1], dy[0]);
    v[2] = outputs == 1 ? dy[0] : vfma(-small, dy[1], dy[0]);
    v[3] = outputs == 1 ? dy[0] : vfma(large, dy[1], dy[0]);
    v[4] = outputs == 1 ? dy[0] : vfma(-large, dy[1], dy[0]);
    if (points == WINOGRAD_POINTS) v[5] = dy[outputs - 1];
}

/* The factors of G: one over the product of a point's distances from the other points; 1 for the points 0 and ∞. */
#define WINOGRAD_SMALL_FACTOR ((real)(-2.0 / 3))
#define WINOGRAD_LARGE_FACTOR ((real)(1.0 / 6))

FNN_INLINE void winograd_scale_points(vreal v[], ptrdiff_t stride) {
    v[stride] *= vset(WINOGRAD_SMALL_FACTOR);
    v[2 * stride] *= vset(WINOGRAD_SMALL_FACTOR);
    v[3 * stride] *= vset(WINOGRAD_LARGE_FACTOR);
    v[4 * stride] *= vset(WINOGRAD_LARGE_FACTOR);
}

/* Computes G g: the polynomial of a filter's taps at the points, times the points' factors. */
FNN_INLINE void winograd_transform_filter(const vreal g[], const int taps, vreal u[], ptrdiff_t u_stride) {
    winograd_evaluate(g, 1, taps, u, u_stride, WINOGRAD_POINTS);
    winograd_scale_points(u, u_stride);
}

/* --- in two dimensions --- */

/* winograd/input_transform.c: computes Bᵀ d B of the tile whose first input is row y and column x of `channels` planes
 * of h × w pixels, as v[2-D point][channel][16], with `point_stride` elements between points and `channel_stride`
 * between channels. Pixels outside the planes count as zero. `points_h` and `points_w` are 6, or 5 for a short tile. */
void FN(winograd_transform_input_tile)(const real *plane, ptrdiff_t channels, ptrdiff_t h, ptrdiff_t w, ptrdiff_t y,
                                       ptrdiff_t x, real *v, ptrdiff_t channel_stride, ptrdiff_t point_stride,
                                       int points_h, int points_w);

/* Computes G g Gᵀ of `count` ≤ VL filters of taps × taps that lie side by side, as u[2-D point][filter], with
 * `point_stride` elements between points. Tap (a, b) of the filters is at g + (a taps + b) tap_stride, where a whole
 * vector is read whatever `count` is. */
FNN_INLINE void winograd_transform_filters_of(const real *g, ptrdiff_t tap_stride, real *u, ptrdiff_t point_stride,
                                              ptrdiff_t count, const int taps) {
    vreal half_transformed[WINOGRAD_POINTS][WINOGRAD_POINTS]; /* G g: [point][column of taps] */
    for (int b = 0; b < taps; b++) {
        vreal column[WINOGRAD_POINTS];
        for (int a = 0; a < taps; a++) column[a] = vload(g + (a * taps + b) * tap_stride);
        winograd_transform_filter(column, taps, &half_transformed[0][b], WINOGRAD_POINTS);
    }
    for (int i = 0; i < WINOGRAD_POINTS; i++) {
        vreal row[WINOGRAD_POINTS];
        winograd_transform_filter(half_transformed[i], taps, row, 1);
        for (int j = 0; j < WINOGRAD_POINTS; j++)
            vstore_part(u + (i * WINOGRAD_POINTS + j) * point_stride, row[j], count);
    }
}

FNN_INLINE void winograd_transform_filters(const real *g, ptrdiff_t tap_stride, ptrdiff_t taps, real *u,
                                           ptrdiff_t point_stride, ptrdiff_t count) {
    if (taps == 3)
        winograd_transform_filters_of(g, tap_stride, u, point_stride, count, 3);
    else
        winograd_transform_filters_of(g, tap_stride, u, point_stride, count, 5);
}

#endif
