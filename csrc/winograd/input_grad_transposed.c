/* The input gradient of a convolution in the layout NCHW16n by the transpose of Winograd's forward algorithm, for few
 * channels: every tile of the forward pass adds its share to all the inputs that it read.
 *
 * Of each tile, A dy Aᵀ is computed for every filter. Its products with the transformed weights are summed over the
 * filters in registers, every sum one chain; then B (…) Bᵀ of the sums is added to the inputs, tile after tile in their
 * order. Where a convolution without padding makes images smaller, these are fewer tiles than those of dx, which a
 * forward pass with turned filters would compute. Of more than FILTERS filters, every further block of them is added by
 * another pass over the tiles.
 */
#include "elementwise/activation.h"
#include "winograd/winograd.h"

enum {
    FILTERS = FNN_WINOGRAD_SMALL_CHANNELS, /* the most filters of a pass */
    CHANNELS = WINOGRAD_REGISTER_BLOCK,    /* the most channels of a register block */
    PACKED_WEIGHTS = (2 << 20) / sizeof(real),
};

/* A pass takes some register blocks of a group's channels over some of its filters. */
typedef struct {
    const winograd_problem *p;
    fnn_balanced channel_split; /* a group's channels, split into register blocks */
    ptrdiff_t group, first_block, end_block, first_filter, end_filter;
    const real *weights; /* [register block][row of points][filter][column of points][channel of the block] */
    ptrdiff_t slices;    /* tasks that share the register blocks of a block of images */
} pass;

/* The first channel of a register block. */
static ptrdiff_t block_begin(const pass *s, ptrdiff_t block) { return fnn_balanced_begin(&s->channel_split, block); }

static void pack_weights(const pass *s, real *dst) {
    for (ptrdiff_t block = s->first_block; block < s->end_block; block++) {
        const ptrdiff_t c = block_begin(s, block), count = block_begin(s, block + 1) - c;
        for (int i = 0; i < WINOGRAD_POINTS; i++)
            for (ptrdiff_t f = s->first_filter; f < s->end_filter; f++)
                for (int j = 0; j < WINOGRAD_POINTS; j++, dst += count) {
                    const real *u = winograd_weights_of(s->p, s->group, f, i * WINOGRAD_POINTS + j);
                    for (ptrdiff_t l = 0; l < count; l++) dst[l] = u[(c + l) * WINOGRAD_FILTER_BLOCK];
                }
    }
}

/* A kind of tile along an axis: its points, and its outputs. */
typedef struct {
    int points, outputs;
} tile_length;

/* Computes A dy of the tile whose first output is (row, col), for every filter of the pass, as dout_points[filter][row
 * of points][column of outputs][16]. Outputs outside the image count as zero. */
FNN_INLINE void transform_dout_columns(const pass *s, const real *plane, ptrdiff_t row, ptrdiff_t col,
                                       real *dout_points, const int points_h, const int m_h, int m_w) {
    const winograd_problem *p = s->p;
    const ptrdiff_t rows = fnn_min(m_h, p->p - row), cols = fnn_min(m_w, p->q - col);
    plane += (row * p->q + col) * IMAGE_BLOCK;
    for (ptrdiff_t f = s->first_filter; f < s->end_filter; f++) {
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL)
            for (int j = 0; j < m_w; j++) {
                vreal dy[WINOGRAD_MAX_OUTPUTS], v[WINOGRAD_POINTS];
#pragma GCC unroll 4
                for (int i = 0; i < m_h; i++)
                    dy[i] = i < rows && j < cols ? vload(plane + (i * p->q + j) * IMAGE_BLOCK + l) : vset(0);
                winograd_transform_dout(dy, v, points_h, m_h);
#pragma GCC unroll 6
                for (int i = 0; i < points_h; i++) vstore(dout_points + (i * m_w + j) * IMAGE_BLOCK + l, v[i]);
            }
        plane += p->p * p->q * IMAGE_BLOCK;
        dout_points += WINOGRAD_POINTS * m_w * IMAGE_BLOCK;
    }
}

