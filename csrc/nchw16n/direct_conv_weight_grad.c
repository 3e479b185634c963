/* The weight gradient of direct convolution in the layout NCHW16n.
 *
 * A task owns some filters, a range of their taps, and a chunk of the images, those that its thread wrote before. It
 * goes through dout in blocks of rows that stay in the near caches while all its taps read them. Each lane sums on its
 * own, in accumulators in the workspace, whose lanes are added up at the end. The chunks of images follow from the
 * shape alone and are added in their order, so that the bits are the same for any number of threads.
 */
#include "runtime/input_prefetch.h"
#include "runtime/interruption.h"
#include "nchw16n/conv_axis.h"
#include "nchw16n/weight_grad_microkernel.h"

/* A tap of a range: its row and column in the filter; what it reads, in elements, for an output whose window begins at
 * the input's first pixel. */
typedef struct {
    ptrdiff_t row, col, x;
} filter_tap;

enum {
    ROW_BLOCK_BYTES = 96 << 10,                       /* the block of dout that the taps of a task read in turn */
    ROW_BLOCK_PIXELS = AXIS_MAX_POSITIONS,            /* the most pixels of that block */
    RANGE_TAPS = 512,                                 /* about as many a task has */
    MAX_TAPS = RANGE_TAPS + 2 * WEIGHT_GRAD_MAX_TAPS, /* the longest range, which is a number of whole tiles */
    LEAST_TASKS = 16,
    MAX_CHUNKS = 4,
    CHUNK_PIXELS = 128,        /* the least number of pixels of a chunk, so that adding up the lanes costs little */
    PARTIAL_BYTES = 512 << 10, /* the sums of all chunks */
};

