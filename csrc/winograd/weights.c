/* Filters as Winograd's products want them: u = G g Gᵀ, in blocks of 24 filters (winograd/transforms.h). */
#include "winograd/transforms.h"

enum { WIDE = 32 }; /* a block of filters in whole vectors */

typedef struct {
    const real *weight;
    real *u;
    ptrdiff_t parts, blocks, filters, k, f, channels, r, s; /* filters and channels of a group as u has them */
    bool flip;
} work;

static void transform_block(void *context, int task) {
    const work *wk = context;
    const ptrdiff_t part = task / wk->blocks, block = task % wk->blocks, taps = wk->r * wk->s;
    const ptrdiff_t first = block * WINOGRAD_BLOCK, count = fnn_min(WINOGRAD_BLOCK, wk->filters - first);
    /* from filter to filter and from channel to channel of u, in weight[f,k,r,s] */
    const ptrdiff_t filter_step = (wk->flip ? 1 : wk->k) * taps, channel_step = (wk->flip ? wk->k : 1) * taps;
    const real *weight = wk->weight + part * (wk->f / wk->parts) * wk->k * taps + first * filter_step;
    real *u = wk->u + (part * wk->blocks + block) * PAIRS * wk->channels * WINOGRAD_BLOCK;
    real gathered[(POINTS - 1) * (POINTS - 1) * WIDE] = {0};
    for (ptrdiff_t c = 0; c < wk->channels; c++, weight += channel_step) {
        for (ptrdiff_t i = 0; i < count; i++)
            for (ptrdiff_t t = 0; t < taps; t++)
                gathered[t * WIDE + i] = weight[i * filter_step + (wk->flip ? taps - 1 - t : t)];
        for (ptrdiff_t l = 0; l < WINOGRAD_BLOCK; l += VL)
            winograd_filters(gathered + l, WIDE, wk->r, u + c * WINOGRAD_BLOCK + l, wk->channels * WINOGRAD_BLOCK,
                             fnn_min(VL, WINOGRAD_BLOCK - l));
    }
}

void FN(winograd_weights)(const fnn_op *op) {
    /* weight[f,k,r,s], u[e,j,36,i,24], flip */
    const ptrdiff_t *n = op->n;
    const bool flip = op->s[0] != 0;
    work wk = {
        .weight = IN(0),
        .u = OUT(1),
        .f = n[0],
        .k = n[1],
        .r = n[2],
        .s = n[3],
        .parts = n[4],
        .blocks = n[5],
        .channels = n[6],
        .filters = flip ? n[1] : n[0] / n[4],
        .flip = flip,
    };
    fnn_parallel((int)(wk.parts * wk.blocks), transform_block, &wk);
}
