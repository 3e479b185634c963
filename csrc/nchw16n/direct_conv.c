/* Direct convolution of images innermost, forward and for the input's gradient: the same sweep, in which the gradient
 * reads dout through the transposed weights.
 *
 * Every element is one chain from zero over channel, filter row, filter column of the taps that lie inside, the bias
 * added last. The channels are taken in blocks, at whose ends the chains stand in the output: what a tile of pixels
 * reads of a block stays in the near caches while all filters pass over it.
 * Neither blocks nor tiles nor threads can be seen in the result.
 */
#include "nchw16n/direct_conv.h"

#include "runtime/input_prefetch.h"
#include "nchw16n/pool2d.h"
#include "nchw16n/direct_conv_microkernel.h"
#include "gemm/pack.h"

enum {
    X_BYTES = 128 << 10,   /* of the input that a tile of pixels reads of a block of channels */
    OUT_BYTES = 320 << 10, /* of the outputs whose chains stand while the blocks of channels follow each other */
    LEAST_CHAIN = 48,      /* taps of a block, so that taking up the chains costs little */
    MOST_TAPS = 256,       /* of a tile's list */
    PARTS_BYTES = 2 * AXIS_BLOCK * sizeof(axis_part),
    STRIP_BYTES = 1 << 20, /* of outputs that only their windows see */
    STRIP_PIXELS = STRIP_BYTES / (N16 * sizeof(real)),
    CLOSE_BYTES = 24 << 10, /* of a strip with more than one row of windows */
    WEIGHT_ELEMENTS = (FNN_SCRATCH_BYTES - PARTS_BYTES - STRIP_BYTES) / sizeof(real) - N16, /* packing may spill */
};

/* Filters of tile `b` of a group, as equal as whole filters allow. */
FNN_INLINE ptrdiff_t block_begin(const nchw16n_conv *v, ptrdiff_t b) { return fnn_even_begin(&v->even, b); }

/* The taps of filters … of one tile side by side: packed[channel][row][column][filter]; may spill a vector. */
static void pack_block(const nchw16n_conv *v, ptrdiff_t index, real *dst) {
    const ptrdiff_t f = block_begin(v, index % v->blocks), count = block_begin(v, index % v->blocks + 1) - f;
    const real *src = v->weight + index / v->blocks * v->w_group + f * v->w_filter;
    const ptrdiff_t taps = v->rows.taps * v->cols.taps;
    const ptrdiff_t whole = v->w_channel == taps ? v->channels : 1; /* channels that lie side by side */
    for (ptrdiff_t c = 0; c < v->channels; c += whole, src += v->w_channel, dst += taps * count)
        FN(pack_rows)(dst, count, whole * taps, src, v->w_filter, 1, NULL, NULL);
}

_Static_assert(STRIP_PIXELS / NCHW16N_MAX_FILTERS >= FNN_WINDOW_CELLS, "a row of windows must fit");

/* Where outputs go: those of an image in `out`, or a strip of them in the workspace. */
typedef struct {
    real *at;
    ptrdiff_t plane, line;      /* from filter to filter, from row to row */
    ptrdiff_t filter, row, col; /* the first of each that it holds */
} target;

/* Some tiles of filters of a group over a block of channels. */
typedef struct {
    const target *to;
    ptrdiff_t first, end; /* tiles of filters */
    const real *x, *w;    /* the block's first channel; `w`: the weights of the first tile's first channel */
    real *out;            /* the first tile's first filter */
    const real *bias;
    ptrdiff_t skipped; /* channels before the block */
} panel;

/* All filters of the panel over one tile of pixels. */
static void filters_of(const nchw16n_conv *v, const panel *p, nchw16n_tile_task *t, const real *x, real *out,
                       int pixels) {
    const ptrdiff_t taps = v->rows.taps * v->cols.taps;
    const real *w = p->w, *bias = p->bias;
    fnn_ahead_fetch((p->end - p->first) * v->block * pixels * t->channels * t->taps);
    t->x = x;
    for (ptrdiff_t b = p->first; b < p->end; b++) {
        const int filters = (int)(block_begin(v, b + 1) - block_begin(v, b));
        t->w_channel = v->block == 1 ? v->w_channel : taps * filters;
        t->w = w + p->skipped * t->w_channel;
        t->out = out;
        t->bias = bias;
        FN(nchw16n_tile_get)(filters, pixels)(t);
        w += v->block == 1 ? v->w_filter : v->chain * filters;
        out += filters * t->out_filter;
        if (bias != NULL) bias += filters;
    }
}

