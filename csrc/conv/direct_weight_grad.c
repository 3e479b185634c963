/* The weight gradient of a convolution with few filters a group, depthwise above all.
 *
 * A task owns a channel and the taps of its group's filters in it. Strip by strip it copies the channel's lines
 * (conv/direct_rows.h), so that every tap meets dout in one run, and the register tile of images innermost
 * (nchw16n/weight_grad_microkernel.h) takes N16 windows for the images of a group: every lane sums over image and
 * window, and the lanes are added up at the end, by one tree. Where there are few channels the strips fall into chunks,
 * whose sums are added in order: a rule of the sizes alone.
 */
#include "conv/conv_weight_grad.h"
#include "conv/direct_rows.h"
#include "nchw16n/weight_grad_microkernel.h"

enum {
    STRIP = (48 << 10) / sizeof(real), /* elements of the lines */
    MOST_FILTERS = 8,                  /* from here on the tiles of a matrix product are full enough */
    MOST_SUMS = 4096,                  /* taps × filters of a channel */
    TASKS = 16,                        /* at least, where there are windows enough */
};

typedef struct {
    const conv_gradient *of;
    conv_lines lines;
    ptrdiff_t strips, units;  /* of an image; of all images */
    ptrdiff_t channels, taps; /* of a group; of a filter in a channel */
    ptrdiff_t blocks, tiles;  /* of the filters; of the taps */
    ptrdiff_t chunks, size;   /* size: elements of all sums of a chunk, those for db last */
    real *partial;            /* NULL: one chunk, whose sums go where they belong */
} gradient;