/* Computes acc[channel][column of points] at one row of points: the sum over the filters of w[filter][column][channel]
 * times that row of A dy Aᵀ, which is made here from the row of A dy. */
FNN_INLINE void multiply_row(const pass *s, const real *dout_points, const real *w,
                             vreal acc[CHANNELS][WINOGRAD_POINTS], const int count, const int points_w, const int m_w) {
#pragma GCC unroll 4
    for (int l = 0; l < count; l++)
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) acc[l][j] = vset(0);
#pragma GCC unroll 1
    for (ptrdiff_t f = s->first_filter; f < s->end_filter; f++) {
        vreal dy[WINOGRAD_MAX_OUTPUTS], v[WINOGRAD_POINTS];
#pragma GCC unroll 4
        for (int j = 0; j < m_w; j++) dy[j] = vload(dout_points + j * IMAGE_BLOCK);
        winograd_transform_dout(dy, v, points_w, m_w);
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++)
#pragma GCC unroll 4
            for (int l = 0; l < count; l++) acc[l][j] = vfma(vset(w[j * count + l]), v[j], acc[l][j]);
        dout_points += WINOGRAD_POINTS * m_w * IMAGE_BLOCK;
        w += WINOGRAD_POINTS * count;
    }
}

/* Computes B v along an axis: what the sums v at the points give to each input. */
FNN_INLINE void transform_to_inputs(const vreal v[], vreal d[], const int points) {
    const vreal small = vset(WINOGRAD_SMALL_POINT), large = vset(WINOGRAD_LARGE_POINT);
    const vreal minus_squares = vset((real)-2.5), last = points == WINOGRAD_POINTS ? v[5] : vset(0);
    const vreal even_small = v[1] + v[2], odd_small = v[1] - v[2];
    const vreal even_large = v[3] + v[4], odd_large = v[3] - v[4];
    d[0] = v[0];
    d[1] = vfma(-large, odd_small, vfma(-small, odd_large, last));
    d[2] = vfma(minus_squares, v[0], vfma(vset(-2), even_small, vset((real)-0.5) * even_large));
    d[3] = vfma(small, odd_small, vfma(large, odd_large, minus_squares * last));
    d[4] = v[0] + (even_small + even_large);
    if (points == WINOGRAD_POINTS) d[5] = last;
}

/* What a tile gives to a register block of channels, transformed along rows: [channel][column of inputs][row of
 * points]. */
typedef vreal half_transformed[CHANNELS][WINOGRAD_POINTS][WINOGRAD_POINTS];

FNN_INLINE void multiply(const pass *s, const real *dout_points, const real *w, int points_h, half_transformed half,
                         const int count, const int points_w, const int m_w) {
    const ptrdiff_t filters = s->end_filter - s->first_filter;
#pragma GCC unroll 1
    for (int i = 0; i < points_h; i++, dout_points += m_w * IMAGE_BLOCK, w += filters * WINOGRAD_POINTS * count) {
        vreal acc[CHANNELS][WINOGRAD_POINTS];
        multiply_row(s, dout_points, w, acc, count, points_w, m_w);
#pragma GCC unroll 4
        for (int l = 0; l < count; l++) {
            vreal row[WINOGRAD_POINTS];
            transform_to_inputs(acc[l], row, points_w);
#pragma GCC unroll 6
            for (int j = 0; j < points_w; j++) half[l][j][i] = row[j];
        }
    }
}

/* An instance for each number of channels and each kind of tile along rows. */
#define INSTANCE(count, points_w, m_w)                                                                        \
    static void multiply_##count##_##m_w(const pass *s, const real *dout_points, const real *w, int points_h, \
                                         half_transformed half) {                                             \
        multiply(s, dout_points, w, points_h, half, count, points_w, m_w);                                    \
    }
