/* Convolution with few filters a group, depthwise above all: a matrix product would copy every window for each tap and
 * then leave most of its tile empty.
 *
 * A task takes strips of rows: copies of their lines (conv/direct_rows.h), over which all taps pass while some vectors
 * of outputs stay in registers. Every element is one chain over channel, filter row, filter column, as everywhere.
 */
#include "conv/direct.h"
#include "conv/direct_rows.h"
#include "conv/conv_problem.h"

enum {
    STRIP = (24 << 10) / sizeof(real), /* elements of the lines */
    MOST_ROWS = 8,                     /* of a product: from here on the tiles of a matrix product are full enough */
    MOST_TAPS = 1024,                  /* of a chain */
    MOST_TASKS = 64,
    SERIAL_WORK = 1 << 15,
};

/* A product, cut into strips. */
typedef struct {
    const conv_product *of;
    conv_lines lines;
    const ptrdiff_t *taps; /* where each lies in the lines */
} part;

typedef struct {
    part parts[CONV_DIRECT_PRODUCTS];
    int count;
    ptrdiff_t strips, units; /* of an image; of all images and groups */
    int tasks;
} direct;

/* The workspace: the caller's lists of taps, which all read; then everyone's own. */
typedef struct {
    ptrdiff_t taps[CONV_DIRECT_PRODUCTS][MOST_TAPS];
    real weights[MOST_TAPS * DIRECT_ROWS];
    real results[DIRECT_ROWS * (STRIP + VBYTES / sizeof(real))];
    real lines[STRIP + VBYTES / sizeof(real)];
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

static ptrdiff_t channels(const conv_product *c) { return c->k / (c->view.r * c->view.s); }

/* Lines are copied twice where strips meet: these have to be high beside that. */
bool FN(conv_direct_serves)(const conv_product *c) {
    if (c->m > MOST_ROWS || c->k == 0 || c->k > MOST_TAPS || c->windows == 0) return false;
    const ptrdiff_t rows = conv_lines_rows(&c->view, channels(c), STRIP);
    return rows > 0 && rows >= fnn_min(c->view.rows, conv_lines_of(&c->view, 1).reach);
}

/* `rows` rows of the product for windows 0 … count-1 of the strip. */
static void sweep(const part *d, const workspace *w, ptrdiff_t rows, ptrdiff_t count, real *results, ptrdiff_t ld) {
    const ptrdiff_t vectors = (count + VL - 1) / VL, most = FN(direct_tile_vectors)((int)rows);
    const ptrdiff_t tiles = (vectors + most - 1) / most;
    direct_tile_task t = {.taps = d->of->k, .tap = d->taps, .weights = w->weights, .ld = ld};
    for (ptrdiff_t i = 0; i < tiles; i++) {
        const ptrdiff_t v = share(vectors, tiles, i);
        t.x = w->lines + v * VL;
        t.out = results + v * VL;
        FN(direct_tile_get)((int)rows, (int)(share(vectors, tiles, i + 1) - v))(&t);
    }
}

/* Rows y … y+rows-1 of a group's windows. */
static void strip(const part *d, ptrdiff_t image, ptrdiff_t group, ptrdiff_t y, ptrdiff_t rows) {
    const conv_product *c = d->of;
    const conv_view *v = &c->view;
    workspace *w = fnn_scratch();
    const real *x = c->x + image * v->image + group * c->x_group;
    for (ptrdiff_t i = 0; i < channels(c); i++)
        FN(conv_lines_pack)(&d->lines, v, x + i * v->channel, y, rows, w->lines + i * d->lines.channel);
    const ptrdiff_t count = rows * v->cols, ld = (count + VL - 1) / VL * VL;
    const ptrdiff_t tiles = (c->m + DIRECT_ROWS - 1) / DIRECT_ROWS;
    for (ptrdiff_t tile = 0; tile < tiles; tile++) {
        const ptrdiff_t i = share(c->m, tiles, tile), high = share(c->m, tiles, tile + 1) - i;
        FN(conv_pack_weights)(c, group, i, high, 0, c->k, w->weights);
        sweep(d, w, high, count, w->results, ld);
        FN(conv_finish)(c, group, i, high, (image * v->rows + y) * v->cols, count, w->results, ld);
    }
}

static void run_task(void *context, int task) {
    const direct *d = context;
    const ptrdiff_t groups = d->parts[0].of->groups, end = share(d->units, d->tasks, task + 1);
    for (ptrdiff_t unit = share(d->units, d->tasks, task); unit < end; unit++) {
        const ptrdiff_t number = unit % d->strips, group = unit / d->strips % groups, image = unit / d->strips / groups;
        for (int i = 0; i < d->count; i++) {
            const ptrdiff_t all = d->parts[i].of->view.rows, y = share(all, d->strips, number);
            const ptrdiff_t rows = share(all, d->strips, number + 1) - y;
            if (rows > 0) strip(&d->parts[i], image, group, y, rows);
        }
    }
}

void FN(conv_direct)(const conv_product *products, int count) {
    workspace *w = fnn_scratch();
    const ptrdiff_t images = products->windows / (products->view.rows * products->view.cols);
    direct d = {.count = count, .strips = 1};
    double work = 0;
    for (int i = 0; i < count; i++) {
        const conv_product *c = &products[i];
        const ptrdiff_t most = conv_lines_rows(&c->view, channels(c), STRIP);
        d.strips = fnn_max(d.strips, (c->view.rows + most - 1) / most);
        work += (double)c->windows * (double)c->m * (double)c->groups * (double)(c->k + 1);
    }
    for (int i = 0; i < count; i++) {
        const conv_product *c = &products[i];
        const conv_view *v = &c->view;
        const conv_lines lines = conv_lines_of(v, (v->rows + d.strips - 1) / d.strips);
        ptrdiff_t *tap = w->taps[i];
        d.parts[i] = (part){c, lines, tap};
        for (ptrdiff_t channel = 0; channel < channels(c); channel++)
            for (ptrdiff_t a = 0; a < v->r; a++)
                for (ptrdiff_t b = 0; b < v->s; b++) *tap++ = channel * lines.channel + conv_lines_tap(&lines, v, a, b);
    }
    d.units = images * products->groups * d.strips;
    d.tasks = (int)fnn_min(d.units, MOST_TASKS);
    if (work < SERIAL_WORK)
        for (int task = 0; task < d.tasks; task++) run_task(&d, task);
    else
        fnn_parallel(d.tasks, run_task, &d);
}
