/* Direct convolution of images innermost, forward and for the input's gradient: the same sweep, in which the gradient
 * reads dout through the transposed weights.
 *
 * Every element is one chain from zero over channel, filter row, filter column of the taps that lie inside, the bias
 * added last. The channels are taken in blocks, at whose ends the chains stand in the output: what a tile of pixels
 * reads of a block stays in the near caches while all filters pass over it.
 * Neither blocks nor tiles nor threads can be seen in the result.
 */
#include "activation.h"
#include "axis.h"
#include "n16_moments.h"
#include "n16_tile.h"

enum {
    X_BYTES = 64 << 10,    /* of the input that a tile of pixels reads of a block of channels */
    OUT_BYTES = 320 << 10, /* of the outputs whose chains stand while the blocks of channels follow each other */
    LEAST_CHAIN = 48,      /* taps of a block, so that taking up the chains costs little */
    PARTS_BYTES = 2 * AXIS_BLOCK * sizeof(axis_part),
    WEIGHT_ELEMENTS = (FNN_SCRATCH_BYTES - PARTS_BYTES) / sizeof(real),
};

typedef struct {
    ptrdiff_t images, groups, filters, channels; /* groups of images; of channels; filters, channels of one of them */
    const real *x;
    ptrdiff_t x_rows, x_cols;
    real *out;
    ptrdiff_t out_rows, out_cols;
    axis rows, cols;
    const real *weight;
    ptrdiff_t w_group, w_filter, w_channel; /* in `weight`; its taps lie side by side */
    const real *bias;
    const real *activated; /* NULL, or: the result is multiplied with the derivative at these outputs */
    int kind;
    real alpha;
    const n16_statistics *statistics; /* NULL, or: of the outputs, while they are close */
    /* of one pass, whose filters' weights fit the workspace */
    int block;                    /* filters of a tile; 1: the weights are read where they lie */
    ptrdiff_t blocks, first, end; /* tiles of filters in a group of channels; those of all groups from first to end-1 */
    const real *packed;
    ptrdiff_t chain; /* channels × taps */
    int pixels;      /* of a tile, at most */
    ptrdiff_t channel_block;
    const axis_part *col_parts;
    int col_count;
    ptrdiff_t col_begin, col_end;
    n16_cut cut;
} conv;

/* Filters of tile `b` of a group, as equal as whole filters allow. */
FNN_INLINE ptrdiff_t block_begin(const conv *v, ptrdiff_t b) { return v->filters * b / v->blocks; }

/* The taps of filters … of one tile side by side: packed[channel][row][column][filter]. */
static void pack_block(const conv *v, ptrdiff_t index, real *dst) {
    const ptrdiff_t f = block_begin(v, index % v->blocks), count = block_begin(v, index % v->blocks + 1) - f;
    const real *src = v->weight + index / v->blocks * v->w_group + f * v->w_filter;
    const ptrdiff_t taps = v->rows.taps * v->cols.taps;
    for (ptrdiff_t c = 0; c < v->channels; c++, src += v->w_channel)
        for (ptrdiff_t t = 0; t < taps; t++, dst += count)
            for (ptrdiff_t i = 0; i < count; i++) dst[i] = src[i * v->w_filter + t];
}

/* Some tiles of filters of a group over a block of channels. */
typedef struct {
    ptrdiff_t first, end; /* tiles of filters */
    const real *x, *w;    /* the block's first channel; `w`: the weights of the first tile's first channel */
    real *out;            /* the first tile's first filter */
    const real *bias;
    ptrdiff_t skipped; /* channels before the block */
} panel;

/* All filters of the panel over one tile of pixels. */
static void filters_of(const conv *v, const panel *p, n16_tile_task *t, const real *x, real *out, ptrdiff_t tap,
                       ptrdiff_t row_step, ptrdiff_t col_step, int pixels) {
    const ptrdiff_t taps = v->rows.taps * v->cols.taps;
    const real *w = p->w, *bias = p->bias;
    t->x = x;
    for (ptrdiff_t b = p->first; b < p->end; b++) {
        const int filters = (int)(block_begin(v, b + 1) - block_begin(v, b));
        const ptrdiff_t w_tap = v->block == 1 ? 1 : filters;
        t->w_channel = v->block == 1 ? v->w_channel : taps * filters;
        t->w = w + p->skipped * t->w_channel + tap * w_tap;
        t->w_row = row_step * w_tap;
        t->w_col = col_step * w_tap;
        t->out = out;
        t->bias = bias;
        FN(n16_tile_get)(filters, pixels)(t);
        w += v->block == 1 ? v->w_filter : v->chain * filters;
        out += filters * t->out_filter;
        if (bias != NULL) bias += filters;
    }
}