#define EACH_TILE(count) INSTANCE(count, 6, 4) INSTANCE(count, 5, 3) INSTANCE(count, 6, 2) INSTANCE(count, 5, 1)
#define ROW(count) \
    [count] = {NULL, multiply_##count##_1, multiply_##count##_2, multiply_##count##_3, multiply_##count##_4},
#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) _(1) _(2) _(3) _(4)
#else
#define EACH(_) _(1) _(2)
#endif

EACH(EACH_TILE)

typedef void (*multiply_fn)(const pass *s, const real *dout_points, const real *w, int points_h, half_transformed half);

static const multiply_fn instances[CHANNELS + 1][4 + 1] = {EACH(ROW)};

/* Adds a tile whose first input is (y, x) of the planes dx. */
FNN_INLINE void add_columns(const pass *s, half_transformed half, ptrdiff_t y, ptrdiff_t x, real *dx, ptrdiff_t count,
                            int columns, const int points_h) {
    const ptrdiff_t h = s->p->h, width = s->p->w;
#pragma GCC unroll 1
    for (ptrdiff_t l = 0; l < count; l++, dx += h * width * IMAGE_BLOCK)
#pragma GCC unroll 1
        for (int j = 0; j < columns; j++) {
            vreal column[WINOGRAD_POINTS];
            transform_to_inputs(half[l][j], column, points_h);
            if (x + j < 0 || x + j >= width) continue;
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) {
                real *to = dx + ((y + i) * width + x + j) * IMAGE_BLOCK;
                if (y + i >= 0 && y + i < h) vstore(to, vload(to) + column[i]);
            }
        }
}

/* Adds what the tile whose first output is (row, col) gives to register blocks first_block … end_block-1. */
FNN_INLINE void add_tile(const pass *s, const real *dout, ptrdiff_t row, ptrdiff_t col, real *planes,
                         ptrdiff_t first_block, ptrdiff_t end_block, const int points_h, const int m_h,
                         tile_length across) {
    real *dout_points = fnn_scratch();
    const ptrdiff_t filters = s->end_filter - s->first_filter, y = row - s->p->pad_h, x = col - s->p->pad_w;
    transform_dout_columns(s, dout, row, col, dout_points, points_h, m_h, across.outputs);
    const ptrdiff_t first_channel = block_begin(s, s->first_block);
    for (ptrdiff_t block = first_block; block < end_block; block++) {
        const ptrdiff_t c = block_begin(s, block), count = block_begin(s, block + 1) - c;
        const real *w = s->weights + (c - first_channel) * WINOGRAD_POINTS_2D * filters;
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
            half_transformed half;
            instances[count][across.outputs](s, dout_points + l, w, points_h, half);
            add_columns(s, half, y, x, planes + c * s->p->h * s->p->w * IMAGE_BLOCK + l, count, across.points,
                        points_h);
        }
    }
}

/* Adds what a row of tiles gives. The tiles are all long or all short in their rows. A long tile has m outputs. */
FNN_INLINE void add_tile_row(const pass *s, const real *dout, ptrdiff_t row, real *planes, ptrdiff_t first_block,
                             ptrdiff_t end_block, const int points_h, const int m_h, const int m) {
    for (ptrdiff_t t = 0; t < s->p->cols.tiles; t++) {
        const bool is_long = t < s->p->cols.long_tiles;
        const tile_length across = {WINOGRAD_POINTS - !is_long, m - !is_long};
        add_tile(s, dout, row, winograd_tile_begin(&s->p->cols, t), planes, first_block, end_block, points_h, m_h,
                 across);
    }
}

