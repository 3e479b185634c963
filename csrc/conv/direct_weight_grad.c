/* The weight gradient of a convolution with few filters in a group, of depthwise convolution above all.
 *
 * A task owns a channel and the taps of its group's filters in it. It copies the channel's rows block by block
 * (conv/direct_rows.h), so that every tap reads one run while dout is read in one too. The microkernel of the layout
 * NCHW16n (nchw16n/weight_grad_microkernel.h) takes 16 neighbouring output pixels for the 16 images of a block: every
 * lane sums over image and pixel, and the lanes are added up at the end, always in the same order. Where there are few
 * channels, the blocks of rows fall into chunks, whose sums are added in order; how many follows from the sizes alone.
 */
#include "conv/conv_weight_grad.h"
#include "conv/direct_rows.h"
#include "nchw16n/weight_grad_microkernel.h"

enum {
    PIXEL_BLOCK = IMAGE_BLOCK,             /* output pixels in the place of images */
    ROW_BLOCK = (48 << 10) / sizeof(real), /* elements of the copied rows */
    MAX_FILTERS = 8,                       /* with more filters the tiles of a matrix product are full */
    MAX_SUMS = 4096,                       /* taps × filters of a channel */
    TASKS = 16,                            /* the least number of tasks, where there are pixels enough */
};

typedef struct {
    const conv_weight_grad *problem;
    direct_rows rows;
    ptrdiff_t row_blocks, units;       /* row blocks of one image; row blocks of all images */
    ptrdiff_t channels, taps;          /* channels of a group; taps of a filter in one channel */
    ptrdiff_t filter_tiles, tap_tiles; /* register tiles of the filters and of the taps */
    ptrdiff_t chunks, chunk_stride;    /* chunk_stride: elements of all sums of a chunk, those of db last */
    real *partial;                     /* NULL: there is one chunk, whose sums go to dw and db */
} schedule;

