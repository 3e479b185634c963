/* Transformed weights of Winograd's algorithm: u = G g Gᵀ as u[group][filter block][2-D point][channel][24]. */
#include "winograd/transforms.h"

enum { GATHER_STRIDE = 32 }; /* a block of filters in whole vectors */

typedef struct {
    const real *weight; /* [group][filter][channel][tap] of the forward pass */
    real *u;
    ptrdiff_t groups;
    ptrdiff_t filters, channels, filter_blocks;  /* of a group, as the products take them, */
    ptrdiff_t forward_filters, forward_channels; /* and as they lie in `weight` */
    ptrdiff_t taps;                              /* the taps of a filter's row */
    bool flip; /* for the input gradient: filters are turned by 180° and change places with channels */
} problem;

static void transform_block(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t group = task / p->filter_blocks, block = task % p->filter_blocks, taps = p->taps * p->taps;
    const ptrdiff_t first = block * WINOGRAD_FILTER_BLOCK, count = fnn_min(WINOGRAD_FILTER_BLOCK, p->filters - first);
    const ptrdiff_t filter_stride = (p->flip ? 1 : p->forward_channels) * taps;
    const ptrdiff_t channel_stride = (p->flip ? p->forward_channels : 1) * taps;
    const real *weight = p->weight + group * p->forward_filters * p->forward_channels * taps + first * filter_stride;
    real *u = p->u + (group * p->filter_blocks + block) * WINOGRAD_POINTS_2D * p->channels * WINOGRAD_FILTER_BLOCK;
    real gathered[(WINOGRAD_POINTS - 1) * (WINOGRAD_POINTS - 1) * GATHER_STRIDE] = {0}; /* [tap][filter] */
    for (ptrdiff_t c = 0; c < p->channels; c++, weight += channel_stride) {
        for (ptrdiff_t i = 0; i < count; i++)
            for (ptrdiff_t t = 0; t < taps; t++)
                gathered[t * GATHER_STRIDE + i] = weight[i * filter_stride + (p->flip ? taps - 1 - t : t)];
        for (ptrdiff_t l = 0; l < WINOGRAD_FILTER_BLOCK; l += VL)
            winograd_transform_filters(gathered + l, GATHER_STRIDE, p->taps, u + c * WINOGRAD_FILTER_BLOCK + l,
                                       p->channels * WINOGRAD_FILTER_BLOCK, fnn_min(VL, WINOGRAD_FILTER_BLOCK - l));
    }
}

void FN(winograd_weights)(const fnn_op *op) {
    /* weight[f,k,r,s], u[e,j,36,i,24], flip */
    const ptrdiff_t *n = op->n;
    const bool flip = op->s[0] != 0;
    problem p = {
        .weight = IN(0),
        .u = OUT(1),
        .forward_filters = n[0] / n[4],
        .forward_channels = n[1],
        .taps = n[2],
        .groups = n[4],
        .filter_blocks = n[5],
        .channels = n[6],
        .filters = flip ? n[1] : n[0] / n[4],
        .flip = flip,
    };
    fnn_parallel((int)(p.groups * p.filter_blocks), transform_block, &p);
}