static void run_task(void *context, int task) {
    const pass *s = context;
    const winograd_problem *p = s->p;
    const ptrdiff_t image_block = task / s->slices, slice = task % s->slices, blocks = s->end_block - s->first_block;
    const ptrdiff_t first_block = s->first_block + blocks * slice / s->slices;
    const ptrdiff_t end_block = s->first_block + blocks * (slice + 1) / s->slices;
    const ptrdiff_t plane = p->h * p->w * IMAGE_BLOCK, planes_at = winograd_channel_planes(p, image_block, s->group);
    const real *dout =
        p->dout + winograd_filter_planes(p, image_block, s->group) + s->first_filter * p->p * p->q * IMAGE_BLOCK;
    real *planes = p->dx + planes_at;
    const ptrdiff_t c = block_begin(s, first_block), count = block_begin(s, end_block) - c;
    if (s->first_filter == 0) memset(planes + c * plane, 0, (size_t)(count * plane) * sizeof(real));
    for (ptrdiff_t t = 0; t < p->rows.tiles; t++) {
        const ptrdiff_t row = winograd_tile_begin(&p->rows, t);
#define ADD_TILE_ROW(points_h, m_h, m) add_tile_row(s, dout, row, planes, first_block, end_block, points_h, m_h, m)
        WINOGRAD_TILE_ROW_SWITCH(p->rows.outputs, t < p->rows.long_tiles, ADD_TILE_ROW)
#undef ADD_TILE_ROW
    }
    if (p->activated != NULL && s->end_filter == p->filters)
        FN(activate_grad_block)(p->kind, p->alpha, planes + c * plane, 0, p->activated + planes_at + c * plane, 0, 1,
                                count * plane);
}

/* Where the blocks of images cannot keep all threads busy, tasks share a block of images. Each of its slices transforms
 * the output gradients for itself. */
static ptrdiff_t channel_slices(ptrdiff_t image_blocks, ptrdiff_t register_blocks) {
    const ptrdiff_t threads = fnn_get_num_threads();
    return image_blocks % threads == 0 ? 1 : fnn_min(register_blocks, (2 * threads + image_blocks - 1) / image_blocks);
}

void FN(winograd_backward_input_nchw16n)(const fnn_op *op) {
    /* dout[g,f,p,q,16], u[e,j,36,k,24], dx[g,c,h,w,16], saved[g,c,h,w,16]?; size, pad_h, pad_w, kind, alpha */
    const ptrdiff_t *n = op->n, size = (ptrdiff_t)op->s[0];
    const winograd_problem p = {
        .dout = IN(0),
        .u = IN(1),
        .dx = OUT(2),
        .activated = op->p[3],
        .image_blocks = n[0],
        .groups = n[4],
        .filters = n[1] / n[4],
        .p = n[2],
        .q = n[3],
        .filter_blocks = n[5],
        .channels = n[6],
        .h = n[8],
        .w = n[9],
        .pad_h = (ptrdiff_t)op->s[1],
        .pad_w = (ptrdiff_t)op->s[2],
        .kind = (int)op->s[3],
        .alpha = (real)op->s[4],
        .rows = winograd_split_axis(n[2], size),
        .cols = winograd_split_axis(n[3], size),
    };
    if (p.channels == 0) return;
    if (p.filters == 0) memset(p.dx, 0, (size_t)(p.image_blocks * n[7] * p.h * p.w * IMAGE_BLOCK) * sizeof(real));
    /* the weights of a pass are packed once, behind this thread's transformed tile, for all threads to read */
    real *weights = (real *)fnn_scratch() + FILTERS * WINOGRAD_POINTS_2D * IMAGE_BLOCK;
    const ptrdiff_t register_blocks = (p.channels + CHANNELS - 1) / CHANNELS;
    const ptrdiff_t fit = PACKED_WEIGHTS / (CHANNELS * WINOGRAD_POINTS_2D * FILTERS); /* register blocks of a pass */
    pass s = {.p = &p, .channel_split = fnn_balance(p.channels, register_blocks), .weights = weights};
    for (s.group = 0; s.group < p.groups; s.group++)
        for (s.first_block = 0; s.first_block < register_blocks; s.first_block = s.end_block) {
            s.end_block = fnn_min(register_blocks, s.first_block + fit);
            for (s.first_filter = 0; s.first_filter < p.filters; s.first_filter = s.end_filter) {
                s.end_filter = fnn_min(p.filters, s.first_filter + FILTERS);
                pack_weights(&s, weights);
                s.slices = channel_slices(p.image_blocks, s.end_block - s.first_block);
                const double products = (double)(p.channels * (s.end_filter - s.first_filter));
                nchw16n_parallel((int)(p.image_blocks * s.slices), run_task, &s,
                                 winograd_tile_count(&p) * WINOGRAD_POINTS_2D * products);
            }
        }
}