typedef struct {
    /* each thread has its own */
    real acc[(MAX_SUMS + MAX_FILTERS) * (VBYTES / sizeof(real))]; /* [filter][tap][VL], then [filter][VL] for db */
    real rows[ROW_BLOCK + PIXEL_BLOCK];
    /* the calling thread's, written by all threads */
    real partial[TASKS * (MAX_SUMS + MAX_FILTERS)];
    /* each thread has its own */
    weight_grad_offset pixel_blocks[ROW_BLOCK / PIXEL_BLOCK];
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

bool FN(conv_direct_weight_grad_serves)(const conv_weight_grad *c) {
    return c->f <= MAX_FILTERS && c->view.r * c->view.s <= MAX_SUMS / c->f && c->pixels != 0 &&
           direct_rows_serve(&c->view, 1, ROW_BLOCK);
}

/* The last pixels of a block of rows, fewer than PIXEL_BLOCK, of every filter and tap, filled up with zeros. */
typedef struct {
    real dout[WEIGHT_GRAD_MAX_FILTERS][PIXEL_BLOCK], x[WEIGHT_GRAD_MAX_TAPS][PIXEL_BLOCK];
} padded_pixels;

/* Runs one tile of filters and taps over the `count` pixels of a block of rows. */
static void run_tile(const weight_grad_tile_args *args, weight_grad_microkernel run, int filters, int taps,
                     ptrdiff_t count) {
    weight_grad_tile_args part = *args;
    part.pixels = count / PIXEL_BLOCK;
    for (int vector = 0; vector < PIXEL_VECTORS && part.pixels > 0; vector++) {
        run(&part);
        part.dout += VL;
        for (int i = 0; i < taps; i++) part.x[i] += VL;
    }
    const ptrdiff_t done = part.pixels * PIXEL_BLOCK, left = count - done;
    if (left == 0) return;
    padded_pixels padded;
    memset(&padded, 0, sizeof padded);
    for (int i = 0; i < filters; i++)
        memcpy(padded.dout[i], args->dout + i * args->dout_filter_stride + done, (size_t)left * sizeof(real));
    for (int i = 0; i < taps; i++) memcpy(padded.x[i], args->x[i] + done, (size_t)left * sizeof(real));
    part = *args;
    part.pixels = 1;
    part.dout_filter_stride = PIXEL_BLOCK;
    for (int vector = 0; vector < PIXEL_VECTORS; vector++) {
        part.dout = padded.dout[0] + vector * VL;
        for (int i = 0; i < taps; i++) part.x[i] = padded.x[i] + vector * VL;
        run(&part);
    }
}

/* Adds one block of rows of an image, for all filters of the group and all taps of the channel. */
static void sum_row_block(const schedule *s, ptrdiff_t unit, ptrdiff_t group, ptrdiff_t channel, workspace *w) {
    const conv_weight_grad *c = s->problem;
    const im2col_view *v = &c->view;
    const ptrdiff_t image = unit / s->row_blocks, block = unit % s->row_blocks, plane = v->rows * v->cols;
    const ptrdiff_t y = split_begin(v->rows, s->row_blocks, block);
    const ptrdiff_t rows = split_begin(v->rows, s->row_blocks, block + 1) - y;
    const real *x = c->x + image * v->image_stride + group * c->x_group_stride + channel * v->channel_stride;
    FN(direct_rows_pack)(&s->rows, v, x, y, rows, w->rows);
    const bool bias = c->db != NULL && channel == 0;
    real *bias_acc = w->acc + c->f * s->taps * VL;
    for (ptrdiff_t filter_tile = 0; filter_tile < s->filter_tiles; filter_tile++) {
        const ptrdiff_t f = split_begin(c->f, s->filter_tiles, filter_tile);
        const ptrdiff_t filters = split_begin(c->f, s->filter_tiles, filter_tile + 1) - f;
        for (ptrdiff_t tap_tile = 0; tap_tile < s->tap_tiles; tap_tile++) {
            const ptrdiff_t first = split_begin(s->taps, s->tap_tiles, tap_tile);
            const ptrdiff_t taps = split_begin(s->taps, s->tap_tiles, tap_tile + 1) - first;
            weight_grad_tile_args args = {
                .dout = c->dout + (image * c->all_filters + group * c->f + f) * plane + y * v->cols,
                .dout_filter_stride = plane,
                .offsets = w->pixel_blocks,
                .acc_filter_stride = s->taps * VL,
                .bias_acc = bias_acc + f * VL,
            };
            for (ptrdiff_t i = 0; i < taps; i++) {
                const ptrdiff_t tap = first + i;
                args.x[i] = w->rows + direct_rows_tap(&s->rows, v, tap / v->s, tap % v->s);
                args.acc[i] = w->acc + (f * s->taps + tap) * VL;
            }
            run_tile(&args, FN(weight_grad_microkernel_for)((int)filters, (int)taps, bias && tap_tile == 0),
                     (int)filters, (int)taps, rows * v->cols);
        }
    }
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const conv_weight_grad *c = s->problem;
    const ptrdiff_t chunk = task % s->chunks, group = task / s->chunks / s->channels,
                    channel = task / s->chunks % s->channels;
    workspace *w = fnn_scratch();
    memset(w->acc, 0, (size_t)(c->f * (s->taps + 1) * VBYTES));
    for (ptrdiff_t i = 0; i < ROW_BLOCK / (ptrdiff_t)PIXEL_BLOCK; i++)
        w->pixel_blocks[i] = (weight_grad_offset){i * PIXEL_BLOCK, i * PIXEL_BLOCK};
    const ptrdiff_t end = split_begin(s->units, s->chunks, chunk + 1);
    for (ptrdiff_t unit = split_begin(s->units, s->chunks, chunk); unit < end; unit++)
        sum_row_block(s, unit, group, channel, w);
    real *dw = c->dw, *db = c->db;
    bool accumulate = c->accumulate;
    if (s->partial != NULL) {
        dw = s->partial + chunk * s->chunk_stride;
        db = dw + s->chunk_stride - c->all_filters;
        accumulate = false;
    }
    for (ptrdiff_t i = 0; i < c->f; i++)
        reduce_lanes(w->acc + i * s->taps * VL, s->taps, dw + ((group * c->f + i) * s->channels + channel) * s->taps,
                     accumulate);
    if (c->db != NULL && channel == 0) reduce_lanes(w->acc + c->f * s->taps * VL, c->f, db + group * c->f, accumulate);
}

void FN(conv_direct_weight_grad)(const conv_weight_grad *c) {
    const im2col_view *v = &c->view;
    const ptrdiff_t most = direct_rows_fit(v, 1, ROW_BLOCK), row_blocks = (v->rows + most - 1) / most;
    const ptrdiff_t taps = v->r * v->s;
    const int tile_filters = FN(weight_grad_tile_filters)(c->f, taps);
    const int tile_taps = FN(weight_grad_tile_taps)(tile_filters);
    schedule s = {
        .problem = c,
        .rows = direct_rows_of(v, (v->rows + row_blocks - 1) / row_blocks),
        .row_blocks = row_blocks,
        .units = c->pixels / (v->rows * v->cols) * row_blocks,
        .channels = c->k / taps,
        .taps = taps,
        .filter_tiles = (c->f + tile_filters - 1) / tile_filters,
        .tap_tiles = (taps + tile_taps - 1) / tile_taps,
        .chunk_stride = c->all_filters * c->k + c->all_filters,
    };
    const ptrdiff_t owners = c->groups * s.channels;
    s.chunks = fnn_max(1, fnn_min(s.units, TASKS / owners));
    if (s.chunks > 1) s.partial = ((workspace *)fnn_scratch())->partial;
    const double work = (double)c->pixels * (double)c->all_filters * (double)c->k;
    nchw16n_parallel((int)(owners * s.chunks), run_task, &s, work);
    if (s.partial == NULL) return;
    const ptrdiff_t weights = c->all_filters * c->k;
    reduce_chunks(s.partial, s.chunk_stride, s.chunks, weights, c->dw, c->accumulate);
    if (c->db != NULL)
        reduce_chunks(s.partial + weights, s.chunk_stride, s.chunks, c->all_filters, c->db, c->accumulate);
}
