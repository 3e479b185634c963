/* Winograd's convolution in the layout NCHW16n, its products as matrix products.
 *
 * A task takes a few tiles of one kind through the whole algorithm. It transforms their inputs for all channels of a
 * group; then, for two blocks of 24 filters at a time, it multiplies at each 2-D point and transforms the products to
 * outputs. What it holds meanwhile lies in the thread's workspace and stays in the second-level cache. Every product is
 * one chain over the channels, so that neither the blocking nor the number of threads changes a bit.
 */
#include "winograd/epilogue.h"
#include "winograd/winograd.h"
#include "winograd/products.h"

enum {
    MAX_TILES = 4, /* the most tiles of a task */
    FILTERS = FNN_WINOGRAD_HELD_FILTERS,
    /* The lowest and widest tiles that there are; with AVX2 high and narrow ones, because two vectors for every product
     * are what the second-level cache gives. */
    TILE_VECTORS = VBYTES == 32 ? GEMM_NR_VECTORS : 4,
    WORKSPACE = FNN_SCRATCH_BYTES / sizeof(real),
};

_Static_assert(FILTERS % WINOGRAD_FILTER_BLOCK == 0, "whole blocks of filters");

typedef struct {
    const winograd_problem *p;
    ptrdiff_t tasks_before[WINOGRAD_TILE_KINDS + 1]; /* the tasks of a group with tiles of the kinds before each */
} schedule;

/* Computes m[filter - first][column] at one 2-D point from v[channel][column], for filters first … last-1 of a
 * group. */
static void multiply(const winograd_problem *p, ptrdiff_t group, ptrdiff_t point, const real *v, real *m,
                     ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns) {
    const ptrdiff_t vectors = columns / VL;
    for (ptrdiff_t j = 0, count; j < vectors; j += count) {
        count = fnn_min(TILE_VECTORS, vectors - j);
        const ptrdiff_t height = GEMM_ACCUMULATORS / fnn_max(count, GEMM_NR_VECTORS);
        for (ptrdiff_t f = first; f < last; f += WINOGRAD_FILTER_BLOCK)
            winograd_multiply(p->channels, winograd_weights_of(p, group, f, point), WINOGRAD_FILTER_BLOCK,
                              fnn_min(last - f, WINOGRAD_FILTER_BLOCK), height, v + j * VL, count, columns,
                              m + (f - first) * columns + j * VL);
    }
}

/* Runs tiles first … first+count-1 of one kind for one group of channels. */
FNN_INLINE void run_tiles(const winograd_problem *p, ptrdiff_t group, int kind, ptrdiff_t first, ptrdiff_t count,
                          const int points_h, const int points_w, const int m_h, const int m_w) {
    const ptrdiff_t channels = p->channels, filters = p->filters, columns = count * IMAGE_BLOCK;
    /* The strides from point to point are an odd number of cache lines, so that the points do not compete for the same
     * sets of a cache. */
    const ptrdiff_t v_stride = channels * columns + IMAGE_BLOCK;
    const ptrdiff_t m_stride = fnn_min(FILTERS, filters) * columns + IMAGE_BLOCK;
    real *v = fnn_scratch(), *m = v + WINOGRAD_POINTS_2D * v_stride;
    winograd_tile_origin origins[MAX_TILES];
    for (ptrdiff_t t = 0; t < count; t++) {
        origins[t] = winograd_locate_tile(&p->rows, &p->cols, kind, first + t);
        winograd_transform_inputs(p, group, &origins[t], 0, channels, v + t * IMAGE_BLOCK, columns, v_stride, points_h,
                                  points_w);
    }
    for (ptrdiff_t f = 0; f < filters; f += FILTERS) {
        const ptrdiff_t last = fnn_min(filters, f + FILTERS);
        for (int i = 0; i < points_h; i++)
            for (int j = 0; j < points_w; j++) {
                const ptrdiff_t point = i * WINOGRAD_POINTS + j;
                multiply(p, group, point, v + point * v_stride, m + point * m_stride, f, last, columns);
            }
        for (ptrdiff_t t = 0; t < count; t++)
            for (ptrdiff_t j = f; j < last; j++) {
                const winograd_tile_origin *at = &origins[t];
                const real bias = p->b != NULL ? p->b[group * filters + j] : 0;
                const ptrdiff_t pixel = (j * p->p + at->row) * p->q + at->col;
                real *out = p->out + winograd_filter_planes(p, at->image_block, group) + pixel * IMAGE_BLOCK;
                winograd_finish_tile(m + (j - f) * columns + t * IMAGE_BLOCK, m_stride, bias, p->kind, p->alpha, out,
                                     p->q * IMAGE_BLOCK, fnn_min(m_h, p->p - at->row), fnn_min(m_w, p->q - at->col),
                                     points_h, points_w, m_h, m_w);
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
#define RUN_TILES(points_h, points_w, m_h, m_w) run_tiles(p, group, kind, first, count, points_h, points_w, m_h, m_w)
    WINOGRAD_TILE_SWITCH(p->rows.outputs, kind, RUN_TILES)
#undef RUN_TILES
}

void FN(winograd_forward_gemm)(const winograd_problem *p) {
    const ptrdiff_t of_a_tile = WINOGRAD_POINTS_2D * IMAGE_BLOCK * (p->channels + fnn_min(FILTERS, p->filters));
    const ptrdiff_t fit = (WORKSPACE - 2 * WINOGRAD_POINTS_2D * IMAGE_BLOCK) / of_a_tile;
    const ptrdiff_t most = fnn_min(MAX_TILES, fnn_max(1, fit)); /* tiles of a task */
    schedule s = {.p = p};
    for (int kind = 0; kind < WINOGRAD_TILE_KINDS; kind++) {
        const ptrdiff_t tiles = p->image_blocks * winograd_tiles_of_kind(&p->rows, &p->cols, kind);
        s.tasks_before[kind + 1] = s.tasks_before[kind] + (tiles + most - 1) / most;
    }
    fnn_parallel((int)(p->groups * s.tasks_before[WINOGRAD_TILE_KINDS]), run_task, &s);
}
