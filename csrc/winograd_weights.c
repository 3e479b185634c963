/* Filters as Winograd's products want them: u = G g Gᵀ, in blocks of 24 filters (winograd.h). */
#include "winograd.h"

enum { WIDE = 32 }; /* a block of filters in whole vectors */

/* G g: the filter's polynomial at the points, weighed. */
static void values_at_points(const vreal g[], ptrdiff_t taps, vreal v[], ptrdiff_t v_step) {
    if (taps == 3)
        winograd_values(g, 1, 3, v, v_step, POINTS);
    else
        winograd_values(g, 1, 5, v, v_step, POINTS);
    winograd_weigh(v, v_step);
}

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
        for (ptrdiff_t l = 0; l < WINOGRAD_BLOCK; l += VL) {
            vreal lines[POINTS][POINTS];
            for (ptrdiff_t b = 0; b < wk->s; b++) {
                vreal column[POINTS];
                for (ptrdiff_t a = 0; a < wk->r; a++) column[a] = vload(gathered + (a * wk->s + b) * WIDE + l);
                values_at_points(column, wk->r, &lines[0][b], POINTS);
            }
            for (int i = 0; i < POINTS; i++) {
                vreal v[POINTS];
                values_at_points(lines[i], wk->s, v, 1);
                for (int j = 0; j < POINTS; j++)
                    vstore_part(u + ((i * POINTS + j) * wk->channels + c) * WINOGRAD_BLOCK + l, v[j],
                                fnn_min(VL, WINOGRAD_BLOCK - l));
            }
        }
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
