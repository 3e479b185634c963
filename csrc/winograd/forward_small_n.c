/* Winograd's convolution of few images in the plain layout NCHW: instead of 16 images, a vector holds the same element
 * of 16 tiles, whichever images they are cut from. All tiles are long ones, so that they are alike; pixels outside the
 * image are zero.
 *
 * First the inputs of all tiles are transformed. Then a task takes 16 filters through the rest of the algorithm: it
 * transforms their weights, multiplies at every 2-D point and transforms the products to outputs. Each weight serves
 * few tiles, so transforming it anew is cheaper than reading it from memory in its transformed form. Every product is
 * one chain over the channels, so that neither the blocking nor the number of threads changes a bit.
 */
#include "winograd/epilogue.h"
#include "winograd/products.h"

#include "gemm/pack.h"

enum {
    TILE_BLOCK = IMAGE_BLOCK, /* tiles side by side in vectors: the transforms take them for images */
    CHUNK_BLOCKS = FNN_WINOGRAD_TILE_BLOCKS,
    FILTERS = 16,          /* the filters of a task */
    GATHERED_CHANNELS = 8, /* channels whose taps are gathered at a time */
    MAX_FILTER_TAPS = 5 * 5,
};

/* x[image][group][channel][h][w] → out[image][group][filter][p][q] */
typedef struct {
    const real *x;
    const real *weight; /* [group][filter][channel][tap]; flipped: [group][channel][filter][tap] */
    const real *b;      /* bias of each filter, or NULL */
    real *out;
    real *v; /* the transformed inputs: [chunk][group][2-D point][channel][tile block of the chunk][16 tiles] */
    ptrdiff_t images, groups, channels, filters; /* the latter two of one group */
    ptrdiff_t h, w, p, q, pad_h, pad_w;
    ptrdiff_t taps, m;                  /* taps of a filter's row; outputs of a tile's row */
    ptrdiff_t tiles_down, tiles_across; /* the tiles of one image */
    ptrdiff_t tile_blocks,
        channel_slices;      /* blocks of the tiles of all images; tasks that share the channels of a block */
    ptrdiff_t filter_blocks; /* blocks of a group's filters, each a task */
    bool flip;               /* the filters are turned by 180° and their channels read as filters: the input gradient */
    int kind;                /* the activation */
    real alpha;
} problem;

/* The number of tile blocks of a chunk: the last chunk may have fewer than the others. */
FNN_INLINE ptrdiff_t blocks_in_chunk(const problem *p, ptrdiff_t chunk) {
    return fnn_min(CHUNK_BLOCKS, p->tile_blocks - chunk * CHUNK_BLOCKS);
}

/* The distance between the points of a chunk's transformed inputs is an odd number of cache lines, so that the points
 * do not compete for the same sets of a cache. */
FNN_INLINE ptrdiff_t v_point_stride(const problem *p, ptrdiff_t chunk) {
    return (p->channels * blocks_in_chunk(p, chunk) + 1) * TILE_BLOCK;
}

FNN_INLINE real *v_of(const problem *p, ptrdiff_t chunk, ptrdiff_t group) {
    const ptrdiff_t before = chunk * p->groups * (p->channels * CHUNK_BLOCKS + 1) * TILE_BLOCK;
    return p->v + WINOGRAD_POINTS_2D * (before + group * v_point_stride(p, chunk));
}

typedef struct {
    ptrdiff_t image, row, col; /* where the tile's first output lies; image < 0: the tile only fills a vector up */
} tile_origin;

FNN_INLINE tile_origin locate_tile(const problem *p, ptrdiff_t tile) {
    const ptrdiff_t image = tile / (p->tiles_down * p->tiles_across);
    return (tile_origin){image < p->images ? image : -1, tile / p->tiles_across % p->tiles_down * p->m,
                         tile % p->tiles_across * p->m};
}

/* The inputs of a tile that lie inside its image are rows row_begin … row_end-1 and columns col_begin … col_end-1 of
 * its 6 × 6 inputs. */
typedef struct {
    ptrdiff_t start; /* where its input (0, 0) lies in the first channel's plane; may lie outside */
    ptrdiff_t row_begin, row_end, col_begin, col_end;
} inside_part;

FNN_INLINE inside_part inside_part_of(const problem *p, ptrdiff_t tile) {
    const tile_origin at = locate_tile(p, tile);
    const ptrdiff_t y = at.row - p->pad_h, x = at.col - p->pad_w;
    if (at.image < 0) return (inside_part){0};
    return (inside_part){(at.image * p->groups * p->channels * p->h + y) * p->w + x, fnn_max(0, -y),
                         fnn_min(WINOGRAD_POINTS, p->h - y), fnn_max(0, -x), fnn_min(WINOGRAD_POINTS, p->w - x)};
}

