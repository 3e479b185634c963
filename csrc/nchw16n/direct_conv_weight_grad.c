/* The weight gradient of a convolution on images innermost.
 *
 * A task owns some filters, a range of their taps and a chunk of the images: a thread meets those that it wrote. It
 * passes dout in strips of rows that stay in the near caches while all its taps are taken; the lanes' sums meanwhile
 * stand in its workspace and are added up at the end, by one tree. The chunks, which depend on the shape alone, are put
 * together in their order.
 */
#include "runtime/input_prefetch.h"
#include "nchw16n/conv_axis.h"
#include "nchw16n/weight_grad_microkernel.h"

/* A tap of a range: its row and column in the filter, what it reads for an output whose window begins at the input's
 * first pixel, in elements. */
typedef struct {
    ptrdiff_t row, col, x;
} tap;

enum {
    STRIP_BYTES = 96 << 10,    /* of dout */
    RANGE_TAPS = 512,          /* of a task, about */
    STRIP_PIXELS = AXIS_BLOCK, /* at most */
    LEAST_TASKS = 16,
    MOST_CHUNKS = 4,
    CHUNK_PIXELS = 128,                     /* of 16 images each, so that adding up the lanes costs little */
    CHUNKS_BYTES = 512 << 10,               /* of sums */
    MOST_TAPS = RANGE_TAPS + 2 * SUMS_TAPS, /* of a range of whole tiles */
};

