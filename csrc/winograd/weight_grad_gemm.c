/* The sum of Winograd's weight gradient as matrix products.
 *
 * Tiles of one kind are taken a chunk at a time. Their inputs and the gradients of their outputs are transformed tile
 * by tile; then, at each 2-D point, the product filters × channels over the tiles and images of the chunk is added to
 * du. The chunks follow from the shape alone, so that a sum has the same bits for any number of threads; and the chains
 * within a chunk are short, which keeps the sum exact. Where the problem has a precision, and a chunk is long enough,
 * its products are those of factors that are rounded (gemm/gemm.h).
 */
#include "winograd/winograd.h"

#include "gemm/gemm.h"

enum {
    CHUNK_TILES = FNN_WINOGRAD_CHUNK_BLOCKS,
    TILE_SLICES = 4,   /* tasks that share a tile's channels and filters in the transforms */
    FILTER_SLICES = 2, /* tasks that share the filters of a product */
};

typedef struct {
    const winograd_problem *p;
    ptrdiff_t group;
    real *x_points, *dout_points; /* transformed: [2-D point][channel or filter][tile][16 images] */
    bool *filled;
    int kind;                        /* the kind of the chunk's tiles */
    ptrdiff_t first, count;          /* tiles of the kind */
    ptrdiff_t x_stride, dout_stride; /* the distance from point to point */
} chunk;

/* Computes A dy Aᵀ of one tile for filters f … f_end-1 of the group, as dout_points[2-D point][filter][16]. Outputs
 * outside the image count as zero. */
FNN_INLINE void transform_dout_tile(const chunk *k, const winograd_tile_origin *at, ptrdiff_t f, ptrdiff_t f_end,
                                    real *dout_points, const int points_h, const int points_w, const int m_h,
                                    const int m_w) {
    const ptrdiff_t p = k->p->p, q = k->p->q, rows = fnn_min(m_h, p - at->row), cols = fnn_min(m_w, q - at->col);
    const real *plane = k->p->dout + winograd_filter_planes(k->p, at->image_block, k->group) + f * p * q * IMAGE_BLOCK;
    for (; f < f_end; f++, plane += p * q * IMAGE_BLOCK, dout_points += k->count * IMAGE_BLOCK) {
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
            vreal half_transformed[WINOGRAD_POINTS][WINOGRAD_MAX_OUTPUTS]; /* A dy: [point][column] */
#pragma GCC unroll 5
            for (int j = 0; j < m_w; j++) {
                vreal column[WINOGRAD_MAX_OUTPUTS];
#pragma GCC unroll 5
                for (int i = 0; i < m_h; i++)
                    column[i] = i < rows && j < cols
                                    ? vload(plane + ((at->row + i) * q + at->col + j) * IMAGE_BLOCK + l)
                                    : vset(0);
                winograd_evaluate(column, 1, m_h, &half_transformed[0][j], WINOGRAD_MAX_OUTPUTS, points_h);
            }
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) {
                vreal row[WINOGRAD_POINTS];
                winograd_evaluate(half_transformed[i], 1, m_w, row, 1, points_w);
#pragma GCC unroll 6
                for (int j = 0; j < points_w; j++)
                    vstore(dout_points + (i * WINOGRAD_POINTS + j) * k->dout_stride + l, row[j]);
            }
        }
    }
}

/* Transforms one slice of the channels and filters of tile number `tile` of the chunk. */
FNN_INLINE void transform_tile(const chunk *k, ptrdiff_t tile, ptrdiff_t slice, const int points_h, const int points_w,
                               const int m_h, const int m_w) {
    const ptrdiff_t channels = k->p->channels, filters = k->p->filters, stride = k->count * IMAGE_BLOCK;
    const winograd_tile_origin at = winograd_locate_tile(&k->p->rows, &k->p->cols, k->kind, k->first + tile);
    const ptrdiff_t c = channels * slice / TILE_SLICES, c_end = channels * (slice + 1) / TILE_SLICES;
    winograd_transform_inputs(k->p, k->group, &at, c, c_end - c, k->x_points + c * stride + tile * IMAGE_BLOCK, stride,
                              k->x_stride, points_h, points_w);
    const ptrdiff_t f = filters * slice / TILE_SLICES, f_end = filters * (slice + 1) / TILE_SLICES;
    transform_dout_tile(k, &at, f, f_end, k->dout_points + f * stride + tile * IMAGE_BLOCK, points_h, points_w, m_h,
                        m_w);
}

