/* Winograd's convolution in the layout NCHW16n, its products as matrix products.
 *
 * A task takes a few tiles of one kind through the whole algorithm. It transforms their inputs for all channels of a
 * group; then, for two blocks of 24 filters at a time, it multiplies at each 2-D point and transforms the products to
 * outputs. What it holds meanwhile lies in the thread's workspace and stays in the second-level cache. Every product is
 * one chain over the channels, so that neither the blocking nor the number of threads changes a bit. Where the factors
 * of the products are rounded, winograd/rounded_products.h has their place and order.
 */
#include "winograd/epilogue.h"
#include "winograd/products.h"
#include "winograd/rounded_products.h"

enum {
    MAX_TILES = 4, /* the most tiles of a task */
    /* The lowest and widest tiles that there are; with AVX2 high and narrow ones, because two vectors for every product
     * are what the second-level cache gives. */
    TILE_VECTORS = VBYTES == 32 ? GEMM_NR_VECTORS : 4,
    WORKSPACE = FNN_SCRATCH_BYTES / sizeof(real),
};

_Static_assert(FNN_WINOGRAD_HELD_FILTERS % WINOGRAD_FILTER_BLOCK == 0, "whole blocks of filters");

typedef struct {
    const winograd_problem *p;
    const winograd_rounding *rounding;               /* NULL: the factors are floats */
    ptrdiff_t together;                              /* the products are of so many tiles at a time */
    ptrdiff_t held_filters;                          /* for which a task holds products */
    ptrdiff_t input_tile;                            /* the elements of a tile's transformed inputs at a point */
    ptrdiff_t tasks_before[WINOGRAD_TILE_KINDS + 1]; /* the tasks of a group with tiles of the kinds before each */
} schedule;

/* Computes the products of filters first … last-1 of a group at one 2-D point. */
static void multiply(const winograd_problem *p, const winograd_tile_products *t, ptrdiff_t group, ptrdiff_t point,
                     ptrdiff_t first, ptrdiff_t last) {
    const ptrdiff_t columns = t->tiles * IMAGE_BLOCK, vectors = columns / VL;
    const real *v = t->v + point * t->v_stride;
    real *m = t->m + point * t->m_stride;
    for (ptrdiff_t j = 0, count; j < vectors; j += count) {
        count = fnn_min(TILE_VECTORS, vectors - j);
        const ptrdiff_t height = GEMM_ACCUMULATORS / fnn_max(count, GEMM_NR_VECTORS);
        for (ptrdiff_t f = first; f < last; f += WINOGRAD_FILTER_BLOCK)
            winograd_multiply(p->channels, winograd_weights_of(p, group, f, point), WINOGRAD_FILTER_BLOCK,
                              fnn_min(last - f, WINOGRAD_FILTER_BLOCK), height, v + j * VL, count, columns,
                              m + (f - first) * columns + j * VL);
    }
}

/* Computes the transformed inputs of the tiles. */
FNN_INLINE void transform_inputs(const schedule *s, const winograd_tile_products *t, ptrdiff_t group,
                                 const winograd_tile_origin origins[], ptrdiff_t count, const int points_h,
                                 const int points_w) {
    for (ptrdiff_t tile = 0; tile < count; tile++) {
        if (s->rounding != NULL)
            FN(winograd_round_inputs)(s->rounding, group, &origins[tile], t->v + tile * s->input_tile, t->v_stride,
                                      points_h, points_w);
        else
            winograd_transform_inputs(s->p, group, &origins[tile], 0, s->p->channels, t->v + tile * IMAGE_BLOCK,
                                      t->tiles * IMAGE_BLOCK, t->v_stride, points_h, points_w);
    }
}

