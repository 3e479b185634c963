/* Direct convolution in the layout NCHW16n, forward and for the input gradient, which reads dout through transposed
 * weights.
 *
 * Every output is one chain from zero over channel, filter row and filter column of the taps inside the image; the bias
 * is added last. Channels are taken in blocks, between which the chains stand in the output: what a tile of pixels
 * reads of a block stays in the near caches while all filters pass over it. Neither the blocks nor the tiles nor the
 * number of threads changes a bit.
 */
#include "nchw16n/direct_conv.h"

#include "runtime/input_prefetch.h"
#include "runtime/subnormals.h"
#include "nchw16n/pool.h"
#include "nchw16n/direct_conv_microkernel.h"
#include "gemm/pack.h"

enum {
    X_BYTES = (VBYTES == 64 ? 128 : 24) << 10, /* that a tile of pixels reads in a block; long vectors read it slower */
    OUT_BYTES = 320 << 10, /* the outputs whose chains stand in memory between the blocks of channels */
    LEAST_CHAIN = 48,      /* taps of a block of channels, so that loading and storing the chains costs little */
    MAX_TAPS = 256,        /* the longest list of taps */
    SEGMENTS_BYTES = 2 * AXIS_MAX_POSITIONS * sizeof(axis_segment),
    POOLED_BYTES = 1 << 20, /* the outputs that are pooled without ever being written to memory */
    POOLED_PIXELS = POOLED_BYTES / (IMAGE_BLOCK * sizeof(real)),
    CLOSE_BYTES = 24 << 10, /* the outputs under several rows of windows, which stay in the first-level cache */
    /* the packed weights of a pass; packing may write a vector behind them */
    WEIGHTS = (FNN_SCRATCH_BYTES - SEGMENTS_BYTES - POOLED_BYTES) / sizeof(real) - IMAGE_BLOCK,
};

_Static_assert(POOLED_PIXELS / NCHW16N_CONV_MAX_FILTERS >= FNN_WINDOW_CELLS, "a row of windows must fit");

/* The first filter of tile `tile` of a group; the tiles are as equal as whole filters allow. */
FNN_INLINE ptrdiff_t tile_begin(const nchw16n_conv *conv, ptrdiff_t tile) {
    return fnn_balanced_begin(&conv->filter_split, tile);
}

/* The first filter of tile `tile`, both counted through all groups. */
static ptrdiff_t tile_filter(const nchw16n_conv *conv, ptrdiff_t tile) {
    return tile / conv->filter_tiles * conv->filters + tile_begin(conv, tile % conv->filter_tiles);
}

/* Packs the weights of one tile's filters as dst[channel][tap][filter of the tile]. A vector behind them may be written
 * too. */
static void pack_tile(const nchw16n_conv *conv, ptrdiff_t tile, real *dst) {
    const ptrdiff_t in_group = tile % conv->filter_tiles, f = tile_begin(conv, in_group);
    const ptrdiff_t count = tile_begin(conv, in_group + 1) - f, taps = conv->rows.taps * conv->cols.taps;
    const real *src = conv->weight + tile / conv->filter_tiles * conv->w_group_stride + f * conv->w_filter_stride;
    const ptrdiff_t joined = conv->w_channel_stride == taps ? conv->channels : 1; /* channels that lie side by side */
    for (ptrdiff_t c = 0; c < conv->channels; c += joined, src += conv->w_channel_stride, dst += taps * count)
        FN(pack_rows)(dst, count, joined * taps, src, conv->w_filter_stride, 1, NULL, NULL);
}

/* Outputs are written here: those of a block of images, or some of their rows in the workspace. */
typedef struct {
    real *at;
    ptrdiff_t plane_stride, row_stride;
    ptrdiff_t filter, row, col; /* the first of each */
} out_buffer;

/* A step of a pass takes some filter tiles of a group over one block of channels. */
typedef struct {
    const out_buffer *to;
    ptrdiff_t first, end; /* filter tiles */
    const real *x, *w;    /* the block's first channel; the first tile's weights for the group's first channel */
    real *out;            /* the outputs of the first tile's first filter */
    const real *bias;
    ptrdiff_t skipped_channels; /* those before the block */
} conv_step;

