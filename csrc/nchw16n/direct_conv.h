/* Direct convolution of images innermost: what it is made of, and what follows it while its outputs are close. */
#ifndef FASTNN_NCHW16N_DIRECT_CONV_H
#define FASTNN_NCHW16N_DIRECT_CONV_H

#include "elementwise/activation.h"
#include "nchw16n/conv_axis.h"
#include "nchw16n/running_moments.h"

/* Windows that tile the outputs; of each the largest is kept, and its number. */
typedef struct {
    ptrdiff_t size_h, size_w;
    void *argmax; /* as nchw16n_put_argmax takes them; or NULL */
    int type;
} nchw16n_windows;

typedef struct {
    ptrdiff_t images, groups, filters, channels; /* groups of images; of channels; filters, channels of one of them */
    const real *x;
    ptrdiff_t x_rows, x_cols;
    real *out;
    ptrdiff_t out_rows, out_cols;
    axis rows, cols;
    const real *weight;
    ptrdiff_t w_group, w_filter, w_channel; /* in `weight`; its taps lie side by side */
    const real *bias;
    const real *activated; /* NULL, or: the result is multiplied with the derivative at these outputs */
    int kind;
    real alpha;
    const nchw16n_statistics *statistics; /* NULL, or: of the outputs, while they are close */
    const nchw16n_windows *windows;       /* NULL, or: `out` gets the largest of these; no statistics then */
    /* of one pass, whose filters' weights fit the workspace */
    int block;                    /* filters of a tile; 1: the weights are read where they lie */
    ptrdiff_t blocks, first, end; /* tiles of filters in a group of channels; those of all groups from first to end-1 */
    fnn_even even;                /* a group's filters into tiles */
    const real *packed;
    ptrdiff_t chain; /* channels × taps */
    int pixels;      /* of a tile, at most */
    ptrdiff_t channel_block;
    const axis_part *col_parts;
    int col_count;
    ptrdiff_t col_begin, col_end;
    nchw16n_cut cut;
} nchw16n_conv;

void FN(nchw16n_conv_run)(nchw16n_conv *v);

#endif