/* Runs tiles first … first+count-1 of one kind for one group of channels. */
FNN_INLINE void run_tiles(const schedule *s, ptrdiff_t group, int kind, ptrdiff_t first, ptrdiff_t count,
                          const int points_h, const int points_w, const int m_h, const int m_w) {
    const winograd_problem *p = s->p;
    const ptrdiff_t filters = p->filters, tiles = (count + s->together - 1) / s->together * s->together;
    /* The strides from point to point are an odd number of cache lines, so that the points do not compete for the same
     * sets of a cache. */
    winograd_tile_products t = {
        .v = fnn_scratch(),
        .v_stride = tiles * s->input_tile + IMAGE_BLOCK,
        .m_stride = (s->held_filters * tiles + 1) * IMAGE_BLOCK,
        .tiles = tiles,
    };
    t.m = t.v + WINOGRAD_POINTS_2D * t.v_stride;
    winograd_tile_origin origins[MAX_TILES];
    for (ptrdiff_t tile = 0; tile < count; tile++)
        origins[tile] = winograd_locate_tile(&p->rows, &p->cols, kind, first + tile);
    transform_inputs(s, &t, group, origins, count, points_h, points_w);
    for (ptrdiff_t f = 0; f < filters; f += s->held_filters) {
        const ptrdiff_t last = fnn_min(filters, f + s->held_filters);
        if (s->rounding != NULL)
            FN(winograd_multiply_rounded)(s->rounding, &t, group, f, last, points_h, points_w);
        else
            for (int i = 0; i < points_h; i++)
                for (int j = 0; j < points_w; j++) multiply(p, &t, group, i * WINOGRAD_POINTS + j, f, last);
        for (ptrdiff_t tile = 0; tile < count; tile++)
            for (ptrdiff_t j = f; j < last; j++) {
                const winograd_tile_origin *at = &origins[tile];
                const real bias = p->b != NULL ? p->b[group * filters + j] : 0;
                const ptrdiff_t pixel = (j * p->p + at->row) * p->q + at->col;
                real *out = p->out + winograd_filter_planes(p, at->image_block, group) + pixel * IMAGE_BLOCK;
                winograd_finish_tile(t.m + ((j - f) * tiles + tile) * IMAGE_BLOCK, t.m_stride, bias, p->kind, p->alpha,
                                     out, p->q * IMAGE_BLOCK, fnn_min(m_h, p->p - at->row),
                                     fnn_min(m_w, p->q - at->col), points_h, points_w, m_h, m_w);
            }
    }
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const winograd_problem *p = s->p;
    const ptrdiff_t group = task / s->tasks_before[WINOGRAD_TILE_KINDS];
    ptrdiff_t number = task % s->tasks_before[WINOGRAD_TILE_KINDS];
    int kind = 0;
    while (number >= s->tasks_before[kind + 1]) kind++;
    const ptrdiff_t tiles = p->image_blocks * winograd_tiles_of_kind(&p->rows, &p->cols, kind);
    const ptrdiff_t tasks = s->tasks_before[kind + 1] - s->tasks_before[kind];
    number -= s->tasks_before[kind];
    const ptrdiff_t first = tiles * number / tasks, count = tiles * (number + 1) / tasks - first;
#define RUN_TILES(points_h, points_w, m_h, m_w) run_tiles(s, group, kind, first, count, points_h, points_w, m_h, m_w)
    WINOGRAD_TILE_SWITCH(p->rows.outputs, kind, RUN_TILES)
#undef RUN_TILES
}

void FN(winograd_forward_gemm)(const winograd_problem *p, const winograd_rounding *rounding) {
    schedule s = {
        .p = p,
        .rounding = rounding,
        .together = rounding != NULL ? WINOGRAD_ROUNDED_TILES : 1,
        .held_filters = rounding != NULL ? rounding->held_filters : fnn_min(FNN_WINOGRAD_HELD_FILTERS, p->filters),
        .input_tile = rounding != NULL ? rounding->panel : p->channels * IMAGE_BLOCK,
    };
    const ptrdiff_t of_a_tile = WINOGRAD_POINTS_2D * (s.input_tile + s.held_filters * IMAGE_BLOCK);
    const ptrdiff_t fit = (WORKSPACE - 2 * WINOGRAD_POINTS_2D * IMAGE_BLOCK) / of_a_tile;
    const ptrdiff_t most = fnn_min(MAX_TILES, fnn_max(1, fit / s.together) * s.together); /* tiles of a task */
    if (rounding != NULL) FN(winograd_round_weights)(rounding);
    for (int kind = 0; kind < WINOGRAD_TILE_KINDS; kind++) {
        const ptrdiff_t tiles = p->image_blocks * winograd_tiles_of_kind(&p->rows, &p->cols, kind);
        s.tasks_before[kind + 1] = s.tasks_before[kind] + (tiles + most - 1) / most;
    }
    fnn_parallel((int)(p->groups * s.tasks_before[WINOGRAD_TILE_KINDS]), run_task, &s);
}