/* Positions of one part of the rows and one of the columns over the taps in the task's list. */
static void tiles_of(const nchw16n_conv *v, const panel *p, nchw16n_tile_task *t, const axis_part *row,
                     const axis_part *col) {
    const ptrdiff_t x_row = v->x_cols * N16, out_row = p->to->line;
    const bool tall = row->count > col->count; /* tiles run along the longer side */
    const ptrdiff_t along = tall ? row->count : col->count, across = tall ? col->count : row->count;
    const ptrdiff_t x_down = row->from_step * x_row, x_right = col->from_step * N16;
    const ptrdiff_t out_down = row->step * out_row, out_right = col->step * N16;
    t->x_pixel = tall ? x_down : x_right;
    t->out_pixel = tall ? out_down : out_right;
    const real *x = p->x + row->from * x_row + col->from * N16;
    real *out = p->out + (row->first - p->to->row) * out_row + (col->first - p->to->col) * N16;
    const ptrdiff_t tiles = (along + v->pixels - 1) / v->pixels;
    const fnn_even even = fnn_cut_evenly(along, tiles);
    for (ptrdiff_t a = 0; a < across; a++) {
        for (ptrdiff_t i = 0; i < tiles; i++) {
            const ptrdiff_t begin = fnn_even_begin(&even, i), count = fnn_even_begin(&even, i + 1) - begin;
            for (int part = 0; part < NCHW16N_PARTS; part++)
                filters_of(v, p, t, x + begin * t->x_pixel + part * VL, out + begin * t->out_pixel + part * VL,
                           (int)count);
        }
        x += tall ? x_right : x_down;
        out += tall ? out_right : out_down;
    }
}

/* The same over all their taps, which all these argmax share; more than fit a list only with blocks of one channel.
 */
static void rectangle(const nchw16n_conv *v, panel *p, nchw16n_tile_task *t, const axis_part *row,
                      const axis_part *col) {
    const bool goes_on = t->goes_on, relu = t->relu;
    const real *bias = p->bias;
    nchw16n_tap list[MOST_TAPS];
    ptrdiff_t i = 0, j = 0;
    const ptrdiff_t taps = row->taps * col->taps;
    t->tap = list;
    for (ptrdiff_t tap = 0; tap == 0 || tap < taps; tap += MOST_TAPS) {
        const bool ends = tap + MOST_TAPS >= taps;
        t->taps = fnn_min(MOST_TAPS, taps - tap);
        for (ptrdiff_t k = 0; k < t->taps; k++) {
            list[k].x = (i * row->from_tap * v->x_cols + j * col->from_tap) * N16;
            list[k].w = (row->tap + i * row->tap_step) * v->cols.taps + col->tap + j * col->tap_step;
            if (++j == col->taps) j = 0, i++;
        }
        t->goes_on = goes_on || tap > 0;
        t->relu = relu && ends;
        p->bias = ends ? bias : NULL;
        tiles_of(v, p, t, row, col);
    }
    t->goes_on = goes_on;
    p->bias = bias;
}

/* What follows the chains, on rows that are still in the cache. */
static void finish_rows(const nchw16n_conv *v, const target *to, real *out, ptrdiff_t filters, const axis_part *row) {
    const ptrdiff_t width = (v->col_end - v->col_begin) * N16;
    for (ptrdiff_t i = 0; i < row->count; i++) {
        const ptrdiff_t at = (row->first + i * row->step - to->row) * to->line + (v->col_begin - to->col) * N16;
        for (ptrdiff_t f = 0; f < filters; f++) {
            real *p = out + f * to->plane + at;
            if (v->activated != NULL)
                activate_grad_block(v->kind, v->alpha, p, 0, v->activated + (p - v->out), 0, 1, width);
            else
                activate_block(v->kind, v->alpha, p, 0, 1, width);
        }
    }
}

/* The filter with which tile `index` of all groups begins. */
static ptrdiff_t filter_at(const nchw16n_conv *v, ptrdiff_t index) {
    return index / v->blocks * v->filters + block_begin(v, index % v->blocks);
}