/* Transforms the inputs of one block of tiles for one slice of the channels. */
static void transform_inputs(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t block = task / p->channel_slices, slice = task % p->channel_slices;
    const ptrdiff_t chunk = block / CHUNK_BLOCKS, channel_stride = blocks_in_chunk(p, chunk) * TILE_BLOCK;
    const ptrdiff_t point_stride = v_point_stride(p, chunk), all_channels = p->groups * p->channels;
    inside_part parts[TILE_BLOCK];
    for (ptrdiff_t l = 0; l < TILE_BLOCK; l++) parts[l] = inside_part_of(p, block * TILE_BLOCK + l);
    real inputs[WINOGRAD_POINTS_2D * TILE_BLOCK] = {0}; /* those outside stay zero */
    const ptrdiff_t end = all_channels * (slice + 1) / p->channel_slices;
    for (ptrdiff_t c = all_channels * slice / p->channel_slices; c < end; c++) {
        for (ptrdiff_t l = 0; l < TILE_BLOCK; l++) {
            const inside_part *part = &parts[l];
            const real *from = p->x + part->start + c * p->h * p->w;
            for (ptrdiff_t i = part->row_begin; i < part->row_end; i++)
                for (ptrdiff_t j = part->col_begin; j < part->col_end; j++)
                    inputs[(i * WINOGRAD_POINTS + j) * TILE_BLOCK + l] = from[i * p->w + j];
        }
        real *v =
            v_of(p, chunk, c / p->channels) + c % p->channels * channel_stride + block % CHUNK_BLOCKS * TILE_BLOCK;
        FN(winograd_transform_input_tile)(inputs, 1, WINOGRAD_POINTS, WINOGRAD_POINTS, 0, 0, v, 0, point_stride,
                                          WINOGRAD_POINTS, WINOGRAD_POINTS);
    }
}

/* Computes u[2-D point][channel][16] for filters first … first+count-1 of a group, with `point_stride` elements between
 * points. */
static void transform_filters(const problem *p, ptrdiff_t group, ptrdiff_t first, ptrdiff_t count, real *u,
                              ptrdiff_t point_stride) {
    const ptrdiff_t taps = p->taps * p->taps;
    const real *weight = p->weight + group * p->filters * p->channels * taps;
    real gathered[GATHERED_CHANNELS * MAX_FILTER_TAPS * FILTERS + FILTERS];
    for (ptrdiff_t c = 0, channels; c < p->channels; c += channels) {
        channels = p->flip ? 1 : fnn_min(GATHERED_CHANNELS, p->channels - c);
        if (p->flip)
            FN(pack_rows)(gathered, count, taps, weight + (c * p->filters + first) * taps, taps, 1, NULL, NULL);
        else
            FN(pack_rows)(gathered, count, channels * taps, weight + (first * p->channels + c) * taps,
                          p->channels * taps, 1, NULL, NULL);
        for (ptrdiff_t i = 0; i < channels; i++) {
            const real *tap = gathered + (i * taps + (p->flip ? taps - 1 : 0)) * count;
            for (ptrdiff_t l = 0; l < count; l += VL)
                winograd_transform_filters(tap + l, p->flip ? -count : count, p->taps, u + (c + i) * FILTERS + l,
                                           point_stride, VL);
        }
    }
}

/* Computes m[filter][column] at one 2-D point for `count` filters, from u[channel][16] and v[channel][column]. */
static void multiply(const problem *p, const real *u, ptrdiff_t count, const real *v, real *m, ptrdiff_t columns) {
    const ptrdiff_t vectors = columns / VL, height = fnn_min(FILTERS / 2, GEMM_MR);
    for (ptrdiff_t j = 0, taken; j < vectors; j += taken) {
        taken = fnn_min(microkernel_vectors(height), vectors - j);
        winograd_multiply(p->channels, u, FILTERS, count, height, v + j * VL, taken, columns, m + j * VL);
    }
}

