/* The register tile of direct convolution with few filters: rows × vectors of windows, kept in registers over a whole
 * chain. */
#ifndef FASTNN_CONV_DIRECT_H
#define FASTNN_CONV_DIRECT_H

#include "runtime/kernel.h"

enum { DIRECT_ROWS = 4, DIRECT_VECTORS = 8 }; /* at most */

typedef struct {
    ptrdiff_t taps;       /* of the chain */
    const ptrdiff_t *tap; /* what each reads, from x on */
    const real *x;
    const real *weights; /* [tap][row] */
    real *out;
    ptrdiff_t ld; /* from row to row of out */
} direct_tile_task;

typedef void (*direct_tile_fn)(const direct_tile_task *t);

/* The most vectors of a tile of so many rows; there are instances for all numbers up to it. */
int FN(direct_tile_vectors)(int rows);
direct_tile_fn FN(direct_tile_get)(int rows, int vectors);

#endif