/* Positions of one part of the rows and one of the columns; all have the same taps. */
static void rectangle(const conv *v, const panel *p, n16_tile_task *t, const axis_part *row, const axis_part *col) {
    const ptrdiff_t x_row = v->x_cols * N16, out_row = v->out_cols * N16;
    const bool tall = row->count > col->count; /* tiles run along the longer side */
    const ptrdiff_t along = tall ? row->count : col->count, across = tall ? col->count : row->count;
    const ptrdiff_t x_down = row->from_step * x_row, x_right = col->from_step * N16;
    const ptrdiff_t out_down = row->step * out_row, out_right = col->step * N16;
    const ptrdiff_t tap = row->tap * v->cols.taps + col->tap;
    t->rows = row->taps;
    t->cols = col->taps;
    t->x_row = row->from_tap * x_row;
    t->x_col = col->from_tap * N16;
    t->x_pixel = tall ? x_down : x_right;
    t->out_pixel = tall ? out_down : out_right;
    const real *x = p->x + row->from * x_row + col->from * N16;
    real *out = p->out + row->first * out_row + col->first * N16;
    const ptrdiff_t tiles = (along + v->pixels - 1) / v->pixels;
    for (ptrdiff_t a = 0; a < across; a++) {
        for (ptrdiff_t i = 0; i < tiles; i++) {
            const ptrdiff_t begin = along * i / tiles, count = along * (i + 1) / tiles - begin;
            for (int part = 0; part < N16_PARTS; part++)
                filters_of(v, p, t, x + begin * t->x_pixel + part * VL, out + begin * t->out_pixel + part * VL, tap,
                           row->tap_step * v->cols.taps, col->tap_step, (int)count);
        }
        x += tall ? x_right : x_down;
        out += tall ? out_right : out_down;
    }
}

/* What follows the chains, on rows that are still in the cache. */
static void finish_rows(const conv *v, real *out, ptrdiff_t filters, const axis_part *row) {
    const ptrdiff_t plane = v->out_rows * v->out_cols * N16, width = (v->col_end - v->col_begin) * N16;
    for (ptrdiff_t i = 0; i < row->count; i++) {
        const ptrdiff_t at = ((row->first + i * row->step) * v->out_cols + v->col_begin) * N16;
        for (ptrdiff_t f = 0; f < filters; f++) {
            real *p = out + f * plane + at;
            if (v->activated != NULL)
                activate_grad_block(v->kind, v->alpha, p, 0, v->activated + (p - v->out), 0, 1, width);
            else
                activate_block(v->kind, v->alpha, p, 0, 1, width);
        }
    }
}

/* Rows begin … end-1 of one group of images. */
static void rows_of(const conv *v, ptrdiff_t image, ptrdiff_t begin, ptrdiff_t end, axis_part *parts) {
    const int row_count = axis_parts(&v->rows, begin, end, parts);
    const ptrdiff_t x_plane = v->x_rows * v->x_cols * N16, out_plane = v->out_rows * v->out_cols * N16;
    const ptrdiff_t skipped = v->first / v->blocks * v->filters + block_begin(v, v->first % v->blocks);
    const bool finishes = v->activated != NULL || (v->kind != IDENTITY && v->kind != RELU);
    for (ptrdiff_t first = v->first; first < v->end;) {
        const ptrdiff_t group = first / v->blocks, last = fnn_min(v->end, (group + 1) * v->blocks);
        panel p = {.first = first - group * v->blocks, .end = last - group * v->blocks};
        const ptrdiff_t f = block_begin(v, p.first), filter = group * v->filters + f;
        const real *x = v->x + (image * v->groups + group) * v->channels * x_plane;
        p.out = v->out + (image * v->groups * v->filters + filter) * out_plane;
        p.w = v->block == 1 ? v->weight + group * v->w_group + f * v->w_filter
                            : v->packed + (filter - skipped) * v->chain;
        for (ptrdiff_t c = 0; c == 0 || c < v->channels; c += v->channel_block) {
            const bool ends = c + v->channel_block >= v->channels;
            p.skipped = c;
            p.x = x + c * x_plane;
            p.bias = v->bias == NULL || !ends ? NULL : v->bias + filter;
            n16_tile_task t = {
                .channels = fnn_min(v->channel_block, v->channels - c),
                .x_channel = x_plane,
                .out_filter = out_plane,
                .goes_on = c > 0,
                .relu = ends && v->kind == RELU && v->activated == NULL,
            };
            for (int r = 0; r < row_count; r++)
                for (int i = 0; i < v->col_count; i++) rectangle(v, &p, &t, &parts[r], &v->col_parts[i]);
        }
        for (int r = 0; r < row_count && finishes; r++) finish_rows(v, p.out, block_begin(v, p.end) - f, &parts[r]);
        first = last;
    }
}

