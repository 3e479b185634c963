/* The register tile of direct convolution on images innermost: filters × pixels, one vector of images each, kept in
 * registers over a block of channels and their taps. The taps are a list: one loop over all of them runs at the peak,
 * where one over the rows and one over the columns, of three turns each, cost a tile of 16 vectors a tenth. */
#ifndef FASTNN_NCHW16N_DIRECT_CONV_MICROKERNEL_H
#define FASTNN_NCHW16N_DIRECT_CONV_MICROKERNEL_H

#include "nchw16n/nchw16n.h"

#if FNN_VECTOR_REGISTERS == 32
#define NCHW16N_MAX_FILTERS 8
#else
#define NCHW16N_MAX_FILTERS 6
#endif
#define NCHW16N_MAX_PIXELS 8

/* Where a tap lies, of the first channel: what it reads for the first pixel, its weights. */
typedef struct {
    ptrdiff_t x; /* in elements */
    ptrdiff_t w; /* in weights of all of the tile's filters */
} nchw16n_tap;

typedef struct {
    ptrdiff_t channels, taps; /* of the chain */
    const nchw16n_tap *tap;
    const real *x;
    ptrdiff_t x_channel, x_pixel;
    const real *w; /* one weight of each of the tile's filters, side by side */
    ptrdiff_t w_channel;
    real *out;
    ptrdiff_t out_filter, out_pixel;
    bool goes_on;     /* the chains stand in `out` */
    const real *bias; /* added last; or NULL */
    bool relu;
} nchw16n_tile_task;

typedef void (*nchw16n_tile_fn)(const nchw16n_tile_task *t);

/* The most pixels of a tile of so many filters; there are instances for all numbers up to it. */
int FN(nchw16n_tile_pixels)(int filters);
nchw16n_tile_fn FN(nchw16n_tile_get)(int filters, int pixels);

#endif