/* Writes outputs[m][m][16 tiles] to the places of these tiles in the planes of one filter. */
static void scatter_outputs(const problem *p, const real *outputs, ptrdiff_t tile_block, ptrdiff_t filter) {
    for (ptrdiff_t l = 0; l < TILE_BLOCK; l++) {
        const tile_origin at = locate_tile(p, tile_block * TILE_BLOCK + l);
        if (at.image < 0) break;
        real *out = p->out + ((at.image * p->groups * p->filters + filter) * p->p + at.row) * p->q + at.col;
        const ptrdiff_t rows = fnn_min(p->m, p->p - at.row), cols = fnn_min(p->m, p->q - at.col);
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = 0; j < cols; j++) out[i * p->q + j] = outputs[(i * p->m + j) * TILE_BLOCK + l];
    }
}

/* Turns the products of one filter and one block of tiles into their outputs. */
FNN_INLINE void finish_tiles(const problem *p, const real *products, ptrdiff_t point_stride, ptrdiff_t tile_block,
                             ptrdiff_t filter, const int m) {
    const real bias = p->b != NULL ? p->b[filter] : 0;
    real outputs[4 * 4 * TILE_BLOCK];
    winograd_finish_tile(products, point_stride, bias, p->kind, p->alpha, outputs, m * TILE_BLOCK, m, m,
                         WINOGRAD_POINTS, WINOGRAD_POINTS, m, m);
    scatter_outputs(p, outputs, tile_block, filter);
}

/* Runs one block of filters over all tiles. */
static void run_filter_block(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t group = task / p->filter_blocks, first = task % p->filter_blocks * FILTERS;
    const ptrdiff_t count = fnn_min(FILTERS, p->filters - first), u_stride = (p->channels + 1) * FILTERS;
    real *u = fnn_scratch(), *m = u + WINOGRAD_POINTS_2D * u_stride;
    transform_filters(p, group, first, count, u, u_stride);
    for (ptrdiff_t chunk = 0; chunk * CHUNK_BLOCKS < p->tile_blocks; chunk++) {
        const ptrdiff_t columns = blocks_in_chunk(p, chunk) * TILE_BLOCK, m_stride = count * columns + TILE_BLOCK;
        const real *v = v_of(p, chunk, group);
        for (ptrdiff_t point = 0; point < WINOGRAD_POINTS_2D; point++)
            multiply(p, u + point * u_stride, count, v + point * v_point_stride(p, chunk), m + point * m_stride,
                     columns);
        for (ptrdiff_t j = 0; j < count; j++)
            for (ptrdiff_t b = 0; b * TILE_BLOCK < columns; b++) {
                const real *products = m + j * columns + b * TILE_BLOCK;
                const ptrdiff_t tile_block = chunk * CHUNK_BLOCKS + b, filter = group * p->filters + first + j;
                if (p->m == 4)
                    finish_tiles(p, products, m_stride, tile_block, filter, 4);
                else
                    finish_tiles(p, products, m_stride, tile_block, filter, 2);
            }
    }
}

void FN(winograd_forward)(const fnn_op *op) {
    /* x[n,c,h,w], weight[i,k,r,s], b[f]?, out[n,f,p,q], work[*]; pad_h, pad_w, flip, kind, alpha */
    const ptrdiff_t *n = op->n;
    const bool flip = op->s[2] != 0;
    const ptrdiff_t groups = fnn_max(1, (flip ? n[8] : n[1]) / fnn_max(1, n[5]));
    problem p = {
        .x = IN(0),
        .weight = IN(1),
        .b = op->p[2],
        .out = OUT(3),
        .v = OUT(4),
        .images = n[0],
        .groups = groups,
        .channels = n[1] / groups,
        .h = n[2],
        .w = n[3],
        .taps = n[6],
        .m = WINOGRAD_POINTS + 1 - n[6],
        .filters = n[8] / groups,
        .p = n[9],
        .q = n[10],
        .pad_h = (ptrdiff_t)op->s[0],
        .pad_w = (ptrdiff_t)op->s[1],
        .flip = flip,
        .kind = (int)op->s[3],
        .alpha = (real)op->s[4],
    };
    p.tiles_down = (p.p + p.m - 1) / p.m;
    p.tiles_across = (p.q + p.m - 1) / p.m;
    p.tile_blocks = (p.images * p.tiles_down * p.tiles_across + TILE_BLOCK - 1) / TILE_BLOCK;
    p.channel_slices = fnn_min(groups * p.channels, fnn_max(1, FNN_MAX_TASKS / fnn_max(1, p.tile_blocks)));
    p.filter_blocks = (p.filters + FILTERS - 1) / FILTERS;
    fnn_parallel((int)(p.tile_blocks * p.channel_slices), transform_inputs, &p);
    fnn_parallel((int)(p.groups * p.filter_blocks), run_filter_block, &p);
}
