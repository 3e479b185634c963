/* The products at the points of Winograd's forward algorithm in the tile registers of AMX (gemm/gemm_tiles.h), from
 * factors that are split into bf16 numbers. The transforms are those of floats, and so are the sums.
 *
 * Both factors lie in panels of tiles as gemm/tile_block.h has them, over the channels of a group: the transformed
 * inputs of a tile of 16 images are a panel at each point, and so are the transformed weights of 16 filters.
 */
#ifndef FASTNN_WINOGRAD_ROUNDED_PRODUCTS_H
#define FASTNN_WINOGRAD_ROUNDED_PRODUCTS_H

#include "winograd/products.h"
#include "winograd/winograd.h"

enum { WINOGRAD_ROUNDED_TILES = 2 }; /* a block of products takes the panels of so many tiles */

struct winograd_rounding {
    const winograd_problem *p;
    real *weights; /* [group][two panels of filters][2-D point][panel] */
    int parts;
    ptrdiff_t panel;        /* elements of a panel */
    ptrdiff_t held_filters; /* for which a task holds products: those of whole pairs of panels */
};

/* How the products of p are computed in that precision, with memory for the parts of the weights
 * (fastnn.kernels.convolution.winograd_parts); false: as those of floats, where tiles are not in use or products are
 * too few to gain. */
bool FN(winograd_rounding_serves)(const winograd_problem *p, real *parts, int precision, winograd_rounding *r);

/* Splits all transformed weights, for all threads to read. */
void FN(winograd_round_weights)(const winograd_rounding *r);

/* Transforms and splits the inputs of a tile: v[2-D point][panel], point_stride elements from point to point. */
void FN(winograd_round_inputs)(const winograd_rounding *r, ptrdiff_t group, const winograd_tile_origin *at, real *v,
                               ptrdiff_t point_stride, int points_h, int points_w);

/* Computes the products of filters first … last-1 of a group at all points of tiles, whose number is a multiple of
 * WINOGRAD_ROUNDED_TILES. */
void FN(winograd_multiply_rounded)(const winograd_rounding *r, const winograd_tile_products *t, ptrdiff_t group,
                                   ptrdiff_t first, ptrdiff_t last, int points_h, int points_w);

#endif
