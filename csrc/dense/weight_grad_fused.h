/* Weight gradients in one sweep over w kept in panels: those of a tile are chains in registers, spent on the update
 * between the multiply-adds of the next tile, for an update keeps the divider and the memory busy and those do not. */
#ifndef FASTNN_DENSE_WEIGHT_GRAD_FUSED_H
#define FASTNN_DENSE_WEIGHT_GRAD_FUSED_H

#include "dense/weight_grad_rank_k.h"

/* What a thread works on: n samples and the outputs first … end-1, first a panel's. */
typedef struct {
    const outer_sink *sink; /* updates, in panels, by sgd, momentum or adam */
    ptrdiff_t n, first, end;
    const int64_t *index; /* sample k of x, where that is not packed, is row index[k]; or NULL */
    const real *columns;  /* dout of these outputs, panel by panel: [panel][sample][TILE_COLS] */
} sweep;

/* Inputs whose panels are best updated side by side: longer runs of memory. */
enum { SWEEP_STRIP = 2 * TILE_ROWS };

/* Gradients of a whole tile that wait for being spent. Begin with .cols = 0. */
typedef struct {
    ptrdiff_t at, cols; /* of the tile's parameters; how many columns, 0: nothing waits */
    FNN_ALIGNED real gradient[TILE_ROWS * TILE_COLS];
} sweep_pending;

/* dout (n, m) → columns, of the outputs first … end-1. */
void FN(sweep_pack)(real *columns, ptrdiff_t n, ptrdiff_t m, const real *dout, ptrdiff_t first, ptrdiff_t end);

/* The gradients of inputs row … row+rows-1. x: their values; sample k of input row+i is x[k * step + i], or with
 * step 0 x holds a packed tile of TILE_ROWS inputs after the other. */
void FN(sweep_rows)(const sweep *s, const real *x, ptrdiff_t step, ptrdiff_t row, ptrdiff_t rows, sweep_pending *q);

/* Spends what is left. */
void FN(sweep_finish)(const sweep *s, sweep_pending *q);

/* All of x (n, d), its rows read by `index` if there is one, dout (n, m) → the update of w (d, m); the same bits as
 * outer_run's and gemm_run's. False, and nothing done, where the sink or the sizes are not for a sweep. */
bool FN(sweep_run)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index, const real *dout,
                   const outer_sink *sink);

#endif
