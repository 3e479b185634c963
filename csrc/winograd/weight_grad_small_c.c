/* The sum of Winograd's weight gradient for few channels and filters.
 *
 * A task takes a slice of the images and as many rows of 2-D points as have accumulators that fit the second-level
 * cache. It transforms a few tiles at a time, for one row of points after the other, and multiplies filters and
 * channels with the microkernel of the direct weight gradient (nchw16n/weight_grad_microkernel.h): every lane of an
 * accumulator is a sum of its own, and the lanes are added up at the end. The slices are added in order; their number
 * follows from the shape alone, so that the bits are the same for any number of threads.
 */
#include "runtime/interruption.h"
#include "nchw16n/weight_grad_microkernel.h"
#include "winograd/winograd.h"

enum {
    IMAGE_SLICES = 2,        /* the most slices: adding up the lanes of a slice takes long */
    CHUNK_BYTES = 320 << 10, /* about the size of a chunk's transformed tiles, at one row of points */
    MOST_TILES = 128,        /* the most tiles of a chunk */
    ACC_BYTES = 128 << 10,   /* the accumulators of a task, unless one row of points has more */
    MOST_ROW_ACC_BYTES = WINOGRAD_POINTS * FNN_WINOGRAD_SMALL_PAIRS *
        VBYTES, /* the accumulators of one row of points */
    MOST_ACC_BYTES = MOST_ROW_ACC_BYTES > ACC_BYTES ? MOST_ROW_ACC_BYTES : ACC_BYTES,
};

typedef struct {
    const winograd_problem *p;
    ptrdiff_t group;
    ptrdiff_t image_slices;
    int point_rows;                        /* rows of points of a task */
    ptrdiff_t chunk_tiles;                 /* the most tiles of a chunk */
    ptrdiff_t filter_tiles, channel_tiles; /* register tiles of the microkernel */
    fnn_balanced filter_split, channel_split;
} schedule;

/* The entries of a row of Bᵀ that are not zero: three or four inputs and their weights. */
typedef struct {
    int terms, input[WINOGRAD_POINTS];
    real weight[WINOGRAD_POINTS];
} input_row;

typedef struct {
    weight_grad_offset tiles[MOST_TILES]; /* the microkernel's pixels are tiles */
    input_row input_rows[WINOGRAD_POINTS];
    _Alignas(64) real acc[MOST_ACC_BYTES / sizeof(real)]; /* [row of points][column of points][filter][channel][VL] */
    real x_points[WINOGRAD_SMALL_C_TILES_BYTES / sizeof(real)];    /* [column of points][tile][channel][16] */
    real dout_points[WINOGRAD_SMALL_C_TILES_BYTES / sizeof(real)]; /* [column of points][tile][filter][16] */
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

/* The distance between the columns of points of a chunk's tiles with `count` channels or filters is an odd number of
 * cache lines, so that the columns do not compete for the same sets of a cache. */
static ptrdiff_t column_stride(const schedule *s, ptrdiff_t count) {
    return (s->chunk_tiles * count | 1) * IMAGE_BLOCK;
}

static input_row input_row_of(int i) {
    input_row row = {.terms = 0};
    for (int k = 0; k < WINOGRAD_POINTS; k++) {
        vreal unit[WINOGRAD_POINTS], v[WINOGRAD_POINTS];
        for (int j = 0; j < WINOGRAD_POINTS; j++) unit[j] = vset((real)(j == k));
        winograd_transform_input(unit, 1, v, 1, WINOGRAD_POINTS);
        if (v[i][0] == 0) continue;
        row.input[row.terms] = k;
        row.weight[row.terms++] = v[i][0];
    }
    return row;
}

/* Element (i, k) of A, for m outputs. */
FNN_INLINE vreal dout_weight(int i, int k, const int m) {
    vreal unit[WINOGRAD_MAX_OUTPUTS], v[WINOGRAD_POINTS];
    for (int j = 0; j < m; j++) unit[j] = vset((real)(j == k));
    winograd_transform_dout(unit, v, WINOGRAD_POINTS, m);
    return v[i];
}

/* Computes one row of Bᵀ d B of the tile whose first input is (y, x), for all channels, as x_points[column of
 * points][channel][16]. */
FNN_INLINE void transform_input_row(const winograd_problem *p, const real *plane, ptrdiff_t y, ptrdiff_t x,
                                    const input_row *from, real *x_points, ptrdiff_t stride, const bool inside,
                                    const int points_w, const int terms) {
    const ptrdiff_t h = p->h, w = p->w;
    vreal weight[4];
    ptrdiff_t row[4];
    bool row_inside[4];
    for (int t = 0; t < terms; t++) {
        weight[t] = vset(from->weight[t]);
        row[t] = (y + from->input[t]) * w;
        row_inside[t] = y + from->input[t] >= 0 && y + from->input[t] < h;
    }
    for (ptrdiff_t c = 0; c < p->channels; c++, plane += h * w * IMAGE_BLOCK, x_points += IMAGE_BLOCK)
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
            vreal sums[WINOGRAD_POINTS], v[WINOGRAD_POINTS];
#pragma GCC unroll 6
            for (int j = 0; j < points_w; j++) {
                const bool column_inside = x + j >= 0 && x + j < w;
                sums[j] = vset(0);
#pragma GCC unroll 4
                for (int t = 0; t < terms; t++)
                    if (inside || (column_inside && row_inside[t]))
                        sums[j] = vfma(weight[t], vload(plane + (row[t] + x + j) * IMAGE_BLOCK + l), sums[j]);
            }
            winograd_transform_input(sums, 1, v, 1, points_w);
#pragma GCC unroll 6
            for (int j = 0; j < WINOGRAD_POINTS; j++) vstore(x_points + j * stride + l, j < points_w ? v[j] : vset(0));
        }
}