/* Runs all filters of the step for one tile of pixels: a filter tile takes all images of the block before the next, so
 * that its weights come from the nearest cache for all but the first, and every line of the input is used whole. */
static void run_filter_tiles(const nchw16n_conv *conv, const conv_step *step, nchw16n_conv_tile_args *args,
                             const real *x, real *out, int pixels) {
    const ptrdiff_t taps = conv->rows.taps * conv->cols.taps;
    const real *w = step->w, *bias = step->bias;
    fnn_input_prefetch_issue(PIXEL_VECTORS * (step->end - step->first) * conv->tile_filters * pixels * args->channels *
                             args->taps);
    for (ptrdiff_t tile = step->first; tile < step->end; tile++) {
        const int filters = (int)(tile_begin(conv, tile + 1) - tile_begin(conv, tile));
        args->w_channel_stride = conv->tile_filters == 1 ? conv->w_channel_stride : taps * filters;
        args->w = w + step->skipped_channels * args->w_channel_stride;
        args->bias = bias;
        for (int part = 0; part < PIXEL_VECTORS; part++) {
            args->x = x + part * VL;
            args->out = out + part * VL;
            FN(nchw16n_conv_microkernel_for)(filters, pixels)(args);
        }
        w += conv->tile_filters == 1 ? conv->w_filter_stride : conv->chain * filters;
        out += filters * args->out_filter_stride;
        if (bias != NULL) bias += filters;
    }
}

/* Adds the taps in the list of `args` to the outputs of one segment of the rows and one of the columns. Tiles of pixels
 * run along the longer side of that rectangle. */
static void run_pixel_tiles(const nchw16n_conv *conv, const conv_step *step, nchw16n_conv_tile_args *args,
                            const axis_segment *row, const axis_segment *col) {
    const ptrdiff_t x_row = conv->x_cols * IMAGE_BLOCK, out_row = step->to->row_stride;
    const bool vertical = row->count > col->count;
    const ptrdiff_t along = vertical ? row->count : col->count, across = vertical ? col->count : row->count;
    const ptrdiff_t x_down = row->source_step * x_row, x_right = col->source_step * IMAGE_BLOCK;
    const ptrdiff_t out_down = row->step * out_row, out_right = col->step * IMAGE_BLOCK;
    args->x_pixel_stride = vertical ? x_down : x_right;
    args->out_pixel_stride = vertical ? out_down : out_right;
    const real *x = step->x + row->source * x_row + col->source * IMAGE_BLOCK;
    real *out = step->out + (row->first - step->to->row) * out_row + (col->first - step->to->col) * IMAGE_BLOCK;
    const ptrdiff_t tiles = (along + conv->tile_pixels - 1) / conv->tile_pixels;
    const fnn_balanced split = fnn_balance(along, tiles);
    for (ptrdiff_t a = 0; a < across; a++) {
        for (ptrdiff_t i = 0; i < tiles; i++) {
            const ptrdiff_t begin = fnn_balanced_begin(&split, i), count = fnn_balanced_begin(&split, i + 1) - begin;
            run_filter_tiles(conv, step, args, x + begin * args->x_pixel_stride, out + begin * args->out_pixel_stride,
                             (int)count);
        }
        x += vertical ? x_right : x_down;
        out += vertical ? out_right : out_down;
    }
}

/* Adds all taps of the two segments. They may be more than fit a list only where a block is one channel. */
static void run_segments(const nchw16n_conv *conv, conv_step *step, nchw16n_conv_tile_args *args,
                         const axis_segment *row, const axis_segment *col) {
    const bool accumulate = args->accumulate, relu = args->relu;
    const real *bias = step->bias;
    nchw16n_tap_offset list[MAX_TAPS];
    ptrdiff_t i = 0, j = 0;
    const ptrdiff_t taps = row->taps * col->taps;
    args->offsets = list;
    for (ptrdiff_t tap = 0; tap == 0 || tap < taps; tap += MAX_TAPS) {
        const bool last = tap + MAX_TAPS >= taps;
        args->taps = fnn_min(MAX_TAPS, taps - tap);
        for (ptrdiff_t k = 0; k < args->taps; k++) {
            list[k].x = (i * row->source_tap_step * conv->x_cols + j * col->source_tap_step) * IMAGE_BLOCK;
            list[k].w = (row->tap + i * row->tap_step) * conv->cols.taps + col->tap + j * col->tap_step;
            if (++j == col->taps) j = 0, i++;
        }
        args->accumulate = accumulate || tap > 0;
        args->relu = relu && last;
        step->bias = last ? bias : NULL;
        run_pixel_tiles(conv, step, args, row, col);
    }
    args->accumulate = accumulate;
    step->bias = bias;
}