/* Every task's own workspace, then the sums of the caller's chunks. */
typedef struct {
    real sums[(MOST_SUMS + MOST_FILTERS) * (VBYTES / sizeof(real))]; /* [filter][tap], then one a filter */
    real lines[STRIP + N16];
    real partial[TASKS * (MOST_SUMS + MOST_FILTERS)];
    nchw16n_pixel pixels[STRIP / N16]; /* the k-th N16 windows of a strip */
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

bool FN(conv_weight_direct_serves)(const conv_gradient *c) {
    if (c->f > MOST_FILTERS || c->view.r * c->view.s > MOST_SUMS / c->f || c->windows == 0) return false;
    const ptrdiff_t rows = conv_lines_rows(&c->view, 1, STRIP);
    return rows > 0 && rows >= fnn_min(c->view.rows, conv_lines_of(&c->view, 1).reach);
}

/* The last windows, fewer than N16, of every filter and tap beside zeros. */
typedef struct {
    real dout[SUMS_FILTERS][N16], x[SUMS_TAPS][N16];
} rest;

static void run_tile(nchw16n_sums_task *t, nchw16n_sums_fn run, int filters, int taps, ptrdiff_t count) {
    nchw16n_sums_task whole = *t;
    whole.pixels = count / N16;
    for (int part = 0; part < NCHW16N_PARTS && whole.pixels > 0; part++) {
        run(&whole);
        whole.dout += VL;
        for (int i = 0; i < taps; i++) whole.x[i] += VL;
    }
    const ptrdiff_t done = whole.pixels * N16, left = count - done;
    if (left == 0) return;
    rest r;
    memset(&r, 0, sizeof r);
    for (int i = 0; i < filters; i++)
        memcpy(r.dout[i], t->dout + i * t->dout_filter + done, (size_t)left * sizeof(real));
    for (int i = 0; i < taps; i++) memcpy(r.x[i], t->x[i] + done, (size_t)left * sizeof(real));
    whole = *t;
    whole.pixels = 1;
    whole.dout_filter = N16;
    for (int part = 0; part < NCHW16N_PARTS; part++) {
        whole.dout = r.dout[0] + part * VL;
        for (int i = 0; i < taps; i++) whole.x[i] = r.x[i] + part * VL;
        run(&whole);
    }
}

/* One strip of an image: all filters of the group, all taps of the channel. */
static void strip(const gradient *g, ptrdiff_t unit, ptrdiff_t group, ptrdiff_t channel, workspace *w) {
    const conv_gradient *c = g->of;
    const conv_view *v = &c->view;
    const ptrdiff_t image = unit / g->strips, number = unit % g->strips, plane = v->rows * v->cols;
    const ptrdiff_t y = share(v->rows, g->strips, number), rows = share(v->rows, g->strips, number + 1) - y;
    FN(conv_lines_pack)(&g->lines, v, c->x + image * v->image + group * c->x_group + channel * v->channel, y, rows,
                        w->lines);
    const bool biases = c->db != NULL && channel == 0;
    real *totals = w->sums + c->f * g->taps * VL;
    for (ptrdiff_t block = 0; block < g->blocks; block++) {
        const ptrdiff_t f = share(c->f, g->blocks, block), filters = share(c->f, g->blocks, block + 1) - f;
        for (ptrdiff_t tile = 0; tile < g->tiles; tile++) {
            const ptrdiff_t first = share(g->taps, g->tiles, tile), taps = share(g->taps, g->tiles, tile + 1) - first;
            nchw16n_sums_task t = {
                .dout = c->dout + (image * c->filters + group * c->f + f) * plane + y * v->cols,
                .dout_filter = plane,
                .pixel = w->pixels,
                .acc_filter = g->taps * VL,
                .total = totals + f * VL,
            };
            for (ptrdiff_t i = 0; i < taps; i++) {
                const ptrdiff_t tap = first + i;
                t.x[i] = w->lines + conv_lines_tap(&g->lines, v, tap / v->s, tap % v->s);
                t.acc[i] = w->sums + (f * g->taps + tap) * VL;
            }
            run_tile(&t, FN(nchw16n_sums_get)((int)filters, (int)taps, biases && tile == 0), (int)filters, (int)taps,
                     rows * v->cols);
        }
    }
}

static void run_task(void *context, int task) {
    const gradient *g = context;
    const conv_gradient *c = g->of;
    const ptrdiff_t chunk = task % g->chunks, group = task / g->chunks / g->channels,
                    channel = task / g->chunks % g->channels;
    workspace *w = fnn_scratch();
    memset(w->sums, 0, (size_t)(c->f * (g->taps + 1) * VBYTES));
    for (ptrdiff_t i = 0; i < STRIP / (ptrdiff_t)N16; i++) w->pixels[i] = (nchw16n_pixel){i * N16, i * N16};
    const ptrdiff_t end = share(g->units, g->chunks, chunk + 1);
    for (ptrdiff_t unit = share(g->units, g->chunks, chunk); unit < end; unit++) strip(g, unit, group, channel, w);
    real *dw = c->dw, *db = c->db;
    bool add = c->accumulate;
    if (g->partial != NULL) {
        dw = g->partial + chunk * g->size;
        db = dw + g->size - c->filters;
        add = false;
    }
    for (ptrdiff_t i = 0; i < c->f; i++)
        nchw16n_add_lanes(w->sums + i * g->taps * VL, g->taps,
                          dw + ((group * c->f + i) * g->channels + channel) * g->taps, add);
    if (c->db != NULL && channel == 0) nchw16n_add_lanes(w->sums + c->f * g->taps * VL, c->f, db + group * c->f, add);
}

void FN(conv_weight_direct)(const conv_gradient *c) {
    const conv_view *v = &c->view;
    const ptrdiff_t most = conv_lines_rows(v, 1, STRIP), strips = (v->rows + most - 1) / most, taps = v->r * v->s;
    const int filters = FN(nchw16n_sums_filters)(c->f, taps);
    gradient g = {
        .of = c,
        .lines = conv_lines_of(v, (v->rows + strips - 1) / strips),
        .strips = strips,
        .units = c->windows / (v->rows * v->cols) * strips,
        .channels = c->k / taps,
        .taps = taps,
        .blocks = (c->f + filters - 1) / filters,
        .tiles = (taps + FN(nchw16n_sums_taps)(filters) - 1) / FN(nchw16n_sums_taps)(filters),
        .size = c->filters * c->k + c->filters,
    };
    const ptrdiff_t all = c->groups * g.channels;
    g.chunks = fnn_max(1, fnn_min(g.units, TASKS / all));
    if (g.chunks > 1) g.partial = ((workspace *)fnn_scratch())->partial;
    const double work = (double)c->windows * (double)c->filters * (double)c->k;
    nchw16n_run((int)(all * g.chunks), run_task, &g, work);
    if (g.partial == NULL) return;
    const ptrdiff_t weights = c->filters * c->k;
    nchw16n_add_chunks(g.partial, g.size, g.chunks, weights, c->dw, c->accumulate);
    if (c->db != NULL) nchw16n_add_chunks(g.partial + weights, g.size, g.chunks, c->filters, c->db, c->accumulate);
}