/* Computes row i of A dy Aᵀ of one tile for all filters, as dout_points[column of points][filter][16]. */
FNN_INLINE void transform_dout_row(const winograd_problem *p, const real *plane, const winograd_tile_origin *at, int i,
                                   real *dout_points, ptrdiff_t stride, const bool inside, const int points_w,
                                   const int m_h, const int m_w) {
    const ptrdiff_t q = p->q, rows = fnn_min(m_h, p->p - at->row), cols = fnn_min(m_w, q - at->col);
    vreal weight[WINOGRAD_MAX_OUTPUTS];
    for (int k = 0; k < m_h; k++) weight[k] = dout_weight(i, k, m_h);
    plane += (at->row * q + at->col) * IMAGE_BLOCK;
    for (ptrdiff_t f = 0; f < p->filters; f++, plane += p->p * q * IMAGE_BLOCK, dout_points += IMAGE_BLOCK)
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
            vreal sums[WINOGRAD_MAX_OUTPUTS], v[WINOGRAD_POINTS];
#pragma GCC unroll 4
            for (int j = 0; j < m_w; j++) {
                sums[j] = vset(0);
#pragma GCC unroll 4
                for (int k = 0; k < m_h; k++)
                    if (inside || (k < rows && j < cols))
                        sums[j] = vfma(weight[k], vload(plane + (k * q + j) * IMAGE_BLOCK + l), sums[j]);
            }
            winograd_transform_dout(sums, v, points_w, m_w);
#pragma GCC unroll 6
            for (int j = 0; j < WINOGRAD_POINTS; j++)
                vstore(dout_points + j * stride + l, j < points_w ? v[j] : vset(0));
        }
}

/* The instance of transform_input_row for a tile and a row of Bᵀ. */
static void transform_inputs(const winograd_problem *p, const real *plane, ptrdiff_t y, ptrdiff_t x,
                             const input_row *from, real *x_points, ptrdiff_t stride, int points_w) {
    const bool inside = y >= 0 && x >= 0 && y + WINOGRAD_POINTS <= p->h && x + points_w <= p->w;
#define TRANSFORM(is_inside, points_w, terms) \
    transform_input_row(p, plane, y, x, from, x_points, stride, is_inside, points_w, terms)
    switch (4 * inside + 2 * (points_w == WINOGRAD_POINTS) + (from->terms == 4)) {
        case 0: TRANSFORM(false, 5, 3); break;
        case 1: TRANSFORM(false, 5, 4); break;
        case 2: TRANSFORM(false, 6, 3); break;
        case 3: TRANSFORM(false, 6, 4); break;
        case 4: TRANSFORM(true, 5, 3); break;
        case 5: TRANSFORM(true, 5, 4); break;
        case 6: TRANSFORM(true, 6, 3); break;
        case 7: TRANSFORM(true, 6, 4); break;
    }
#undef TRANSFORM
}

