/* The microkernel of direct convolution in the layout NCHW16n: a tile of filters × pixels, one vector of images each,
 * stays in registers over a block of channels and all their taps.
 *
 * The taps come as a list. One loop over all of them runs at the peak of the multiply-add units, where two nested loops
 * over filter rows and columns, of three turns each, cost a tile of 16 vectors a tenth.
 */
#ifndef FASTNN_NCHW16N_DIRECT_CONV_MICROKERNEL_H
#define FASTNN_NCHW16N_DIRECT_CONV_MICROKERNEL_H

#include "nchw16n/nchw16n.h"

enum {
    NCHW16N_CONV_MAX_FILTERS = FNN_VECTOR_REGISTERS == 32 ? 8 : 6,
    NCHW16N_CONV_MAX_PIXELS = 8,
};

/* Where a tap of the first channel lies: what it reads for the tile's first pixel, in elements from x on, and its
 * weights, in elements from w on, divided by the tile's filters. */
typedef struct {
    ptrdiff_t x, w;
} nchw16n_tap_offset;

typedef struct {
    ptrdiff_t channels, taps; /* a chain goes over both */
    const nchw16n_tap_offset *offsets;
    const real *x;
    ptrdiff_t x_channel_stride, x_pixel_stride;
    const real *w; /* the weights of the tile's filters lie side by side at every tap */
    ptrdiff_t w_channel_stride;
    real *out;
    ptrdiff_t out_filter_stride, out_pixel_stride;
    bool accumulate;  /* the chains go on from what is in `out`, else they start at zero */
    const real *bias; /* one element for each filter, added last; or NULL */
    bool relu;
} nchw16n_conv_tile_args;

typedef void (*nchw16n_conv_microkernel)(const nchw16n_conv_tile_args *args);

/* The most pixels of a tile of so many filters; there are instances for all numbers up to it. */
int FN(nchw16n_conv_tile_pixels)(int filters);
nchw16n_conv_microkernel FN(nchw16n_conv_microkernel_for)(int filters, int pixels);

#endif