/* Applies the activation, or multiplies with its derivative, in rows whose chains are done and that are still in the
 * cache. */
static void activate_rows(const nchw16n_conv *conv, const out_buffer *to, real *out, ptrdiff_t filters,
                          const axis_segment *row) {
    const ptrdiff_t width = (conv->col_end - conv->col_begin) * IMAGE_BLOCK;
    for (ptrdiff_t i = 0; i < row->count; i++) {
        const ptrdiff_t at =
            (row->first + i * row->step - to->row) * to->row_stride + (conv->col_begin - to->col) * IMAGE_BLOCK;
        for (ptrdiff_t f = 0; f < filters; f++) {
            real *p = out + f * to->plane_stride + at;
            if (conv->activated != NULL)
                FN(activate_grad_block)(conv->kind, conv->alpha, p, 0, conv->activated + (p - conv->out), 0, 1, width);
            else
                FN(activate_block)(conv->kind, conv->alpha, p, 0, 1, width);
        }
    }
}

/* Computes rows begin … end-1 of the outputs of one block of images. */
static void run_rows(const nchw16n_conv *conv, const out_buffer *to, ptrdiff_t image_block, ptrdiff_t begin,
                     ptrdiff_t end, axis_segment *segments) {
    const int row_segments = axis_cut(&conv->rows, begin, end, segments);
    const ptrdiff_t x_plane = conv->x_rows * conv->x_cols * IMAGE_BLOCK, first_filter = tile_filter(conv, conv->first);
    const bool activates = conv->activated != NULL || (conv->kind != IDENTITY && conv->kind != RELU);
    for (ptrdiff_t first = conv->first; first < conv->end;) {
        const ptrdiff_t group = first / conv->filter_tiles;
        const ptrdiff_t last = fnn_min(conv->end, (group + 1) * conv->filter_tiles);
        conv_step step = {
            .to = to, .first = first - group * conv->filter_tiles, .end = last - group * conv->filter_tiles};
        const ptrdiff_t f = tile_begin(conv, step.first), filter = group * conv->filters + f;
        const real *x = conv->x + (image_block * conv->groups + group) * conv->channels * x_plane;
        step.out = to->at + (filter - to->filter) * to->plane_stride;
        step.w = conv->tile_filters == 1 ? conv->weight + group * conv->w_group_stride + f * conv->w_filter_stride
                                         : conv->packed + (filter - first_filter) * conv->chain;
        for (ptrdiff_t c = 0; c == 0 || c < conv->channels; c += conv->channel_block) {
            const bool last_block = c + conv->channel_block >= conv->channels;
            step.skipped_channels = c;
            step.x = x + c * x_plane;
            step.bias = conv->bias == NULL || !last_block ? NULL : conv->bias + filter;
            nchw16n_conv_tile_args args = {
                .channels = fnn_min(conv->channel_block, conv->channels - c),
                .x_channel_stride = x_plane,
                .out_filter_stride = to->plane_stride,
                .accumulate = c > 0,
                .relu = last_block && conv->kind == RELU && conv->activated == NULL,
            };
            for (int r = 0; r < row_segments; r++)
                for (int i = 0; i < conv->col_segment_count; i++)
                    run_segments(conv, &step, &args, &segments[r], &conv->col_segments[i]);
        }
        for (int r = 0; r < row_segments && activates; r++)
            activate_rows(conv, to, step.out, tile_begin(conv, step.end) - f, &segments[r]);
        first = last;
    }
}

