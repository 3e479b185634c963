/* The register tile of direct convolution on images innermost: filters × pixels, one vector of images each, kept in
 * registers over a block of channels and their taps. The taps are a list: one loop over all of them runs at the peak,
 * where one over the rows and one over the columns, of three turns each, cost a tile of 16 vectors a tenth. */
#ifndef FASTNN_N16_TILE_H
#define FASTNN_N16_TILE_H

#include "n16.h"

#if FNN_VECTOR_REGISTERS == 32
#define N16_MAX_FILTERS 8
#else
#define N16_MAX_FILTERS 6
#endif
#define N16_MAX_PIXELS 8

/* Where a tap lies, of the first channel: what it reads for the first pixel, its weights. */
typedef struct {
    ptrdiff_t x; /* in elements */
    ptrdiff_t w; /* in weights of all of the tile's filters */
} n16_tap;

typedef struct {
    ptrdiff_t channels, taps; /* of the chain */
    const n16_tap *tap;
    const real *x;
    ptrdiff_t x_channel, x_pixel;
    const real *w; /* one weight of each of the tile's filters, side by side */
    ptrdiff_t w_channel;
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
