/* Direct convolution in the layout NCHW16n: the problem, and what may be done with the outputs while they are in the
 * caches. */
#ifndef FASTNN_NCHW16N_DIRECT_CONV_H
#define FASTNN_NCHW16N_DIRECT_CONV_H

#include "elementwise/activation.h"
#include "nchw16n/batch_moments.h"
#include "nchw16n/conv_axis.h"

/* A max-pooling of the outputs, whose windows tile them. */
typedef struct {
    ptrdiff_t size_h, size_w;
    void *argmax; /* as nchw16n_store_argmax writes it, or NULL */
    int type;
} nchw16n_pool_epilogue;

/* x[image block][group][channel][x_rows][x_cols][16] → out[image block][group][filter][out_rows][out_cols][16]. The
 * input gradient is the same problem: x is dout, out is dx, filters and channels change places. */
typedef struct {
    ptrdiff_t image_blocks, groups, filters, channels; /* the latter two of one group */
    const real *x;
    ptrdiff_t x_rows, x_cols;
    real *out;
    ptrdiff_t out_rows, out_cols;
    conv_axis rows, cols;
    const real *weight; /* [group][filter][channel][tap] in any order of the first three, with these strides */
    ptrdiff_t w_group_stride, w_filter_stride, w_channel_stride;
    const real *bias;      /* one element for each filter, or NULL */
    const real *activated; /* NULL, or laid out like out: it is multiplied with the activation's derivative there */
    int kind;              /* the activation */
    real alpha;
    /* Epilogues, or NULL: the statistics of the outputs, taken while they are in the cache; a pooling, which leaves
     * only the maxima of its windows in `out`. There is at most one of the two. */
    const nchw16n_statistics *statistics;
    const nchw16n_pool_epilogue *pool;
    /* The plan of one pass, which takes as many filters as have weights that fit the workspace. */
    int tile_filters;          /* the most filters of a tile; 1: the weights are not packed */
    ptrdiff_t filter_tiles;    /* the tiles of a group */
    ptrdiff_t first, end;      /* the tiles of the pass, counted through all groups */
    fnn_balanced filter_split; /* a group's filters, split into tiles */
    const real *packed;        /* the weights of the pass: [filter tile][channel][tap][filter of the tile] */
    ptrdiff_t chain;           /* channels × taps */
    int tile_pixels;           /* the most pixels of a tile */
    ptrdiff_t channel_block;   /* channels that follow each other while the chains stay in registers */
    const axis_segment *col_segments;
    int col_segment_count;
    ptrdiff_t col_begin, col_end; /* the columns of outputs that the segments cover */
    nchw16n_partition partition;  /* the rows of outputs, or of windows */
} nchw16n_conv;

void FN(nchw16n_conv_run)(nchw16n_conv *conv);

#endif
