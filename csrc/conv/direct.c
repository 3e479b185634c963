/* Direct convolution for few filters in a group, depthwise convolution above all: a matrix product would copy what
 * every tap reads and then leave most of its register tile empty.
 *
 * A task takes blocks of output rows. It copies the input rows that a block reads (conv/direct_rows.h); then all taps
 * pass over the copies while some vectors of outputs stay in registers. Every output is one chain over channel, filter
 * row and filter column, as in the other algorithms.
 */
#include "conv/conv_algorithms.h"
#include "conv/direct_microkernel.h"
#include "conv/direct_rows.h"

enum {
    ROW_BLOCK = (24 << 10) / sizeof(real), /* elements of the copied rows */
    MAX_ROWS = 8,                          /* m of a problem: with more rows the tiles of a matrix product are full */
    MAX_TAPS = 1024,                       /* k of a problem */
    MAX_TASKS = 64,
    SERIAL_WORK = 1 << 15,
};

typedef struct {
    const conv_problem *problem;
    direct_rows rows;
    const ptrdiff_t *taps; /* where each tap reads in the copied rows */
} direct_part;

typedef struct {
    direct_part parts[CONV_DIRECT_MAX_PROBLEMS];
    int count;
    ptrdiff_t row_blocks, units; /* row blocks of one image; row blocks of all images and groups */
    int tasks;
} schedule;

typedef struct {
    /* written by the calling thread, read by all threads */
    ptrdiff_t taps[CONV_DIRECT_MAX_PROBLEMS][MAX_TAPS];
    /* each thread has its own */
    real weights[MAX_TAPS * CONV_DIRECT_TILE_ROWS];
    real results[CONV_DIRECT_TILE_ROWS * (ROW_BLOCK + VBYTES / sizeof(real))];
    real rows[ROW_BLOCK + VBYTES / sizeof(real)];
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

static ptrdiff_t channels(const conv_problem *c) { return c->k / (c->view.r * c->view.s); }

bool FN(conv_direct_serves)(const conv_problem *c) {
    return c->m <= MAX_ROWS && c->k != 0 && c->k <= MAX_TAPS && c->pixels != 0 &&
           direct_rows_serve(&c->view, channels(c), ROW_BLOCK);
}

/* Computes results[row][pixel] for `rows` rows of the problem, whose weights are packed, and the block's first `count`
 * pixels. */
static void multiply(const direct_part *part, const workspace *w, ptrdiff_t rows, ptrdiff_t count, real *results,
                     ptrdiff_t ld) {
    const ptrdiff_t vectors = (count + VL - 1) / VL, most = FN(conv_direct_tile_vectors)((int)rows);
    const ptrdiff_t tiles = (vectors + most - 1) / most;
    conv_direct_tile_args args = {.taps = part->problem->k, .offsets = part->taps, .weights = w->weights, .ld = ld};
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t v = split_begin(vectors, tiles, i);
        args.x = w->rows + v * VL;
        args.out = results + v * VL;
        FN(conv_direct_microkernel_for)((int)rows, (int)(split_begin(vectors, tiles, i + 1) - v))(&args);
    }
}

/* Computes output rows y … y+rows-1 of one image and group. */
static void run_row_block(const direct_part *part, ptrdiff_t image, ptrdiff_t group, ptrdiff_t y, ptrdiff_t rows) {
    const conv_problem *c = part->problem;
    const im2col_view *v = &c->view;
    workspace *w = fnn_scratch();
    const real *x = c->x + image * v->image_stride + group * c->x_group_stride;
    for (ptrdiff_t i = 0; i < channels(c); i++)
        FN(direct_rows_pack)(&part->rows, v, x + i * v->channel_stride, y, rows,
                             w->rows + i * part->rows.channel_stride);
    const ptrdiff_t count = rows * v->cols, ld = (count + VL - 1) / VL * VL;
    const ptrdiff_t tiles = (c->m + CONV_DIRECT_TILE_ROWS - 1) / CONV_DIRECT_TILE_ROWS;
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        const ptrdiff_t i = split_begin(c->m, tiles, tile), tile_rows = split_begin(c->m, tiles, tile + 1) - i;
        FN(conv_pack_weights)(c, group, i, tile_rows, 0, c->k, w->weights);
        multiply(part, w, tile_rows, count, w->results, ld);
        FN(conv_epilogue)(c, group, i, tile_rows, (image * v->rows + y) * v->cols, count, w->results, ld);
    }
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const ptrdiff_t groups = s->parts[0].problem->groups, end = split_begin(s->units, s->tasks, task + 1);
    for (ptrdiff_t unit = split_begin(s->units, s->tasks, task); unit < end; unit++) {
        const ptrdiff_t block = unit % s->row_blocks, group = unit / s->row_blocks % groups,
                        image = unit / s->row_blocks / groups;
        for (int i = 0; i < s->count; i++) {
            const ptrdiff_t all = s->parts[i].problem->view.rows, y = split_begin(all, s->row_blocks, block);
            const ptrdiff_t rows = split_begin(all, s->row_blocks, block + 1) - y;
            if (rows > 0) run_row_block(&s->parts[i], image, group, y, rows);
        }
    }
}

void FN(conv_direct)(const conv_problem *problems, int count) {
    workspace *w = fnn_scratch();
    const ptrdiff_t images = problems->pixels / (problems->view.rows * problems->view.cols);
    schedule s = {.count = count, .row_blocks = 1};
    double work = 0;
    for (int i = 0; i < count; i++) {
        const conv_problem *c = &problems[i];
        const ptrdiff_t most = direct_rows_fit(&c->view, channels(c), ROW_BLOCK);
        s.row_blocks = fnn_max(s.row_blocks, (c->view.rows + most - 1) / most);
        work += (double)c->pixels * (double)c->m * (double)c->groups * (double)(c->k + 1);
    }
    for (int i = 0; i < count; i++) {
        const conv_problem *c = &problems[i];
        const im2col_view *v = &c->view;
        const direct_rows rows = direct_rows_of(v, (v->rows + s.row_blocks - 1) / s.row_blocks);
        ptrdiff_t *tap = w->taps[i];
        s.parts[i] = (direct_part){c, rows, tap};
        for (ptrdiff_t channel = 0; channel < channels(c); channel++)
            for (ptrdiff_t a = 0; a < v->r; a++)
                for (ptrdiff_t b = 0; b < v->s; b++)
                    *tap++ = channel * rows.channel_stride + direct_rows_tap(&rows, v, a, b);
    }
    s.units = images * problems->groups * s.row_blocks;
    s.tasks = (int)fnn_min(s.units, MAX_TASKS);
    if (work < SERIAL_WORK)
        for (int task = 0; task < s.tasks; task++) run_task(&s, task);
    else
        fnn_parallel(s.tasks, run_task, &s);
}