/* Rows begin … end-1 of one group of images. */
static void rows_of(const nchw16n_conv *v, const target *to, ptrdiff_t image, ptrdiff_t begin, ptrdiff_t end,
                    axis_part *parts) {
    const int row_count = axis_parts(&v->rows, begin, end, parts);
    const ptrdiff_t x_plane = v->x_rows * v->x_cols * N16, skipped = filter_at(v, v->first);
    const bool finishes = v->activated != NULL || (v->kind != IDENTITY && v->kind != RELU);
    for (ptrdiff_t first = v->first; first < v->end;) {
        const ptrdiff_t group = first / v->blocks, last = fnn_min(v->end, (group + 1) * v->blocks);
        panel p = {.to = to, .first = first - group * v->blocks, .end = last - group * v->blocks};
        const ptrdiff_t f = block_begin(v, p.first), filter = group * v->filters + f;
        const real *x = v->x + (image * v->groups + group) * v->channels * x_plane;
        p.out = to->at + (filter - to->filter) * to->plane;
        p.w = v->block == 1 ? v->weight + group * v->w_group + f * v->w_filter
                            : v->packed + (filter - skipped) * v->chain;
        for (ptrdiff_t c = 0; c == 0 || c < v->channels; c += v->channel_block) {
            const bool ends = c + v->channel_block >= v->channels;
            p.skipped = c;
            p.x = x + c * x_plane;
            p.bias = v->bias == NULL || !ends ? NULL : v->bias + filter;
            nchw16n_tile_task t = {
                .channels = fnn_min(v->channel_block, v->channels - c),
                .x_channel = x_plane,
                .out_filter = to->plane,
                .goes_on = c > 0,
                .relu = ends && v->kind == RELU && v->activated == NULL,
            };
            for (int r = 0; r < row_count; r++)
                for (int i = 0; i < v->col_count; i++) rectangle(v, &p, &t, &parts[r], &v->col_parts[i]);
        }
        for (int r = 0; r < row_count && finishes; r++) finish_rows(v, to, p.out, block_begin(v, p.end) - f, &parts[r]);
        first = last;
    }
}

/* The largest of the windows in rows row … end-1 of a strip. */
static void windows_of(const nchw16n_conv *v, const target *strip, ptrdiff_t image, ptrdiff_t row, ptrdiff_t end) {
    const nchw16n_windows *w = v->windows;
    const ptrdiff_t rows = v->out_rows / w->size_h, cols = v->out_cols / w->size_w;
    for (ptrdiff_t f = filter_at(v, v->first); f < filter_at(v, v->end); f++) {
        const real *plane = strip->at + (f - strip->filter) * strip->plane;
        for (ptrdiff_t p = row / w->size_h; p < end / w->size_h; p++) {
            const real *x = plane + (p * w->size_h - row) * strip->line;
            ptrdiff_t at = ((image * v->groups * v->filters + f) * rows + p) * cols + v->col_begin / w->size_w;
            for (ptrdiff_t col = v->col_begin; col < v->col_end; col += w->size_w, x += w->size_w * N16)
                nchw16n_window(x, strip->line, w->size_h, w->size_w, v->out, w->argmax, w->type, at++ * N16);
        }
    }
}

static void run_task_of_windows(const nchw16n_conv *v, int task) {
    const ptrdiff_t size = v->windows->size_h, image = nchw16n_group(&v->cut, task),
                    end = nchw16n_end(&v->cut, task) * size;
    const ptrdiff_t line = (v->col_end - v->col_begin) * N16, filter = filter_at(v, v->first);
    const ptrdiff_t bytes = (filter_at(v, v->end) - filter) * size * line * (ptrdiff_t)sizeof(real);
    const ptrdiff_t step = fnn_max(1, CLOSE_BYTES / bytes) * size;
    target strip = {
        .at = (real *)((char *)fnn_scratch() + FNN_SCRATCH_BYTES - STRIP_BYTES),
        .plane = step * line,
        .line = line,
        .filter = filter,
        .col = v->col_begin,
    };
    for (ptrdiff_t row = nchw16n_begin(&v->cut, task) * size; row < end; row += step) {
        const ptrdiff_t until = fnn_min(end, row + step);
        strip.row = row;
        rows_of(v, &strip, image, row, until, fnn_scratch());
        windows_of(v, &strip, image, row, until);
    }
}

