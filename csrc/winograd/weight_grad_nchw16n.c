/* The kernel of Winograd's weight gradient in the layout NCHW16n: the form of the algorithm that it takes, and the
 * outer transform with the bias gradient, which the forms share. */
#include "winograd/winograd.h"

typedef struct {
    const winograd_problem *p;
    ptrdiff_t group;
    bool filled[WINOGRAD_POINTS_2D]; /* the points at which du stands; at the others it is zero */
} group_grad;

/* Computes dw = beta dw + Gᵀ du G for one filter of the group. */
FNN_INLINE void transform_du(const group_grad *g, ptrdiff_t filter, const int taps) {
    const winograd_problem *p = g->p;
    const ptrdiff_t channels = p->channels, filters = p->filters;
    const real *du = p->work + filter * channels;
    real *dw = p->dw + (g->group * filters + filter) * channels * taps * taps;
    for (ptrdiff_t c = 0; c < channels; c += VL) {
        const ptrdiff_t count = fnn_min(VL, channels - c);
        vreal half_transformed[WINOGRAD_MAX_OUTPUTS][WINOGRAD_POINTS]; /* Gᵀ du: [row of taps][point] */
        for (int j = 0; j < WINOGRAD_POINTS; j++) {
            vreal column[WINOGRAD_POINTS];
            for (int i = 0; i < WINOGRAD_POINTS; i++) {
                const int point = i * WINOGRAD_POINTS + j;
                column[i] = g->filled[point] ? vload_part(du + point * filters * channels + c, count) : vset(0);
            }
            winograd_scale_points(column, 1);
            winograd_transform_output(column, 1, &half_transformed[0][j], WINOGRAD_POINTS, WINOGRAD_POINTS, taps);
        }
        for (int a = 0; a < taps; a++) {
            vreal row[WINOGRAD_MAX_OUTPUTS];
            winograd_scale_points(half_transformed[a], 1);
            winograd_transform_output(half_transformed[a], 1, row, 1, WINOGRAD_POINTS, taps);
            for (int b = 0; b < taps; b++)
                for (ptrdiff_t i = 0; i < count; i++) {
                    real *to = dw + (c + i) * taps * taps + a * taps + b;
                    *to = p->beta != 0 ? *to + row[b][i] : row[b][i];
                }
        }
    }
}

static void finish_filter(void *context, int task) {
    const group_grad *g = context;
    const winograd_problem *p = g->p;
    const ptrdiff_t filter = g->group * p->filters + task;
    const ptrdiff_t plane = p->p * p->q * IMAGE_BLOCK;
    if (p->taps == 3)
        transform_du(g, task, 3);
    else
        transform_du(g, task, 5);
    if (p->db == NULL) return;
    vreal acc[4] = {vset(0), vset(0), vset(0), vset(0)};
    for (ptrdiff_t block = 0; block < p->image_blocks; block++) {
        const real *dout = p->dout + winograd_filter_planes(p, block, g->group) + task * plane;
        for (ptrdiff_t i = 0; i < plane; i += VL) acc[i / VL % 4] += vload(dout + i);
    }
    const vreal lanes = (acc[0] + acc[1]) + (acc[2] + acc[3]);
    real total = 0;
    for (ptrdiff_t i = 0; i < VL; i++) total += lanes[i];
    p->db[filter] = p->beta != 0 ? p->db[filter] + total : total;
}

static bool small_c_serves(const winograd_problem *p) {
    const ptrdiff_t pairs = p->filters * p->channels;
    const ptrdiff_t row_bytes =
        WINOGRAD_POINTS * IMAGE_BLOCK * (ptrdiff_t)sizeof(real); /* one channel of a tile, at one row of points */
    return p->channels <= FNN_WINOGRAD_SMALL_CHANNELS && pairs <= FNN_WINOGRAD_SMALL_PAIRS && pairs > 0 &&
           (WINOGRAD_SMALL_C_LEAST_TILES + 1) * row_bytes * fnn_max(p->filters, p->channels) <=
               WINOGRAD_SMALL_C_TILES_BYTES;
}

void FN(winograd_backward_weight_nchw16n)(const fnn_op *op) {
    /* x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s]~, db[f]?~, work[*]!; pad_h, pad_w, beta, precision */
    const ptrdiff_t *n = op->n, groups = n[1] / n[7];
    const winograd_problem p = {
        .x = IN(0),
        .dout = IN(1),
        .dw = OUT(2),
        .db = op->p[3],
        .work = OUT(4),
        .image_blocks = n[0],
        .groups = groups,
        .h = n[2],
        .w = n[3],
        .filters = n[4] / groups,
        .p = n[5],
        .q = n[6],
        .channels = n[7],
        .taps = n[8],
        .rows = winograd_split_axis(n[5], n[8]),
        .cols = winograd_split_axis(n[6], n[8]),
        .pad_h = (ptrdiff_t)op->s[0],
        .pad_w = (ptrdiff_t)op->s[1],
        .beta = (real)op->s[2],
        .precision = fnn_tiles() != FNN_TILES_NONE ? (int)op->s[3] : PRECISION_FLOAT32,
    };
    const bool small_c = small_c_serves(&p);
    for (ptrdiff_t group = 0; group < groups; group++) {
        group_grad g = {.p = &p, .group = group};
        if (small_c)
            FN(winograd_du_small_c)(&p, group, g.filled);
        else
            FN(winograd_du_gemm)(&p, group, g.filled);
        fnn_parallel((int)p.filters, finish_filter, &g);
    }
}
