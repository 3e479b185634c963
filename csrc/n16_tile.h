/* The register tile of direct convolution on images innermost: filters × pixels, one vector of images each, kept in
 * registers over a block of channels and their taps. */
#ifndef FASTNN_N16_TILE_H
#define FASTNN_N16_TILE_H

#include "n16.h"

#if FNN_VECTOR_REGISTERS == 32
#define N16_MAX_FILTERS 8
#else
#define N16_MAX_FILTERS 6
#endif
#define N16_MAX_PIXELS 8

typedef struct {
    ptrdiff_t channels, rows, cols; /* of the chain: channels, filter rows and columns */
    const real *x;                  /* what the first pixel's first tap reads */
    ptrdiff_t x_channel, x_row, x_col, x_pixel;
    const real *w; /* one weight of each of the tile's filters, side by side */
    ptrdiff_t w_channel, w_row, w_col;
    real *out;
    ptrdiff_t out_filter, out_pixel;
    bool goes_on;     /* the chains stand in `out` */
    const real *bias; /* added last; or NULL */
    bool relu;
} n16_tile_task;

typedef void (*n16_tile_fn)(const n16_tile_task *t);

/* The most pixels of a tile of so many filters; there are instances for all numbers up to it. */
int FN(n16_tile_pixels)(int filters);
n16_tile_fn FN(n16_tile_get)(int filters, int pixels);

#endif