/* The instance of transform_dout_row for a tile. */
FNN_INLINE void transform_dout(const winograd_problem *p, const real *plane, const winograd_tile_origin *at, int i,
                               real *dout_points, ptrdiff_t stride, const int points_w, const int m_h, const int m_w) {
    if (at->row + m_h <= p->p && at->col + m_w <= p->q)
        transform_dout_row(p, plane, at, i, dout_points, stride, true, points_w, m_h, m_w);
    else
        transform_dout_row(p, plane, at, i, dout_points, stride, false, points_w, m_h, m_w);
}

/* Transforms row i of the points of one tile, which is number `tile` of the chunk. */
static void transform_tile(const schedule *s, workspace *w, const winograd_tile_origin *at, int i, ptrdiff_t tile,
                           int kind) {
    const winograd_problem *p = s->p;
    const real *x = p->x + winograd_channel_planes(p, at->image_block, s->group);
    const real *dout = p->dout + winograd_filter_planes(p, at->image_block, s->group);
    real *dout_points = w->dout_points + tile * p->filters * IMAGE_BLOCK;
    const ptrdiff_t dout_stride = column_stride(s, p->filters);
    transform_inputs(p, x, at->row - p->pad_h, at->col - p->pad_w, &w->input_rows[i],
                     w->x_points + tile * p->channels * IMAGE_BLOCK, column_stride(s, p->channels),
                     WINOGRAD_POINTS - !winograd_long_cols(kind));
#define TRANSFORM_DOUT(points_h, points_w, m_h, m_w) \
    transform_dout(p, dout, at, i, dout_points, dout_stride, points_w, m_h, m_w)
    WINOGRAD_TILE_SWITCH(p->rows.outputs, kind, TRANSFORM_DOUT)
#undef TRANSFORM_DOUT
}

/* Adds the products of `count` tiles at one row of points to that row of the accumulators. */
static void multiply_row(const schedule *s, workspace *w, ptrdiff_t count, int row) {
    const ptrdiff_t channels = s->p->channels, filters = s->p->filters;
    weight_grad_tile_args args = {
        .pixels = count,
        .offsets = w->tiles,
        .dout_filter_stride = IMAGE_BLOCK,
        .acc_filter_stride = channels * VL,
    };
    for (int j = 0; j < WINOGRAD_POINTS; j++)
        for (ptrdiff_t filter_tile = 0; filter_tile < s->filter_tiles; filter_tile++) {
            const ptrdiff_t f = fnn_balanced_begin(&s->filter_split, filter_tile);
            const int tile_filters = (int)(fnn_balanced_begin(&s->filter_split, filter_tile + 1) - f);
            for (ptrdiff_t channel_tile = 0; channel_tile < s->channel_tiles; channel_tile++) {
                const ptrdiff_t c = fnn_balanced_begin(&s->channel_split, channel_tile);
                const int tile_channels = (int)(fnn_balanced_begin(&s->channel_split, channel_tile + 1) - c);
                args.dout = w->dout_points + j * column_stride(s, filters) + f * IMAGE_BLOCK;
                for (int l = 0; l < tile_channels; l++) {
                    args.x[l] = w->x_points + j * column_stride(s, channels) + (c + l) * IMAGE_BLOCK;
                    args.acc[l] = w->acc + (((row * WINOGRAD_POINTS + j) * filters + f) * channels + c + l) * VL;
                }
                const weight_grad_microkernel run = FN(weight_grad_microkernel_for)(tile_filters, tile_channels, false);
                for (int vector = 0; vector < PIXEL_VECTORS; vector++) {
                    run(&args);
                    args.dout += VL;
                    for (int l = 0; l < tile_channels; l++) args.x[l] += VL;
                }
            }
        }
}

