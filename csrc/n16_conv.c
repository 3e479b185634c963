/* Direct convolution of images innermost, forward and for the input's gradient: the same sweep, in which the gradient
 * reads dout through the transposed weights.
 *
 * Every element is one chain from zero over channel, filter row, filter column of the taps that lie inside, the bias
 * added last; neither the tiles nor the threads can be seen in the result.
 */
#include "activation.h"
#include "axis.h"
#include "n16_tile.h"

enum {
    X_BYTES = 256 << 10, /* of the input that a task keeps in the second cache while it passes its filters */
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
    /* of one pass, whose filters' weights fit the workspace */
    int block;                    /* filters of a tile; 1: the weights are read where they lie */
    ptrdiff_t blocks, first, end; /* tiles of filters in a group of channels; those of all groups from first to end-1 */
    const real *packed;
    ptrdiff_t chain; /* channels × taps */
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

/* Positions of one part of the rows and one of the columns; all have the same taps. */
static void rectangle(const conv *v, n16_tile_task *t, int filters, const real *x, real *out, const axis_part *row,
                      const axis_part *col) {
    const ptrdiff_t taps = v->cols.taps, w_tap = v->block == 1 ? 1 : filters;
    const ptrdiff_t x_row = v->x_cols * N16, out_row = v->out_cols * N16;
    const bool tall = row->count > col->count; /* tiles run along the longer side */
    const ptrdiff_t along = tall ? row->count : col->count, across = tall ? col->count : row->count;
    const ptrdiff_t x_down = row->from_step * x_row, x_right = col->from_step * N16;
    const ptrdiff_t out_down = row->step * out_row, out_right = col->step * N16;
    const real *w = t->w;
    t->rows = row->taps;
    t->cols = col->taps;
    t->x_row = row->from_tap * x_row;
    t->x_col = col->from_tap * N16;
    t->x_pixel = tall ? x_down : x_right;
    t->out_pixel = tall ? out_down : out_right;
    t->w += (row->tap * taps + col->tap) * w_tap;
    t->w_row = row->tap_step * taps * w_tap;
    t->w_col = col->tap_step * w_tap;
    x += row->from * x_row + col->from * N16;
    out += row->first * out_row + col->first * N16;
    const int most = FN(n16_tile_pixels)(filters);
    const ptrdiff_t tiles = (along + most - 1) / most;
    for (ptrdiff_t a = 0; a < across; a++) {
        for (ptrdiff_t i = 0; i < tiles; i++) {
            const ptrdiff_t begin = along * i / tiles, count = along * (i + 1) / tiles - begin;
            const n16_tile_fn run = FN(n16_tile_get)(filters, (int)count);
            for (int part = 0; part < N16_PARTS; part++) {
                t->x = x + begin * t->x_pixel + part * VL;
                t->out = out + begin * t->out_pixel + part * VL;
                run(t);
            }
        }
        x += tall ? x_right : x_down;
        out += tall ? out_right : out_down;
    }
    t->w = w;
}

/* What follows the chains, on rows that are still in the first cache. */
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
    const bool finishes = v->activated != NULL || (v->kind != IDENTITY && v->kind != RELU);
    for (ptrdiff_t index = v->first; index < v->end; index++) {
        const ptrdiff_t group = index / v->blocks, f = block_begin(v, index % v->blocks);
        const int filters = (int)(block_begin(v, index % v->blocks + 1) - f);
        const ptrdiff_t filter = group * v->filters + f;
        const real *x = v->x + (image * v->groups + group) * v->channels * x_plane;
        real *out = v->out + (image * v->groups * v->filters + filter) * out_plane;
        n16_tile_task t = {
            .channels = v->channels,
            .x_channel = x_plane,
            .out_filter = out_plane,
            .bias = v->bias == NULL ? NULL : v->bias + filter,
            .relu = v->kind == RELU && v->activated == NULL,
        };
        if (v->block == 1) {
            t.w = v->weight + group * v->w_group + f * v->w_filter;
            t.w_channel = v->w_channel;
        } else {
            const ptrdiff_t skipped = v->first / v->blocks * v->filters + block_begin(v, v->first % v->blocks);
            t.w = v->packed + (filter - skipped) * v->chain;
            t.w_channel = v->rows.taps * v->cols.taps * filters;
        }
        for (int r = 0; r < row_count; r++) {
            for (int c = 0; c < v->col_count; c++) rectangle(v, &t, filters, x, out, &parts[r], &v->col_parts[c]);
            if (finishes) finish_rows(v, out, filters, &parts[r]);
        }
    }
}

static void run_task(void *context, int task) {
    const conv *v = context;
    axis_part *parts = fnn_scratch();
    const ptrdiff_t row_bytes = v->groups * v->channels * v->x_cols * N16 * (ptrdiff_t)sizeof(real);
    const ptrdiff_t fit = fnn_max(4, X_BYTES / fnn_max(1, row_bytes)); /* rows of x */
    const ptrdiff_t step =
        fnn_min(AXIS_BLOCK, fnn_max(1, v->rows.backward ? fit * v->rows.stride : fit / v->rows.stride));
    const ptrdiff_t end = n16_end(&v->cut, task);
    for (ptrdiff_t row = n16_begin(&v->cut, task); row < end; row += step)
        rows_of(v, n16_group(&v->cut, task), row, fnn_min(end, row + step), parts);
}

static void run(conv *v) {
    /* the columns' parts and the weights are this thread's to make and everyone's to read */
    axis_part *parts = (axis_part *)fnn_scratch() + AXIS_BLOCK;
    real *packed = (real *)((char *)fnn_scratch() + PARTS_BYTES);
    v->chain = v->channels * v->rows.taps * v->cols.taps;
    v->cut = n16_cut_rows(v->images, v->out_rows);
    v->col_parts = parts;
    v->packed = packed;
    v->blocks = (v->filters + N16_MAX_FILTERS - 1) / N16_MAX_FILTERS;
    v->block = N16_MAX_FILTERS;
    if (v->filters == 1 || v->chain > WEIGHT_ELEMENTS / N16_MAX_FILTERS) {
        v->block = 1;
        v->blocks = v->filters;
    }
    const ptrdiff_t all = v->groups * v->blocks;
    const ptrdiff_t fit = v->block == 1 ? all : WEIGHT_ELEMENTS / (v->chain * N16_MAX_FILTERS);
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
static void forward(const fnn_op *op, int kind, real alpha) {
    const ptrdiff_t *n = op->n, c = n[1], f = n[4], k = n[5], taps = n[6] * n[7];
    if (n[0] * f * n[8] * n[9] == 0) return;
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
    run(&v);
}

/* … algorithm */
void FN(conv_forward_n16)(const fnn_op *op) { forward(op, IDENTITY, 0); }

/* … algorithm, kind, alpha */
void FN(conv_activation_forward_n16)(const fnn_op *op) { forward(op, (int)op->s[7], (real)op->s[8]); }

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