static void transform_task(void *context, int task) {
    const chunk *k = context;
#define TRANSFORM_TILE(points_h, points_w, m_h, m_w) \
    transform_tile(k, task / TILE_SLICES, task % TILE_SLICES, points_h, points_w, m_h, m_w)
    WINOGRAD_TILE_SWITCH(k->p->rows.outputs, k->kind, TRANSFORM_TILE)
#undef TRANSFORM_TILE
}

/* Adds dout_points x_pointsᵀ to du at one 2-D point, for one slice of the filters. */
static void multiply_task(void *context, int task) {
    const chunk *k = context;
    const ptrdiff_t channels = k->p->channels, filters = k->p->filters;
    const int points_w = winograd_long_cols(k->kind) ? WINOGRAD_POINTS : WINOGRAD_POINTS - 1;
    const ptrdiff_t number = task / FILTER_SLICES, slice = task % FILTER_SLICES;
    const ptrdiff_t point = number / points_w * WINOGRAD_POINTS + number % points_w, length = k->count * IMAGE_BLOCK;
    const ptrdiff_t f = filters * slice / FILTER_SLICES, f_end = filters * (slice + 1) / FILTER_SLICES;
    const real *x_points = k->x_points + point * k->x_stride, *dout_points = k->dout_points + point * k->dout_stride;
    real *du = k->p->work + point * filters * channels, *panel = fnn_scratch();
    const gemm g = {
        .m = filters,
        .n = channels,
        .k = length,
        .a = dout_points,
        .a_row = length,
        .a_col = 1,
        .b = x_points,
        .b_row = 1,
        .b_col = length,
        .c = du,
        .ldc = channels,
        .precision = k->p->precision,
        .accumulate = k->filled[point],
    };
    gemm_rectangle *const rounded = FN(gemm_rounded)(&g);
    if (rounded != NULL) {
        rounded(&g, f, f_end, 0, channels);
        return;
    }
    for (ptrdiff_t c = 0; c < channels; c += GEMM_NR) {
        const ptrdiff_t cols = fnn_min(GEMM_NR, channels - c), vectors = (cols + VL - 1) / VL;
        FN(pack_cols)(panel, GEMM_NR, length, cols, x_points + c * length, 1, length);
        for (ptrdiff_t i = f; i < f_end; i += GEMM_MR) {
            const microkernel_args t = {
                .k = length,
                .a = dout_points + i * length,
                .a_row = length,
                .a_col = 1,
                .b = panel,
                .ldb = GEMM_NR,
                .c = du + i * channels + c,
                .ldc = channels,
                .add = k->filled[point],
                .tail = cols - (vectors - 1) * VL,
                .b_padded = true,
            };
            FN(microkernel_get)((int)fnn_min(GEMM_MR, f_end - i), (int)vectors, false)(&t);
        }
    }
}

void FN(winograd_du_gemm)(const winograd_problem *p, ptrdiff_t group, bool filled[WINOGRAD_POINTS_2D]) {
    const ptrdiff_t channels = p->channels, filters = p->filters;
    real *x_points = p->work + WINOGRAD_POINTS_2D * filters * channels;
    chunk k = {
        .p = p,
        .group = group,
        .x_points = x_points,
        .dout_points = x_points + WINOGRAD_POINTS_2D * (channels * CHUNK_TILES + 1) * IMAGE_BLOCK,
        .filled = filled,
    };
    memset(filled, 0, WINOGRAD_POINTS_2D * sizeof *filled);
    for (k.kind = 0; k.kind < WINOGRAD_TILE_KINDS; k.kind++) {
        const ptrdiff_t tiles = p->image_blocks * winograd_tiles_of_kind(&p->rows, &p->cols, k.kind);
        const ptrdiff_t chunks = (tiles + CHUNK_TILES - 1) / CHUNK_TILES;
        const int points_h = WINOGRAD_POINTS - !winograd_long_rows(k.kind);
        const int points_w = WINOGRAD_POINTS - !winograd_long_cols(k.kind);
        for (ptrdiff_t number = 0; number < chunks; number++) {
            k.first = tiles * number / chunks;
            k.count = tiles * (number + 1) / chunks - k.first;
            /* The strides from point to point are an odd number of cache lines, so that the points do not compete for
             * the same sets of a cache. */
            k.x_stride = channels * k.count * IMAGE_BLOCK + IMAGE_BLOCK;
            k.dout_stride = filters * k.count * IMAGE_BLOCK + IMAGE_BLOCK;
            fnn_parallel((int)(k.count * TILE_SLICES), transform_task, &k);
            fnn_parallel(points_h * points_w * FILTER_SLICES, multiply_task, &k);
            for (int i = 0; i < points_h; i++)
                for (int j = 0; j < points_w; j++) filled[i * WINOGRAD_POINTS + j] = true;
        }
    }
}