/* Adds row i of the points of tiles begin … end-1, which are counted through all images. */
static void sum_row(const schedule *s, workspace *w, ptrdiff_t begin, ptrdiff_t end, int i) {
    const winograd_axis *rows = &s->p->rows, *cols = &s->p->cols;
    ptrdiff_t count = 0;
    for (ptrdiff_t tile = begin; tile < end; tile++) {
        const ptrdiff_t down = tile / cols->tiles % rows->tiles, across = tile % cols->tiles;
        const bool long_row = down < rows->long_tiles, long_col = across < cols->long_tiles;
        if (i == WINOGRAD_POINTS - 1 && !long_row) continue; /* a short tile has no last row of points */
        const winograd_tile_origin at = {tile / (rows->tiles * cols->tiles), winograd_tile_begin(rows, down),
                                         winograd_tile_begin(cols, across)};
        transform_tile(s, w, &at, i, count++, 2 * !long_row + !long_col);
    }
    if (count > 0) multiply_row(s, w, count, i % s->point_rows);
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const winograd_problem *p = s->p;
    const ptrdiff_t channels = p->channels, filters = p->filters, pairs = filters * channels;
    const int row_sets = WINOGRAD_POINTS / s->point_rows, first = task % row_sets * s->point_rows;
    const ptrdiff_t slice = task / row_sets, image_tiles = p->rows.tiles * p->cols.tiles;
    workspace *w = fnn_scratch();
    memset(w->acc, 0, (size_t)(s->point_rows * WINOGRAD_POINTS * pairs) * VBYTES);
    for (ptrdiff_t t = 0; t < s->chunk_tiles; t++)
        w->tiles[t] = (weight_grad_offset){.dout = t * filters * IMAGE_BLOCK, .x = t * channels * IMAGE_BLOCK};
    for (int i = first; i < first + s->point_rows; i++) w->input_rows[i] = input_row_of(i);
    const ptrdiff_t begin = p->image_blocks * slice / s->image_slices * image_tiles;
    const ptrdiff_t end = p->image_blocks * (slice + 1) / s->image_slices * image_tiles;
    const ptrdiff_t chunks = (end - begin + s->chunk_tiles - 1) / s->chunk_tiles;
    for (ptrdiff_t k = 0; k < chunks && !fnn_is_left(); k++)
        for (int i = first; i < first + s->point_rows; i++)
            sum_row(s, w, begin + (end - begin) * k / chunks, begin + (end - begin) * (k + 1) / chunks, i);
    real *du = p->work + (slice * WINOGRAD_POINTS + first) * WINOGRAD_POINTS * pairs;
    reduce_lanes(w->acc, s->point_rows * WINOGRAD_POINTS * pairs, du, false);
}

void FN(winograd_du_small_c)(const winograd_problem *p, ptrdiff_t group, bool filled[WINOGRAD_POINTS_2D]) {
    const ptrdiff_t channels = p->channels, filters = p->filters;
    const ptrdiff_t size =
        WINOGRAD_POINTS_2D * filters * channels; /* the elements of du; every slice has a du in p->work */
    const ptrdiff_t tile_row_bytes = WINOGRAD_POINTS * IMAGE_BLOCK * (ptrdiff_t)sizeof(real) * (filters + channels);
    const ptrdiff_t acc_row_bytes = WINOGRAD_POINTS * filters * channels * VBYTES;
    const int tile_filters = FN(weight_grad_tile_filters)(filters, channels);
    const int tile_channels = FN(weight_grad_tile_taps)(tile_filters);
    schedule s = {
        .p = p,
        .group = group,
        .image_slices = fnn_max(1, fnn_min(p->image_blocks, IMAGE_SLICES)),
        .point_rows = 1,
        .chunk_tiles = fnn_max(WINOGRAD_SMALL_C_LEAST_TILES, fnn_min(MOST_TILES, CHUNK_BYTES / tile_row_bytes)),
        .filter_tiles = (filters + tile_filters - 1) / tile_filters,
        .channel_tiles = (channels + tile_channels - 1) / tile_channels,
    };
    for (int rows = 2; rows < WINOGRAD_POINTS; rows++)
        if (WINOGRAD_POINTS % rows == 0 && rows * acc_row_bytes <= ACC_BYTES) s.point_rows = rows;
    s.filter_split = fnn_balance(filters, s.filter_tiles);
    s.channel_split = fnn_balance(channels, s.channel_tiles);
    nchw16n_parallel((int)s.image_slices * (WINOGRAD_POINTS / s.point_rows), run_task, &s,
                     winograd_tile_count(p) * (double)size);
    for (ptrdiff_t slice = 1; slice < s.image_slices; slice++)
        for (ptrdiff_t i = 0; i < size; i++) p->work[i] += p->work[slice * size + i];
    for (int point = 0; point < WINOGRAD_POINTS_2D; point++) filled[point] = true;
}
