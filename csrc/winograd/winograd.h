/* A convolution in the layout NCHW16n that Winograd's minimal filtering computes, or a gradient of one: what is given,
 * and the forms of the algorithm. */
#ifndef FASTNN_WINOGRAD_WINOGRAD_H
#define FASTNN_WINOGRAD_WINOGRAD_H

#include "winograd/tiles.h"

/* Arrays that a pass does not have are NULL.
 * x, dx: [image block][group][channel][h][w][16]
 * out, dout: [image block][group][filter][p][q][16]
 * u: the transformed weights, [group][filter block][2-D point][channel][24]
 * dw: [group][filter][channel][taps][taps]; b, db: [group][filter] */
typedef struct {
    const real *x, *dout, *u, *b;
    real *out, *dx, *dw, *db;
    const real *activated; /* laid out like dx, which is multiplied with the activation's derivative there */
    real *work;
    ptrdiff_t image_blocks, groups;
    ptrdiff_t channels, filters, filter_blocks; /* those of one group */
    ptrdiff_t h, w, p, q, pad_h, pad_w, taps;   /* taps: along an axis */
    winograd_axis rows, cols;                   /* the outputs, cut into tiles */
    int kind;                                   /* the activation */
    int precision;                              /* of the weight gradient's products, where tiles are in use */
    real alpha, beta;                           /* beta: 0 where dw and db are overwritten, else they are added to */
} winograd_problem;

/* Where the planes of a group of channels, or of its filters, begin in x and dx, or in out and dout. */
FNN_INLINE ptrdiff_t winograd_channel_planes(const winograd_problem *p, ptrdiff_t image_block, ptrdiff_t group) {
    return (image_block * p->groups + group) * p->channels * p->h * p->w * IMAGE_BLOCK;
}
FNN_INLINE ptrdiff_t winograd_filter_planes(const winograd_problem *p, ptrdiff_t image_block, ptrdiff_t group) {
    return (image_block * p->groups + group) * p->filters * p->p * p->q * IMAGE_BLOCK;
}

/* The weights of a filter at a 2-D point, for the group's first channel; those of the next channels follow
 * WINOGRAD_FILTER_BLOCK elements apart. */
FNN_INLINE const real *winograd_weights_of(const winograd_problem *p, ptrdiff_t group, ptrdiff_t filter,
                                           ptrdiff_t point) {
    const ptrdiff_t block = group * p->filter_blocks + filter / WINOGRAD_FILTER_BLOCK;
    return p->u + (block * WINOGRAD_POINTS_2D + point) * p->channels * WINOGRAD_FILTER_BLOCK +
           filter % WINOGRAD_FILTER_BLOCK;
}

/* Computes Bᵀ d B of a tile for channels c … c+count-1 of a group, as winograd_transform_input_tile does. */
FNN_INLINE void winograd_transform_inputs(const winograd_problem *p, ptrdiff_t group, const winograd_tile_origin *at,
                                          ptrdiff_t c, ptrdiff_t count, real *v, ptrdiff_t channel_stride,
                                          ptrdiff_t point_stride, int points_h, int points_w) {
    const real *planes = p->x + winograd_channel_planes(p, at->image_block, group);
    FN(winograd_transform_input_tile)(planes + c * p->h * p->w * IMAGE_BLOCK, count, p->h, p->w, at->row - p->pad_h,
                                      at->col - p->pad_w, v, channel_stride, point_stride, points_h, points_w);
}

/* Tiles of all images, for weighing whether they are worth waking threads. */
FNN_INLINE double winograd_tile_count(const winograd_problem *p) {
    return (double)p->image_blocks * (double)(p->rows.tiles * p->cols.tiles);
}

/* --- forward; the two forms round the output transform in different orders --- */

typedef struct winograd_rounding winograd_rounding;

/* winograd/forward_gemm.c: a matrix product for every 2-D point, of factors that are rounded unless `rounding` is NULL
 * (winograd/rounded_products.h). */
void FN(winograd_forward_gemm)(const winograd_problem *p, const winograd_rounding *rounding);

/* winograd/forward_small_c.c: for at most FNN_WINOGRAD_SMALL_CHANNELS channels, whose products stay in registers. Its
 * workspace has room for WINOGRAD_SMALL_C_WEIGHTS packed weights. */
enum { WINOGRAD_SMALL_C_WEIGHTS = (2 << 20) / sizeof(real) };
void FN(winograd_forward_small_c)(const winograd_problem *p);

/* The packed weights of all groups: the last register block of each is filled up with weights that reach no output. */
FNN_INLINE ptrdiff_t winograd_small_c_weights(const winograd_problem *p) {
    const ptrdiff_t blocks = (p->filters + WINOGRAD_REGISTER_BLOCK - 1) / WINOGRAD_REGISTER_BLOCK;
    return p->groups * blocks * WINOGRAD_REGISTER_BLOCK * WINOGRAD_POINTS_2D * p->channels;
}

/* --- weight gradient: the transpose of the forward algorithm ---
 *
 * dw = Gᵀ du G, where du = Σ (A dy Aᵀ) ⊙ (Bᵀ d B) is the gradient of the transformed weights, summed over tiles and
 * images before the outer transform. The two forms of this sum add in different orders. Each leaves du[2-D
 * point][filter][channel] of one group in p->work. Points that no tile has are not written; `filled` says which were.
 */

/* winograd/weight_grad_gemm.c: a matrix product for every 2-D point. */
void FN(winograd_du_gemm)(const winograd_problem *p, ptrdiff_t group, bool filled[WINOGRAD_POINTS_2D]);

/* winograd/weight_grad_small_c.c: for at most FNN_WINOGRAD_SMALL_CHANNELS channels and FNN_WINOGRAD_SMALL_PAIRS
 * pairs of a channel and a filter. Its workspace has to have room for the least chunk of tiles. */
enum {
    WINOGRAD_SMALL_C_LEAST_TILES = 8,       /* the fewest tiles of a chunk */
    WINOGRAD_SMALL_C_TILES_BYTES = 5 << 18, /* the workspace for a chunk's transformed tiles, at one row of points */
};
void FN(winograd_du_small_c)(const winograd_problem *p, ptrdiff_t group, bool filled[WINOGRAD_POINTS_2D]);

#endif