/* Pools the windows in rows row … end-1 of the outputs, which are in `from`. */
static void pool_rows(const nchw16n_conv *conv, const out_buffer *from, ptrdiff_t image_block, ptrdiff_t row,
                      ptrdiff_t end) {
    const nchw16n_pool_epilogue *pool = conv->pool;
    const fnn_float_mode mode = fnn_flush_subnormals(0); /* as max_pool_forward_nchw16n */
    const ptrdiff_t rows = conv->out_rows / pool->size_h, cols = conv->out_cols / pool->size_w;
    for (ptrdiff_t f = tile_filter(conv, conv->first); f < tile_filter(conv, conv->end); f++) {
        const real *plane = from->at + (f - from->filter) * from->plane_stride;
        for (ptrdiff_t p = row / pool->size_h; p < end / pool->size_h; p++) {
            const real *x = plane + (p * pool->size_h - row) * from->row_stride;
            ptrdiff_t at =
                ((image_block * conv->groups * conv->filters + f) * rows + p) * cols + conv->col_begin / pool->size_w;
            for (ptrdiff_t col = conv->col_begin; col < conv->col_end;
                 col += pool->size_w, x += pool->size_w * IMAGE_BLOCK)
                nchw16n_max_pool_window(x, from->row_stride, pool->size_h, pool->size_w, conv->out, pool->argmax,
                                        pool->type, at++ * IMAGE_BLOCK);
        }
    }
    fnn_restore_float_mode(mode, 0);
}

/* Runs a task whose outputs are pooled: some rows of windows at a time are convolved into the workspace. */
static void run_pooled_task(const nchw16n_conv *conv, int task) {
    const ptrdiff_t size = conv->pool->size_h, image_block = nchw16n_task_block(&conv->partition, task);
    const ptrdiff_t end = nchw16n_row_end(&conv->partition, task) * size;
    const ptrdiff_t row_stride = (conv->col_end - conv->col_begin) * IMAGE_BLOCK;
    const ptrdiff_t filter = tile_filter(conv, conv->first);
    const ptrdiff_t bytes =
        (tile_filter(conv, conv->end) - filter) * size * row_stride * (ptrdiff_t)sizeof(real); /* of a row of windows */
    const ptrdiff_t step = fnn_max(1, CLOSE_BYTES / bytes) * size;
    out_buffer buffer = {
        .at = (real *)((char *)fnn_scratch() + FNN_SCRATCH_BYTES - POOLED_BYTES),
        .plane_stride = step * row_stride,
        .row_stride = row_stride,
        .filter = filter,
        .col = conv->col_begin,
    };
    for (ptrdiff_t row = nchw16n_row_begin(&conv->partition, task) * size; row < end; row += step) {
        const ptrdiff_t until = fnn_min(end, row + step);
        buffer.row = row;
        run_rows(conv, &buffer, image_block, row, until, fnn_scratch());
        pool_rows(conv, &buffer, image_block, row, until);
    }
}

static void run_task(void *context, int task) {
    const nchw16n_conv *conv = context;
    if (conv->pool != NULL) {
        run_pooled_task(conv, task);
        return;
    }
    const ptrdiff_t image_block = nchw16n_task_block(&conv->partition, task);
    const ptrdiff_t plane = conv->out_rows * conv->out_cols * IMAGE_BLOCK;
    const out_buffer all = {
        conv->out + image_block * conv->groups * conv->filters * plane, plane, conv->out_cols * IMAGE_BLOCK, 0, 0, 0};
    const ptrdiff_t row_bytes = conv->filters * conv->out_cols * IMAGE_BLOCK * (ptrdiff_t)sizeof(real);
    const ptrdiff_t least = conv->rows.backward ? conv->rows.stride : 1;
    const ptrdiff_t step = fnn_min(AXIS_MAX_POSITIONS, fnn_max(least, OUT_BYTES / row_bytes));
    const ptrdiff_t end = nchw16n_row_end(&conv->partition, task);
    for (ptrdiff_t row = nchw16n_row_begin(&conv->partition, task); row < end; row += step)
        run_rows(conv, &all, image_block, row, fnn_min(end, row + step), fnn_scratch());
    if (conv->statistics == NULL || conv->end < conv->groups * conv->filter_tiles || conv->col_end < conv->out_cols)
        return;
    const fnn_float_mode mode = fnn_flush_subnormals(0); /* as batch_norm_statistics_nchw16n */
    nchw16n_slice_moments(conv->statistics, &conv->partition, task, conv->out, conv->groups * conv->filters,
                          conv->out_cols);
    fnn_restore_float_mode(mode, 0);
}