static void run_task(void *context, int task) {
    const nchw16n_conv *v = context;
    if (v->windows != NULL) {
        run_task_of_windows(v, task);
        return;
    }
    const ptrdiff_t image = nchw16n_group(&v->cut, task), plane = v->out_rows * v->out_cols * N16;
    const target all = {v->out + image * v->groups * v->filters * plane, plane, v->out_cols * N16, 0, 0, 0};
    const ptrdiff_t row_bytes = v->filters * v->out_cols * N16 * (ptrdiff_t)sizeof(real);
    const ptrdiff_t step = fnn_min(AXIS_BLOCK, fnn_max(v->rows.backward ? v->rows.stride : 1, OUT_BYTES / row_bytes));
    const ptrdiff_t end = nchw16n_end(&v->cut, task);
    for (ptrdiff_t row = nchw16n_begin(&v->cut, task); row < end; row += step)
        rows_of(v, &all, image, row, fnn_min(end, row + step), fnn_scratch());
    if (v->statistics != NULL && v->end == v->groups * v->blocks && v->col_end == v->out_cols)
        nchw16n_describe(v->statistics, &v->cut, task, v->out, v->groups * v->filters, v->out_cols);
}

/* Pixels of a tile, channels of a block, and the tasks. */
static void plan(nchw16n_conv *v) {
    const ptrdiff_t taps = fnn_max(1, v->rows.taps * v->cols.taps);
    v->pixels = FN(nchw16n_tile_pixels)((int)((v->filters + v->blocks - 1) / v->blocks));
    const ptrdiff_t step = v->cols.backward ? 1 : v->cols.stride;
    const ptrdiff_t columns = fnn_min(v->cols.taps * v->pixels, v->cols.taps + step * (v->pixels - 1));
    const ptrdiff_t channel_bytes = fnn_max(1, v->rows.taps * columns) * VBYTES;
    v->channel_block = fnn_max(X_BYTES / channel_bytes, (LEAST_CHAIN + taps - 1) / taps);
    if (taps > MOST_TAPS) v->channel_block = 1;
    const ptrdiff_t count = (v->channels + v->channel_block - 1) / v->channel_block;
    if (count > 1) v->channel_block = (v->channels + count - 1) / count;
    v->cut = nchw16n_cut_rows(v->images, v->windows != NULL ? v->out_rows / v->windows->size_h : v->out_rows);
}

void FN(nchw16n_conv_run)(nchw16n_conv *v) {
    /* the columns' parts and the weights are this thread's to make and everyone's to read */
    axis_part *parts = (axis_part *)fnn_scratch() + AXIS_BLOCK;
    real *packed = (real *)((char *)fnn_scratch() + PARTS_BYTES);
    v->chain = v->channels * v->rows.taps * v->cols.taps;
    v->col_parts = parts;
    v->packed = packed;
    v->blocks = (v->filters + NCHW16N_MAX_FILTERS - 1) / NCHW16N_MAX_FILTERS;
    v->block = NCHW16N_MAX_FILTERS;
    if (v->filters == 1 || v->chain > WEIGHT_ELEMENTS / NCHW16N_MAX_FILTERS) {
        v->block = 1;
        v->blocks = v->filters;
    }
    v->even = fnn_cut_evenly(v->filters, v->blocks);
    plan(v);
    const ptrdiff_t all = v->groups * v->blocks;
    ptrdiff_t fit = v->block == 1 ? all : WEIGHT_ELEMENTS / (fnn_max(1, v->chain) * NCHW16N_MAX_FILTERS);
    ptrdiff_t width = AXIS_BLOCK;
    if (v->windows != NULL) {
        const ptrdiff_t lines = v->windows->size_h * NCHW16N_MAX_FILTERS, size = v->windows->size_w;
        width = fnn_min(width, STRIP_PIXELS / lines) / size * size;
        fit = fnn_min(fit, STRIP_PIXELS / (lines * fnn_min(width, v->out_cols)));
    }
    const double work = (double)nchw16n_tasks(&v->cut) * (double)v->out_cols * (double)v->out_rows * (double)v->chain;
    for (v->first = 0; v->first < all; v->first = v->end) {
        v->end = fnn_min(all, v->first + fit);
        real *dst = packed;
        for (ptrdiff_t b = v->first; b < v->end && v->block != 1; b++) {
            pack_block(v, b, dst);
            dst += (block_begin(v, b % v->blocks + 1) - block_begin(v, b % v->blocks)) * v->chain;
        }
        for (v->col_begin = 0; v->col_begin < v->out_cols; v->col_begin = v->col_end) {
            v->col_end = fnn_min(v->out_cols, v->col_begin + width);
            v->col_count = axis_parts(&v->cols, v->col_begin, v->col_end, parts);
            nchw16n_run(nchw16n_tasks(&v->cut), run_task, v, work * (double)(v->filters * v->groups));
        }
    }
}