/* The caller's parts of rows and columns, which all read; every thread's own lists and sums; the caller's chunks. */
typedef struct {
    axis_part rows[AXIS_BLOCK], cols[AXIS_BLOCK];
    nchw16n_pixel pixels[STRIP_PIXELS];
    tap taps[MOST_TAPS];
    _Alignas(64) real sums[SUMS_FILTERS * (MOST_TAPS + 1) * (VBYTES / sizeof(real))];
    real chunks[CHUNKS_BYTES / sizeof(real)];
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

typedef struct {
    ptrdiff_t images, groups, filters, channels; /* groups of images; of channels; filters, channels of one of them */
    const real *x, *dout;
    ptrdiff_t x_rows, x_cols, rows, cols;
    axis row_axis, col_axis;
    real *dw, *db;
    bool add;
    ptrdiff_t taps;                         /* of a filter: channels × rows × columns */
    ptrdiff_t blocks, tiles;                /* tiles of filters in a group of channels; of taps in a filter */
    ptrdiff_t ranges;                       /* of tiles of taps */
    ptrdiff_t chunks;                       /* of images */
    real *sums;                             /* each chunk's dw, then its db; with one chunk dw and db get them */
    const axis_part *row_parts, *col_parts; /* of a block of rows and one of columns */
    int row_count, col_count;
} weight_sums;

/* The part of a range that has been summed. */
typedef struct {
    const weight_sums *v;
    int filters;
    ptrdiff_t first, count; /* taps of the range */
    const tap *tap;
    ptrdiff_t strip;            /* rows of outputs */
    const nchw16n_pixel *pixel; /* of a strip, one part of the columns after the other */
    real *acc, *total;
} range;

/* Taps begin … end-1 over a rectangle of outputs: those that lie inside. */
static void tile(const range *g, nchw16n_sums_task *t, const real *x, const real *dout, ptrdiff_t begin, ptrdiff_t end,
                 const axis_part *row, ptrdiff_t skip, ptrdiff_t rows, const axis_part *col) {
    const weight_sums *v = g->v;
    const ptrdiff_t y = row->from - row->tap * row->from_tap + skip * row->from_step;
    const ptrdiff_t from = (y * v->x_cols + col->from - col->tap * col->from_tap) * N16;
    int taps = 0;
    for (ptrdiff_t i = begin - g->first; i < end - g->first; i++) {
        const tap *p = &g->tap[i];
        if (p->row < row->tap || p->row >= row->tap + row->taps || p->col < col->tap || p->col >= col->tap + col->taps)
            continue;
        t->x[taps] = x + from + p->x;
        t->acc[taps++] = g->acc + i * VL;
    }
    const bool total = begin == 0 && v->db != NULL;
    if (taps == 0 && !total) return;
    t->pixels = rows * col->count;
    t->dout = dout + ((row->first + skip) * v->cols + col->first) * N16;
    t->total = g->total;
    fnn_ahead_fetch(g->filters * taps * t->pixels);
    const nchw16n_sums_fn run = FN(nchw16n_sums_get)(g->filters, taps, total);
    for (int part = 0; part < NCHW16N_PARTS; part++) {
        run(t);
        t->dout += VL;
        for (int i = 0; i < taps; i++) t->x[i] += VL;
    }
}

static void sum_images(const range *g, ptrdiff_t chunk, ptrdiff_t group, ptrdiff_t filter, ptrdiff_t first_tile,
                       ptrdiff_t end_tile) {
    const weight_sums *v = g->v;
    const ptrdiff_t x_plane = v->x_rows * v->x_cols * N16, plane = v->rows * v->cols * N16;
    nchw16n_sums_task t = {.dout_filter = plane, .acc_filter = g->count * VL};
    for (ptrdiff_t image = v->images * chunk / v->chunks; image < v->images * (chunk + 1) / v->chunks; image++) {
        const real *x = v->x + (image * v->groups + group) * v->channels * x_plane;
        const real *dout = v->dout + (image * v->groups * v->filters + filter) * plane;
        for (int r = 0; r < v->row_count; r++) {
            const axis_part *row = &v->row_parts[r];
            for (ptrdiff_t skip = 0; skip < row->count; skip += g->strip) {
                const ptrdiff_t rows = fnn_min(g->strip, row->count - skip);
                for (ptrdiff_t i = first_tile; i < end_tile; i++) {
                    t.pixel = g->pixel;
                    for (int c = 0; c < v->col_count; c++) {
                        const axis_part *col = &v->col_parts[c];
                        tile(g, &t, x, dout, v->taps * i / v->tiles, v->taps * (i + 1) / v->tiles, row, skip, rows,
                             col);
                        t.pixel += g->strip * col->count;
                    }
                }
            }
        }
    }
}

static void list_taps(const range *g, tap *list) {
    const weight_sums *v = g->v;
    const ptrdiff_t width = fnn_max(1, v->col_axis.taps), window = fnn_max(1, v->row_axis.taps) * width;
    for (ptrdiff_t i = 0; i < g->count; i++) {
        const ptrdiff_t c = (g->first + i) / window, row = (g->first + i) % window / width,
                        col = (g->first + i) % width;
        const ptrdiff_t y = c * v->x_rows + row * v->row_axis.dilation;
        list[i] = (tap){row, col, (y * v->x_cols + col * v->col_axis.dilation) * N16};
    }
}

/* Of each part of the columns, those of the first row first: of fewer rows they are the first ones. */
static void list_pixels(const range *g, nchw16n_pixel *list) {
    const weight_sums *v = g->v;
    const ptrdiff_t x_row = v->row_axis.stride * v->x_cols * N16, x_col = v->col_axis.stride * N16;
    for (int c = 0; c < v->col_count; c++)
        for (ptrdiff_t i = 0; i < g->strip; i++)
            for (ptrdiff_t j = 0; j < v->col_parts[c].count; j++)
                *list++ = (nchw16n_pixel){(i * v->cols + j) * N16, i * x_row + j * x_col};
}

static void run_task(void *context, int task) {
    const weight_sums *v = context;
    const ptrdiff_t chunk = task / (v->groups * v->blocks * v->ranges);
    const ptrdiff_t index = task / v->ranges % (v->groups * v->blocks), piece = task % v->ranges;
    const ptrdiff_t group = index / v->blocks, b = index % v->blocks;
    const ptrdiff_t first_tile = v->tiles * piece / v->ranges, end_tile = v->tiles * (piece + 1) / v->ranges;
    const ptrdiff_t f = v->filters * b / v->blocks, filter = group * v->filters + f;
    const ptrdiff_t first = v->taps * first_tile / v->tiles;
    range g = {
        .v = v,
        .filters = (int)(v->filters * (b + 1) / v->blocks - f),
        .first = first,
        .count = v->taps * end_tile / v->tiles - first,
    };
    workspace *w = fnn_scratch();
    g.pixel = w->pixels;
    g.tap = w->taps;
    g.acc = w->sums;
    const ptrdiff_t cols = fnn_max(1, fnn_min(AXIS_BLOCK, v->cols));
    const ptrdiff_t row_bytes = g.filters * cols * N16 * (ptrdiff_t)sizeof(real);
    g.strip = end_tile - first_tile == 1 ? v->rows : STRIP_BYTES / row_bytes;
    g.strip = fnn_max(1, fnn_min(g.strip, STRIP_PIXELS / cols));
    list_taps(&g, w->taps);
    list_pixels(&g, w->pixels);
    g.total = g.acc + g.filters * g.count * VL;
    memset(g.acc, 0, (size_t)(g.filters * (g.count + 1) * VBYTES));
    sum_images(&g, chunk, group, filter, first_tile, end_tile);
    const ptrdiff_t all = v->groups * v->filters;
    real *dw = v->chunks == 1 ? v->dw : v->sums + chunk * all * (v->taps + 1);
    real *db = v->chunks == 1 ? v->db : dw + all * v->taps;
    const bool add = v->chunks == 1 && v->add;
    for (int i = 0; i < g.filters; i++)
        nchw16n_add_lanes(g.acc + i * g.count * VL, g.count, dw + (filter + i) * v->taps + first, add);
    if (first_tile == 0 && v->db != NULL) nchw16n_add_lanes(g.total, g.filters, db + filter, add);
}

static void run(weight_sums *v, double work) {
    nchw16n_run((int)(v->chunks * v->groups * v->blocks * v->ranges), run_task, v, work);
    if (v->chunks == 1) return;
    const ptrdiff_t all = v->groups * v->filters, apart = all * (v->taps + 1);
    nchw16n_add_chunks(v->sums, apart, v->chunks, all * v->taps, v->dw, v->add);
    if (v->db != NULL) nchw16n_add_chunks(v->sums + all * v->taps, apart, v->chunks, all, v->db, v->add);
}

/* x[g,c,h,w,16], dout[g,f,p,q,16], dw[f,k,r,s], db[f]; stride_h … algorithm, beta */
void FN(conv_backward_weight_nchw16n)(const fnn_op *op) {
    const ptrdiff_t *n = op->n, c = n[1], f = n[4], k = n[7], groups = c / k;
    const double *s = op->s;
    workspace *w = fnn_scratch();
    weight_sums v = {
        .images = n[0],
        .groups = groups,
        .filters = f / groups,
        .channels = k,
        .x = IN(0),
        .dout = IN(1),
        .x_rows = n[2],
        .x_cols = n[3],
        .rows = n[5],
        .cols = n[6],
        .row_axis = axis_of(s, AXIS_ROWS, n[2], n[8], false),
        .col_axis = axis_of(s, AXIS_COLS, n[3], n[9], false),
        .dw = OUT(2),
        .db = OUT(3),
        .taps = k * n[8] * n[9],
        .row_parts = w->rows,
        .col_parts = w->cols,
    };
    if (f == 0) return;
    const int filters = FN(nchw16n_sums_filters)(v.filters, v.taps);
    v.blocks = (v.filters + filters - 1) / filters;
    v.tiles = fnn_max(1, (v.taps + FN(nchw16n_sums_taps)(filters) - 1) / FN(nchw16n_sums_taps)(filters)); /* for db */
    const ptrdiff_t room = CHUNKS_BYTES / (ptrdiff_t)sizeof(real) / (f * (v.taps + 1));
    const ptrdiff_t long_enough = v.images * v.rows * v.cols / CHUNK_PIXELS;
    v.chunks = fnn_max(1, fnn_min(fnn_min(MOST_CHUNKS, v.images), fnn_min(room, long_enough)));
    v.sums = w->chunks;
    const ptrdiff_t owners = v.chunks * groups * v.blocks, wanted = (LEAST_TASKS + owners - 1) / owners;
    v.ranges = fnn_min(v.tiles, fnn_max(wanted, (v.taps + RANGE_TAPS - 1) / RANGE_TAPS));
    const double work = (double)v.images * (double)f * (double)v.taps * (double)v.rows * (double)v.cols * N16;
    v.add = s[7] != 0;
    for (ptrdiff_t row = 0; row == 0 || row < v.rows; row += AXIS_BLOCK) {
        v.row_count = axis_parts(&v.row_axis, row, fnn_min(v.rows, row + AXIS_BLOCK), w->rows);
        for (ptrdiff_t col = 0; col == 0 || col < v.cols; col += AXIS_BLOCK) {
            v.col_count = axis_parts(&v.col_axis, col, fnn_min(v.cols, col + AXIS_BLOCK), w->cols);
            run(&v, work);
            v.add = true;
        }
    }
}