/* Plans the pixels of a tile, the channels of a block, and the tasks. */
static void plan(nchw16n_conv *conv) {
    const ptrdiff_t taps = fnn_max(1, conv->rows.taps * conv->cols.taps);
    conv->tile_pixels =
        FN(nchw16n_conv_tile_pixels)((int)((conv->filters + conv->filter_tiles - 1) / conv->filter_tiles));
    const ptrdiff_t step = conv->cols.backward ? 1 : conv->cols.stride;
    const ptrdiff_t x_cols =
        fnn_min(conv->cols.taps * conv->tile_pixels, conv->cols.taps + step * (conv->tile_pixels - 1));
    const ptrdiff_t channel_bytes = fnn_max(1, conv->rows.taps * x_cols) * IMAGE_BLOCK * (ptrdiff_t)sizeof(real);
    conv->channel_block = fnn_max(X_BYTES / channel_bytes, (LEAST_CHAIN + taps - 1) / taps);
    if (taps > MAX_TAPS) conv->channel_block = 1;
    const ptrdiff_t blocks = (conv->channels + conv->channel_block - 1) / conv->channel_block;
    if (blocks > 1) conv->channel_block = (conv->channels + blocks - 1) / blocks;
    conv->partition = nchw16n_partition_rows(conv->image_blocks,
                                             conv->pool != NULL ? conv->out_rows / conv->pool->size_h : conv->out_rows);
}

void FN(nchw16n_conv_run)(nchw16n_conv *conv) {
    /* the segments of the columns and the packed weights are this thread's to make and every thread's to read */
    axis_segment *segments = (axis_segment *)fnn_scratch() + AXIS_MAX_POSITIONS;
    real *packed = (real *)((char *)fnn_scratch() + SEGMENTS_BYTES);
    conv->chain = conv->channels * conv->rows.taps * conv->cols.taps;
    conv->col_segments = segments;
    conv->packed = packed;
    conv->filter_tiles = (conv->filters + NCHW16N_CONV_MAX_FILTERS - 1) / NCHW16N_CONV_MAX_FILTERS;
    conv->tile_filters = NCHW16N_CONV_MAX_FILTERS;
    if (conv->filters == 1 || conv->chain > WEIGHTS / NCHW16N_CONV_MAX_FILTERS) {
        conv->tile_filters = 1;
        conv->filter_tiles = conv->filters;
    }
    conv->filter_split = fnn_balance(conv->filters, conv->filter_tiles);
    plan(conv);
    const ptrdiff_t all = conv->groups * conv->filter_tiles;
    ptrdiff_t fit = /* tiles of a pass */
        conv->tile_filters == 1 ? all : WEIGHTS / (fnn_max(1, conv->chain) * NCHW16N_CONV_MAX_FILTERS);
    ptrdiff_t width = AXIS_MAX_POSITIONS; /* columns of a pass */
    if (conv->pool != NULL) {
        const ptrdiff_t rows = conv->pool->size_h * NCHW16N_CONV_MAX_FILTERS, size = conv->pool->size_w;
        width = fnn_min(width, POOLED_PIXELS / rows) / size * size;
        fit = fnn_min(fit, POOLED_PIXELS / (rows * fnn_min(width, conv->out_cols)));
    }
    const double work = (double)nchw16n_task_count(&conv->partition) * (double)conv->out_cols * (double)conv->out_rows *
                        (double)conv->chain;
    for (conv->first = 0; conv->first < all; conv->first = conv->end) {
        conv->end = fnn_min(all, conv->first + fit);
        real *dst = packed;
        for (ptrdiff_t tile = conv->first; tile < conv->end && conv->tile_filters != 1; tile++) {
            const ptrdiff_t in_group = tile % conv->filter_tiles;
            pack_tile(conv, tile, dst);
            dst += (tile_begin(conv, in_group + 1) - tile_begin(conv, in_group)) * conv->chain;
        }
        for (conv->col_begin = 0; conv->col_begin < conv->out_cols; conv->col_begin = conv->col_end) {
            conv->col_end = fnn_min(conv->out_cols, conv->col_begin + width);
            conv->col_segment_count = axis_cut(&conv->cols, conv->col_begin, conv->col_end, segments);
            nchw16n_parallel(nchw16n_task_count(&conv->partition), run_task, conv,
                             work * (double)(conv->filters * conv->groups));
        }
    }
}
