/* Weights are split once a call; inputs two channels at a time, while these are in the first-level cache. */
#include "winograd/rounded_products.h"

#include "gemm/tile_block.h"

#if FNN_WITH_BF16_PARTS

enum {
    TILE_WORDS = TILE_BYTES / sizeof(real), /* pairs of channels in a tile, for each of its 16 lines */
    LEAST_CHANNELS = 64,                    /* with fewer channels or filters the products are too few to gain */
    LEAST_FILTERS = TILE_BLOCK_ROWS,
};
_Static_assert((int)TILE_ROWS == IMAGE_BLOCK, "a row of a tile is a block of images");
_Static_assert((int)TILE_BLOCK_ROWS <= FNN_WINOGRAD_PADDING && (int)TILE_K <= FNN_WINOGRAD_PADDING,
               "the caller's memory has room for whole blocks");

static ptrdiff_t tiles_of_channels(const winograd_problem *p) { return (p->channels + TILE_K - 1) / TILE_K; }

static ptrdiff_t blocks_of_filters(const winograd_problem *p) {
    return (p->filters + TILE_BLOCK_ROWS - 1) / TILE_BLOCK_ROWS;
}

bool FN(winograd_rounding_serves)(const winograd_problem *p, real *parts, int precision, winograd_rounding *r) {
    if (precision == PRECISION_FLOAT32 || parts == NULL || fnn_tiles() == FNN_TILES_NONE ||
        p->channels < LEAST_CHANNELS || p->filters < LEAST_FILTERS)
        return false;
    *r = (winograd_rounding){
        .p = p,
        .weights = parts,
        .parts = precision,
        .panel = tiles_of_channels(p) * precision * TILE_WORDS,
        .held_filters = TILE_BLOCK_ROWS * fnn_min(2, blocks_of_filters(p)),
    };
    const ptrdiff_t of_a_tile = WINOGRAD_POINTS_2D * (r->panel + r->held_filters * IMAGE_BLOCK);
    const ptrdiff_t held = WINOGRAD_ROUNDED_TILES * of_a_tile + 2 * WINOGRAD_POINTS_2D * IMAGE_BLOCK;
    return held * (ptrdiff_t)sizeof(real) <= FNN_SCRATCH_BYTES;
}

/* The two panels of a block of filters at a 2-D point. */
static real *panels_of(const winograd_rounding *r, ptrdiff_t group, ptrdiff_t block, ptrdiff_t point) {
    const ptrdiff_t number = (group * blocks_of_filters(r->p) + block) * WINOGRAD_POINTS_2D + point;
    return r->weights + number * 2 * r->panel;
}

static void round_weights_task(void *context, int task) {
    const winograd_rounding *r = context;
    const winograd_problem *p = r->p;
    const ptrdiff_t point = task % WINOGRAD_POINTS_2D, number = task / WINOGRAD_POINTS_2D;
    const ptrdiff_t group = number / blocks_of_filters(p), block = number % blocks_of_filters(p);
    real *panel = panels_of(r, group, block, point);
    real *lines = fnn_scratch(); /* [channel][16 filters], which may come from two blocks of 24 */
    for (ptrdiff_t f = block * TILE_BLOCK_ROWS; f < (block + 1) * TILE_BLOCK_ROWS; f += TILE_ROWS, panel += r->panel) {
        const ptrdiff_t count = fnn_max(0, fnn_min(TILE_ROWS, p->filters - f));
        for (ptrdiff_t i = 0; i < count; i++) {
            const real *from = winograd_weights_of(p, group, f + i, point);
            for (ptrdiff_t c = 0; c < p->channels; c++) lines[c * TILE_ROWS + i] = from[c * WINOGRAD_FILTER_BLOCK];
        }
        const tile_lines l = {
            .at = lines,
            .count = count,
            .line = 1,
            .lines = GEMM_NR,
            .step = TILE_ROWS,
            .steps = GEMM_NR * TILE_ROWS,
            .k = p->channels,
        };
        FN(tile_panel)((char *)panel, &l, r->parts, true);
    }
}

