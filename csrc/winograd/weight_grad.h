/* The weights' gradient by Winograd's algorithm: what it is made of, and its form for few channels. */
#ifndef FASTNN_WINOGRAD_WEIGHT_GRAD_H
#define FASTNN_WINOGRAD_WEIGHT_GRAD_H

#include "winograd/transforms.h"

typedef struct {
    const real *x, *dout;
    real *dw, *db, *values, *slopes,
        *sums; /* [pair][channel][tile, lane], [pair][filter][tile, lane], [pair][filter][channel] */
    ptrdiff_t groups, c, h, w, f, p, q, k, filters, pad_h, pad_w, size;
    winograd_line rows, cols;
    ptrdiff_t part, first, count; /* this chunk: of which channels, which tiles */
    int kind;
    bool begun[PAIRS]; /* the sums hold earlier chunks; otherwise nothing */
    ptrdiff_t apart_values, apart_slopes;
    real beta;
} winograd_gradient_work;

/* All sums of a part; uses what lies behind them. False, and nothing done, where there are too many channels. */
bool FN(winograd_few_sums)(winograd_gradient_work *wk);

#endif