typedef struct {
    /* written by the calling thread, read by all threads: the segments of the rows and of the columns */
    axis_segment rows[AXIS_MAX_POSITIONS], cols[AXIS_MAX_POSITIONS];
    /* each thread has its own: the lists and the accumulators */
    weight_grad_offset pixels[ROW_BLOCK_PIXELS];
    filter_tap taps[MAX_TAPS];
    _Alignas(64) real acc[WEIGHT_GRAD_MAX_FILTERS * (MAX_TAPS + 1) * (VBYTES / sizeof(real))];
    /* the calling thread's, written by all threads: the sums of the chunks */
    real partial[PARTIAL_BYTES / sizeof(real)];
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

/* x[image block][group][channel][x_rows][x_cols][16], dout[image block][group][filter][rows][cols][16] →
 * dw[group][filter][channel][tap], db[group][filter] */
typedef struct {
    ptrdiff_t image_blocks, groups, filters, channels; /* the latter two of one group */
    const real *x, *dout;
    ptrdiff_t x_rows, x_cols, rows, cols;
    conv_axis row_axis, col_axis;
    real *dw, *db; /* db may be NULL */
    bool accumulate;
    ptrdiff_t taps;                    /* the taps of a filter: channels × rows × columns */
    ptrdiff_t filter_tiles, tap_tiles; /* register tiles of a group's filters; of a filter's taps */
    ptrdiff_t ranges;                  /* ranges of tap tiles: tasks that share the taps */
    ptrdiff_t chunks;                  /* chunks of the blocks of images */
    real *partial;                     /* each chunk's dw, then its db; one chunk alone writes to dw and db */
    const axis_segment *row_segments, *col_segments; /* they cover at most AXIS_MAX_POSITIONS rows and columns */
    int row_segment_count, col_segment_count;
} problem;

/* What a task sums: some filters and a range of their taps. */
typedef struct {
    const problem *p;
    int filters;
    ptrdiff_t first, count; /* taps of the range */
    const filter_tap *taps;
    ptrdiff_t row_block;              /* rows of outputs that are taken at a time */
    const weight_grad_offset *pixels; /* the pixels of a block of rows, one segment of the columns after the other */
    real *acc, *bias_acc;
} task_range;

/* Adds taps begin … end-1 over a rectangle of outputs: `rows` rows of segment `row`, behind its first `skip`, and all
 * columns of segment `col`. Only the taps that the two segments read inside the image take part. */
static void sum_rectangle(const task_range *g, weight_grad_tile_args *args, const real *x, const real *dout,
                          ptrdiff_t begin, ptrdiff_t end, const axis_segment *row, ptrdiff_t skip, ptrdiff_t rows,
                          const axis_segment *col) {
    const problem *p = g->p;
    const ptrdiff_t y = row->source - row->tap * row->source_tap_step + skip * row->source_step;
    const ptrdiff_t from = (y * p->x_cols + col->source - col->tap * col->source_tap_step) * IMAGE_BLOCK;
    int taps = 0;
    for (ptrdiff_t i = begin - g->first; i < end - g->first; i++) {
        const filter_tap *t = &g->taps[i];
        if (t->row < row->tap || t->row >= row->tap + row->taps || t->col < col->tap || t->col >= col->tap + col->taps)
            continue;
        args->x[taps] = x + from + t->x;
        args->acc[taps++] = g->acc + i * VL;
    }
    const bool bias = begin == 0 && p->db != NULL;
    if (taps == 0 && !bias) return;
    args->pixels = rows * col->count;
    args->dout = dout + ((row->first + skip) * p->cols + col->first) * IMAGE_BLOCK;
    args->bias_acc = g->bias_acc;
    fnn_input_prefetch_issue(g->filters * taps * args->pixels);
    const weight_grad_microkernel run = FN(weight_grad_microkernel_for)(g->filters, taps, bias);
    for (int part = 0; part < PIXEL_VECTORS; part++) {
        run(args);
        args->dout += VL;
        for (int i = 0; i < taps; i++) args->x[i] += VL;
    }
}

/* Adds one chunk of the images, for tap tiles first_tile … end_tile-1. */
static void sum_images(const task_range *g, ptrdiff_t chunk, ptrdiff_t group, ptrdiff_t filter, ptrdiff_t first_tile,
                       ptrdiff_t end_tile) {
    const problem *p = g->p;
    const ptrdiff_t x_plane = p->x_rows * p->x_cols * IMAGE_BLOCK, plane = p->rows * p->cols * IMAGE_BLOCK;
    weight_grad_tile_args args = {.dout_filter_stride = plane, .acc_filter_stride = g->count * VL};
    const ptrdiff_t end = p->image_blocks * (chunk + 1) / p->chunks;
    for (ptrdiff_t block = p->image_blocks * chunk / p->chunks; block < end && !fnn_is_left(); block++) {
        const real *x = p->x + (block * p->groups + group) * p->channels * x_plane;
        const real *dout = p->dout + (block * p->groups * p->filters + filter) * plane;
        for (int r = 0; r < p->row_segment_count; r++) {
            const axis_segment *row = &p->row_segments[r];
            for (ptrdiff_t skip = 0; skip < row->count; skip += g->row_block) {
                const ptrdiff_t rows = fnn_min(g->row_block, row->count - skip);
                for (ptrdiff_t i = first_tile; i < end_tile; i++) {
                    args.offsets = g->pixels;
                    for (int c = 0; c < p->col_segment_count; c++) {
                        const axis_segment *col = &p->col_segments[c];
                        sum_rectangle(g, &args, x, dout, p->taps * i / p->tap_tiles, p->taps * (i + 1) / p->tap_tiles,
                                      row, skip, rows, col);
                        args.offsets += g->row_block * col->count;
                    }
                }
            }
        }
    }
}

static void list_taps(const task_range *g, filter_tap *list) {
    const problem *p = g->p;
    const ptrdiff_t cols = fnn_max(1, p->col_axis.taps), window = fnn_max(1, p->row_axis.taps) * cols;
    for (ptrdiff_t i = 0; i < g->count; i++) {
        const ptrdiff_t c = (g->first + i) / window, row = (g->first + i) % window / cols, col = (g->first + i) % cols;
        const ptrdiff_t y = c * p->x_rows + row * p->row_axis.dilation;
        list[i] = (filter_tap){row, col, (y * p->x_cols + col * p->col_axis.dilation) * IMAGE_BLOCK};
    }
}

/* Lists the pixels of a block of rows, for one segment of the columns after the other. Within a segment they stand row
 * by row, so that fewer rows are the beginning of its list. */
static void list_pixels(const task_range *g, weight_grad_offset *list) {
    const problem *p = g->p;
    const ptrdiff_t x_row = p->row_axis.stride * p->x_cols * IMAGE_BLOCK, x_col = p->col_axis.stride * IMAGE_BLOCK;
    for (int c = 0; c < p->col_segment_count; c++)
        for (ptrdiff_t i = 0; i < g->row_block; i++)
            for (ptrdiff_t j = 0; j < p->col_segments[c].count; j++)
                *list++ = (weight_grad_offset){(i * p->cols + j) * IMAGE_BLOCK, i * x_row + j * x_col};
}

static void run_task(void *context, int task) {
    const problem *p = context;
    const ptrdiff_t chunk = task / (p->groups * p->filter_tiles * p->ranges);
    const ptrdiff_t owner = task / p->ranges % (p->groups * p->filter_tiles), range = task % p->ranges;
    const ptrdiff_t group = owner / p->filter_tiles, filter_tile = owner % p->filter_tiles;
    const ptrdiff_t first_tile = p->tap_tiles * range / p->ranges, end_tile = p->tap_tiles * (range + 1) / p->ranges;
    const ptrdiff_t f = p->filters * filter_tile / p->filter_tiles, filter = group * p->filters + f;
    const ptrdiff_t first = p->taps * first_tile / p->tap_tiles;
    task_range g = {
        .p = p,
        .filters = (int)(p->filters * (filter_tile + 1) / p->filter_tiles - f),
        .first = first,
        .count = p->taps * end_tile / p->tap_tiles - first,
    };
    workspace *w = fnn_scratch();
    g.pixels = w->pixels;
    g.taps = w->taps;
    g.acc = w->acc;
    const ptrdiff_t cols = fnn_max(1, fnn_min(AXIS_MAX_POSITIONS, p->cols));
    const ptrdiff_t row_bytes = g.filters * cols * IMAGE_BLOCK * (ptrdiff_t)sizeof(real);
    g.row_block = end_tile - first_tile == 1 ? p->rows : ROW_BLOCK_BYTES / row_bytes;
    g.row_block = fnn_max(1, fnn_min(g.row_block, ROW_BLOCK_PIXELS / cols));
    list_taps(&g, w->taps);
    list_pixels(&g, w->pixels);
    g.bias_acc = g.acc + g.filters * g.count * VL;
    memset(g.acc, 0, (size_t)(g.filters * (g.count + 1) * VBYTES));
    sum_images(&g, chunk, group, filter, first_tile, end_tile);
    const ptrdiff_t all = p->groups * p->filters;
    real *dw = p->chunks == 1 ? p->dw : p->partial + chunk * all * (p->taps + 1);
    real *db = p->chunks == 1 ? p->db : dw + all * p->taps;
    const bool accumulate = p->chunks == 1 && p->accumulate;
    for (int i = 0; i < g.filters; i++)
        reduce_lanes(g.acc + i * g.count * VL, g.count, dw + (filter + i) * p->taps + first, accumulate);
    if (first_tile == 0 && p->db != NULL) reduce_lanes(g.bias_acc, g.filters, db + filter, accumulate);
}

static void run(problem *p, double work) {
    nchw16n_parallel((int)(p->chunks * p->groups * p->filter_tiles * p->ranges), run_task, p, work);
    if (p->chunks == 1) return;
    const ptrdiff_t all = p->groups * p->filters, chunk_stride = all * (p->taps + 1);
    reduce_chunks(p->partial, chunk_stride, p->chunks, all * p->taps, p->dw, p->accumulate);
    if (p->db != NULL) reduce_chunks(p->partial + all * p->taps, chunk_stride, p->chunks, all, p->db, p->accumulate);
}

/* x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s], db[f]; stride_h … algorithm, beta */
void FN(conv_backward_weight_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n, c = n[1], f = n[4], k = n[7], groups = c / k;
    const double *s = op->s;
    workspace *w = fnn_scratch();
    problem p = {
        .image_blocks = n[0],
        .groups = groups,
        .filters = f / groups,
        .channels = k,
        .x = IN(0),
        .dout = IN(1),
        .x_rows = n[2],
        .x_cols = n[3],
        .rows = n[5],
        .cols = n[6],
        .row_axis = conv_axis_of(s, AXIS_ROWS, n[2], n[8], false),
        .col_axis = conv_axis_of(s, AXIS_COLS, n[3], n[9], false),
        .dw = OUT(2),
        .db = OUT(3),
        .taps = k * n[8] * n[9],
        .row_segments = w->rows,
        .col_segments = w->cols,
    };
    if (f == 0) return;
    const int filters = FN(weight_grad_tile_filters)(p.filters, p.taps), taps = FN(weight_grad_tile_taps)(filters);
    p.filter_tiles = (p.filters + filters - 1) / filters;
    p.tap_tiles = fnn_max(1, (p.taps + taps - 1) / taps); /* one without taps makes db */
    const ptrdiff_t fit = PARTIAL_BYTES / (ptrdiff_t)sizeof(real) / (f * (p.taps + 1));
    const ptrdiff_t long_enough = p.image_blocks * p.rows * p.cols / CHUNK_PIXELS;
    p.chunks = fnn_max(1, fnn_min(fnn_min(MAX_CHUNKS, p.image_blocks), fnn_min(fit, long_enough)));
    p.partial = w->partial;
    const ptrdiff_t owners = p.chunks * groups * p.filter_tiles, wanted = (LEAST_TASKS + owners - 1) / owners;
    p.ranges = fnn_min(p.tap_tiles, fnn_max(wanted, (p.taps + RANGE_TAPS - 1) / RANGE_TAPS));
    const double work =
        (double)p.image_blocks * (double)f * (double)p.taps * (double)p.rows * (double)p.cols * IMAGE_BLOCK;
    p.accumulate = s[7] != 0;
    for (ptrdiff_t row = 0; row == 0 || row < p.rows; row += AXIS_MAX_POSITIONS) {
        p.row_segment_count = axis_cut(&p.row_axis, row, fnn_min(p.rows, row + AXIS_MAX_POSITIONS), w->rows);
        for (ptrdiff_t col = 0; col == 0 || col < p.cols; col += AXIS_MAX_POSITIONS) {
            p.col_segment_count = axis_cut(&p.col_axis, col, fnn_min(p.cols, col + AXIS_MAX_POSITIONS), w->cols);
            run(&p, work);
            p.accumulate = true;
        }
    }
}