void FN(winograd_round_weights)(const winograd_rounding *r) {
    const ptrdiff_t blocks = r->p->groups * blocks_of_filters(r->p);
    fnn_parallel((int)(blocks * WINOGRAD_POINTS_2D), round_weights_task, (void *)r);
}

void FN(winograd_round_inputs)(const winograd_rounding *r, ptrdiff_t group, const winograd_tile_origin *at, real *v,
                               ptrdiff_t point_stride, int points_h, int points_w) {
    enum { CHANNEL = WINOGRAD_POINTS_2D * IMAGE_BLOCK };
    FNN_ALIGNED real pair[2 * CHANNEL]; /* [channel][2-D point][16 images] */
    const ptrdiff_t channels = r->p->channels;
    for (ptrdiff_t c = 0; c < tiles_of_channels(r->p) * TILE_K; c += 2) {
        const ptrdiff_t count = fnn_max(0, fnn_min(2, channels - c));
        if (count < 2) memset(pair, 0, sizeof pair);
        if (count > 0)
            winograd_transform_inputs(r->p, group, at, c, count, pair, CHANNEL, IMAGE_BLOCK, points_h, points_w);
        real *to = v + c / TILE_K * r->parts * TILE_WORDS + c % TILE_K / 2 * IMAGE_BLOCK;
        for (int i = 0; i < points_h; i++)
            for (int j = 0; j < points_w; j++) {
                const ptrdiff_t point = i * WINOGRAD_POINTS + j;
                for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
                    const real *first = pair + point * IMAGE_BLOCK + l;
                    vreal words[PRECISION_FAST];
                    vpairs_of_parts(vload(first), vload(first + CHANNEL), r->parts, words);
                    for (int s = 0; s < r->parts; s++) vstore(to + point * point_stride + s * TILE_WORDS + l, words[s]);
                }
            }
    }
}

void FN(winograd_multiply_rounded)(const winograd_rounding *r, const winograd_tile_products *t, ptrdiff_t group,
                                   ptrdiff_t first, ptrdiff_t last, int points_h, int points_w) {
    const bool real_tiles = fnn_tiles() == FNN_TILES_AMX;
    const ptrdiff_t columns = t->tiles * IMAGE_BLOCK;
    tile_block_factors factors = {
        .panel = r->panel * (ptrdiff_t)sizeof(real),
        .k_blocks = tiles_of_channels(r->p),
        .parts = r->parts,
    };
    tiles_configure(real_tiles);
    for (int i = 0; i < points_h; i++)
        for (int j = 0; j < points_w; j++) {
            const ptrdiff_t point = i * WINOGRAD_POINTS + j;
            for (ptrdiff_t f = first; f < last; f += TILE_BLOCK_ROWS) {
                factors.a = (const char *)panels_of(r, group, f / TILE_BLOCK_ROWS, point);
                for (ptrdiff_t tile = 0; tile < t->tiles; tile += WINOGRAD_ROUNDED_TILES) {
                    factors.b = (const char *)(t->v + point * t->v_stride + tile * r->panel);
                    FN(tile_block)(&factors, t->m + point * t->m_stride + (f - first) * columns + tile * IMAGE_BLOCK,
                                   columns);
                }
            }
        }
    tiles_release(real_tiles);
}

#else

bool FN(winograd_rounding_serves)(const winograd_problem *p, real *parts, int precision, winograd_rounding *r) {
    (void)p, (void)parts, (void)precision, (void)r;
    return false;
}

void FN(winograd_round_weights)(const winograd_rounding *r) { (void)r; }

void FN(winograd_round_inputs)(const winograd_rounding *r, ptrdiff_t group, const winograd_tile_origin *at, real *v,
                               ptrdiff_t point_stride, int points_h, int points_w) {
    (void)r, (void)group, (void)at, (void)v, (void)point_stride, (void)points_h, (void)points_w;
}

void FN(winograd_multiply_rounded)(const winograd_rounding *r, const winograd_tile_products *t, ptrdiff_t group,
                                   ptrdiff_t first, ptrdiff_t last, int points_h, int points_w) {
    (void)r, (void)t, (void)group, (void)first, (void)last, (void)points_h, (void)points_w;
}

#endif
