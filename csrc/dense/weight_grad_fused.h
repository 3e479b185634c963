/* The weight gradient fused with its update, in one pass over w kept in panels. A tile's gradients are chains in
 * registers; they are applied between the multiply-adds of the next tile, because an update keeps the divider and the
 * memory busy and multiply-adds do not. */
#ifndef FASTNN_DENSE_WEIGHT_GRAD_FUSED_H
#define FASTNN_DENSE_WEIGHT_GRAD_FUSED_H

#include "dense/weight_grad_sink.h"

/* What a thread works on: n samples and the outputs first … end-1, where `first` begins a panel. */
typedef struct {
    const weight_grad_sink *sink; /* updates, in panels */
    ptrdiff_t n, first, end;
    const int64_t *index; /* sample k of x, where that is not packed, is row index[k]; or NULL */
    const real *columns;  /* dout of these outputs, panel by panel: [panel][sample][GEMM_NR] */
} fused_block;

/* Inputs whose panels are best updated side by side, for longer runs of memory. */
enum { FUSED_STRIP = 2 * GEMM_MR };

/* The gradients of a whole tile that are not applied yet. Begin with .cols = 0. */
typedef struct {
    ptrdiff_t at, cols; /* offset of the tile's parameters; number of columns, 0: nothing is pending */
    FNN_ALIGNED real gradient[GEMM_MR * GEMM_NR];
} pending_tile;

/* dout (n, m) → columns, of the outputs first … end-1. */
void FN(weight_grad_fused_pack)(real *columns, ptrdiff_t n, ptrdiff_t m, const real *dout, ptrdiff_t first,
                                ptrdiff_t end);

/* Applies the gradients of inputs row … row+rows-1, but for those of the last tile, which are pending. x holds the
 * inputs: sample k of input row+i is x[k * step + i], or with step 0 x holds packed tiles of GEMM_MR inputs. */
void FN(weight_grad_fused_rows)(const fused_block *s, const real *x, ptrdiff_t step, ptrdiff_t row, ptrdiff_t rows,
                                pending_tile *q);

/* Applies what is pending. */
void FN(weight_grad_fused_finish)(const fused_block *s, pending_tile *q);

/* Whether the sink updates weights in panels, and n samples fit the workspace. */
bool FN(weight_grad_fused_serves)(ptrdiff_t n, const weight_grad_sink *sink);

/* The whole gradient of x (n, d), its rows read by `index` if there is one, and dout (n, m), applied to w (d, m); the
 * bits are those of weight_grad_rank_k and gemm_run. */
void FN(weight_grad_fused)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const int64_t *index, const real *dout,
                           const weight_grad_sink *sink);

#endif