static void run_task(void *context, int task) {
    const conv *v = context;
    const ptrdiff_t row_bytes = v->filters * v->out_cols * N16 * (ptrdiff_t)sizeof(real);
    const ptrdiff_t step = fnn_min(AXIS_BLOCK, fnn_max(v->rows.backward ? v->rows.stride : 1, OUT_BYTES / row_bytes));
    const ptrdiff_t end = n16_end(&v->cut, task);
    for (ptrdiff_t row = n16_begin(&v->cut, task); row < end; row += step)
        rows_of(v, n16_group(&v->cut, task), row, fnn_min(end, row + step), fnn_scratch());
    if (v->statistics != NULL && v->end == v->groups * v->blocks && v->col_end == v->out_cols)
        n16_describe(v->statistics, &v->cut, task, v->out, v->groups * v->filters, v->out_cols);
}

/* Pixels of a tile, channels of a block, and the tasks. */
static void plan(conv *v) {
    const ptrdiff_t taps = fnn_max(1, v->rows.taps * v->cols.taps);
    v->pixels = FN(n16_tile_pixels)((int)((v->filters + v->blocks - 1) / v->blocks));
    const ptrdiff_t step = v->cols.backward ? 1 : v->cols.stride;
    const ptrdiff_t columns = fnn_min(v->cols.taps * v->pixels, v->cols.taps + step * (v->pixels - 1));
    const ptrdiff_t channel_bytes = fnn_max(1, v->rows.taps * columns) * VBYTES;
    v->channel_block = fnn_max(X_BYTES / channel_bytes, (LEAST_CHAIN + taps - 1) / taps);
    const ptrdiff_t count = (v->channels + v->channel_block - 1) / v->channel_block;
    if (count > 1) v->channel_block = (v->channels + count - 1) / count;
    v->cut = n16_cut_rows(v->images, v->out_rows);
}

static void run(conv *v) {
    /* the columns' parts and the weights are this thread's to make and everyone's to read */
    axis_part *parts = (axis_part *)fnn_scratch() + AXIS_BLOCK;
    real *packed = (real *)((char *)fnn_scratch() + PARTS_BYTES);
    v->chain = v->channels * v->rows.taps * v->cols.taps;
    v->col_parts = parts;
    v->packed = packed;
    v->blocks = (v->filters + N16_MAX_FILTERS - 1) / N16_MAX_FILTERS;
    v->block = N16_MAX_FILTERS;
    if (v->filters == 1 || v->chain > WEIGHT_ELEMENTS / N16_MAX_FILTERS) {
        v->block = 1;
        v->blocks = v->filters;
    }
    plan(v);
    const ptrdiff_t all = v->groups * v->blocks;
    const ptrdiff_t fit = v->block == 1 ? all : WEIGHT_ELEMENTS / (fnn_max(1, v->chain) * N16_MAX_FILTERS);
    const double work = (double)n16_tasks(&v->cut) * (double)v->out_cols * (double)v->out_rows * (double)v->chain;
    for (v->first = 0; v->first < all; v->first = v->end) {
        v->end = fnn_min(all, v->first + fit);
        real *dst = packed;
        for (ptrdiff_t b = v->first; b < v->end && v->block != 1; b++) {
            pack_block(v, b, dst);
            dst += (block_begin(v, b % v->blocks + 1) - block_begin(v, b % v->blocks)) * v->chain;
        }
        for (v->col_begin = 0; v->col_begin < v->out_cols; v->col_begin = v->col_end) {
            v->col_end = fnn_min(v->out_cols, v->col_begin + AXIS_BLOCK);
            v->col_count = axis_parts(&v->cols, v->col_begin, v->col_end, parts);
            n16_run(n16_tasks(&v->cut), run_task, v, work * (double)(v->filters * v->groups));
        }
    }
}

/* stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w: the first six scalars */
static void set_axes(conv *v, const fnn_op *op, ptrdiff_t rows, ptrdiff_t cols, bool backward) {
    const double *s = op->s;
    v->rows = (axis){v->x_rows, rows, (ptrdiff_t)s[0], (ptrdiff_t)s[2], (ptrdiff_t)s[4], backward};
    v->cols = (axis){v->x_cols, cols, (ptrdiff_t)s[1], (ptrdiff_t)s[3], (ptrdiff_t)s[5], backward};
}

/* x[g,c,h,w,16], weight[f,k,r,s], b[f], out[g,f,p,q,16] */
static conv forward(const fnn_op *op, int kind, real alpha) {
    const ptrdiff_t *n = op->n, c = n[1], f = n[4], k = n[5], taps = n[6] * n[7];
    const ptrdiff_t groups = c / k;
    conv v = {
        .images = n[0],
        .groups = groups,
        .filters = f / groups,
        .channels = k,
        .x = IN(0),
        .x_rows = n[2],
        .x_cols = n[3],
        .out = OUT(3),
        .out_rows = n[8],
        .out_cols = n[9],
        .weight = IN(1),
        .w_group = f / groups * k * taps,
        .w_filter = k * taps,
        .w_channel = taps,
        .bias = IN(2),
        .kind = kind,
        .alpha = alpha,
    };
    set_axes(&v, op, n[6], n[7], false);
    return v;
}

static void run_forward(conv *v) {
    if (v->images * v->groups * v->filters * v->out_rows * v->out_cols > 0) run(v);
}

/* … algorithm */
void FN(conv_forward_n16)(const fnn_op *op) {
    conv v = forward(op, IDENTITY, 0);
    run_forward(&v);
}

/* … algorithm, kind, alpha */
void FN(conv_activation_forward_n16)(const fnn_op *op) {
    conv v = forward(op, (int)op->s[7], (real)op->s[8]);
    run_forward(&v);
}

/* x, weight, b, out, running_mean, running_var, mean, var, work; … algorithm, kind, alpha, images, momentum */
void FN(conv_statistics_forward_n16)(const fnn_op *op) {
    conv v = forward(op, (int)op->s[7], (real)op->s[8]);
    const n16_statistics s = {op->p[8], OUT(6), OUT(7), OUT(4), OUT(5), (ptrdiff_t)op->s[9], op->s[10]};
    v.statistics = &s;
    v.cut = n16_cut_rows(v.images, v.out_rows);
    run_forward(&v);
    FN(n16_statistics_finish)(&s, &v.cut, v.groups * v.filters, v.out_cols);
}

/* dout[g,f,p,q,16], weight[f,k,r,s], dx[g,c,h,w,16]: a filter of this sweep is a channel of the convolution's input */
static conv backward(const fnn_op *op, real *dx) {
    const ptrdiff_t *n = op->n, f = n[1], k = n[4], taps = n[5] * n[6], groups = n[7] / k;
    conv v = {
        .images = n[0],
        .groups = groups,
        .filters = k,
        .channels = f / groups,
        .x = IN(0),
        .x_rows = n[2],
        .x_cols = n[3],
        .out = dx,
        .out_rows = n[8],
        .out_cols = n[9],
        .weight = IN(1),
        .w_group = f / groups * k * taps,
        .w_filter = taps,
        .w_channel = k * taps,
    };
    set_axes(&v, op, n[5], n[6], true);
    return v;
}

/* dout, weight, dx; … algorithm */
void FN(conv_backward_input_n16)(const fnn_op *op) {
    conv v = backward(op, OUT(2));
    if (v.images * v.groups * v.out_rows * v.out_cols > 0) run(&v);
}

/* dout, weight, out[g,c,h,w,16], dx; … algorithm, kind, alpha */
void FN(conv_activation_backward_input_n16)(const fnn_op *op) {
    conv v = backward(op, OUT(3));
    v.activated = IN(2);
    v.kind = (int)op->s[7];
    v.alpha = (real)op->s[8];
    if (v.images * v.groups * v.out_rows * v.out_cols > 0) run(&v);
}
