/* The microkernel of direct convolution with few filters: a tile of rows × vectors of output pixels stays in registers
 * over a whole chain. */
#ifndef FASTNN_CONV_DIRECT_MICROKERNEL_H
#define FASTNN_CONV_DIRECT_MICROKERNEL_H

#include "runtime/kernel.h"

enum { CONV_DIRECT_TILE_ROWS = 4, CONV_DIRECT_TILE_VECTORS = 8 }; /* the largest tile has so many of one or the other */

typedef struct {
    ptrdiff_t taps;           /* the length of a chain */
    const ptrdiff_t *offsets; /* where each tap reads, from x on */
    const real *x;
    const real *weights; /* [tap][row] */
    real *out;           /* [row][pixel], `ld` elements from row to row */
    ptrdiff_t ld;
} conv_direct_tile_args;

typedef void (*conv_direct_microkernel)(const conv_direct_tile_args *args);

/* The most vectors of a tile of so many rows; there are instances for all numbers up to it. */
int FN(conv_direct_tile_vectors)(int rows);
conv_direct_microkernel FN(conv_direct_microkernel_for)(int rows, int vectors);

#endif
