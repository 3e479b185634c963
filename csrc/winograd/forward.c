/* Convolution by Winograd's minimal filtering (winograd/transforms.h) with 16 images innermost: a vector holds one
 * pixel of several images, so that the transforms are plain vector arithmetic.
 *
 * A task takes a few tiles, alike in the number of their points, through everything: their inputs transformed for all
 * channels; then, for a few filters at a time, the products at every pair of points and the outputs from them. What it
 * holds meanwhile stays in the second-level cache and this thread's workspace. Every product is one chain over the
 * channels, so that neither blocks nor threads change a bit. Of few channels winograd/forward_small_c.c takes care.
 */
#include "winograd/forward.h"

#include "gemm/microkernel.h"
#include "winograd/output.h"

enum {
    MAX_TILES = 4,                       /* of a task */
    FILTERS = FNN_WINOGRAD_HELD_FILTERS, /* whose products are held at a time */
    WORKSPACE = FNN_SCRATCH_BYTES / sizeof(real),
};

typedef winograd_forward_work work;

/* One pair's products of filters first … last-1 with `columns` elements of the tiles. */
static void multiply(const work *wk, const real *u, const real *values, real *products, ptrdiff_t first, ptrdiff_t last,
                     ptrdiff_t columns) {
    const ptrdiff_t vectors = columns / VL;
    for (ptrdiff_t v = 0, take; v < vectors; v += take) {
        take = fnn_min(tile_vectors(TILE_ACCUMULATORS / 4), vectors - v);
        const ptrdiff_t height = TILE_ACCUMULATORS / fnn_max(take, TILE_VECTORS);
        for (ptrdiff_t f = first; f < last; f += WINOGRAD_BLOCK) {
            const real *block = u + f / WINOGRAD_BLOCK * PAIRS * wk->k * WINOGRAD_BLOCK;
            const ptrdiff_t end = fnn_min(last - f, WINOGRAD_BLOCK);
            for (ptrdiff_t i = 0; i < end; i += height) {
                const ptrdiff_t rows = fnn_min(height, end - i);
                const tile_task t = {
                    .k = wk->k,
                    .a = block + i,
                    .a_row = 1,
                    .a_col = WINOGRAD_BLOCK,
                    .b = values + v * VL,
                    .ldb = columns,
                    .c = products + (f - first + i) * columns + v * VL,
                    .ldc = columns,
                    .tail = VL,
                };
                FN(tile_get)((int)rows, (int)take, true)(&t);
            }
        }
    }
}

/* Tiles first … first+count-1 of one kind, of one group of channels. */
FNN_INLINE void run_tiles(const work *wk, ptrdiff_t part, int kind, ptrdiff_t first, ptrdiff_t count,
                          const int points_h, const int points_w, const int m_h, const int m_w) {
    const ptrdiff_t columns = count * N16, filters = wk->f / wk->parts;
    /* an odd number of lines from pair to pair, so that pairs do not meet in the same lines of a cache */
    const ptrdiff_t apart = wk->k * columns + N16, apart_products = fnn_min(FILTERS, filters) * columns + N16;
    real *values = fnn_scratch(), *products = values + PAIRS * apart;
    winograd_place places[MAX_TILES];
    for (ptrdiff_t t = 0; t < count; t++) {
        const winograd_place at = places[t] = winograd_place_of(&wk->rows, &wk->cols, kind, first + t);
        const real *image = wk->x + (at.group * wk->c + part * wk->k) * wk->h * wk->w * N16;
        winograd_read(image, wk->k, wk->h, wk->w, at.row - wk->pad_h, at.col - wk->pad_w, values + t * N16, columns,
                      apart, points_h, points_w);
    }
    for (ptrdiff_t f = 0; f < filters; f += FILTERS) {
        const ptrdiff_t last = fnn_min(filters, f + FILTERS);
        for (int i = 0; i < points_h; i++)
            for (int j = 0; j < points_w; j++) {
                const ptrdiff_t pair = i * POINTS + j;
                const real *u = wk->u + (part * wk->blocks * PAIRS + pair) * wk->k * WINOGRAD_BLOCK;
                multiply(wk, u, values + pair * apart, products + pair * apart_products, f, last, columns);
            }
        for (ptrdiff_t t = 0; t < count; t++)
            for (ptrdiff_t j = f; j < last; j++) {
                const ptrdiff_t filter = part * filters + j;
                const winograd_place *at = &places[t];
                const winograd_end end = {wk->b != NULL ? wk->b[filter] : 0, wk->kind, wk->alpha};
                real *plane = wk->out + (at->group * wk->f + filter) * wk->p * wk->q * N16;
                winograd_finish(products + (j - f) * columns + t * N16, apart_products, end,
                                plane + (at->row * wk->q + at->col) * N16, wk->q * N16, fnn_min(m_h, wk->p - at->row),
                                fnn_min(m_w, wk->q - at->col), points_h, points_w, m_h, m_w);
            }
    }
}

/* The numbers of points and outputs are constants of each instance; m outputs a line of a long tile. */
FNN_INLINE void run_kind(const work *wk, ptrdiff_t part, int kind, ptrdiff_t first, ptrdiff_t count, const int m) {
    switch (kind) {
        case 0: run_tiles(wk, part, kind, first, count, POINTS, POINTS, m, m); break;
        case 1: run_tiles(wk, part, kind, first, count, POINTS, POINTS - 1, m, m - 1); break;
        case 2: run_tiles(wk, part, kind, first, count, POINTS - 1, POINTS, m - 1, m); break;
        case 3: run_tiles(wk, part, kind, first, count, POINTS - 1, POINTS - 1, m - 1, m - 1); break;
    }
}

static void run_task(void *context, int task) {
    const work *wk = context;
    const ptrdiff_t part = task / wk->tasks[WINOGRAD_KINDS];
    ptrdiff_t number = task % wk->tasks[WINOGRAD_KINDS];
    int kind = 0;
    while (number >= wk->tasks[kind + 1]) kind++;
    const ptrdiff_t tiles = wk->groups * winograd_kind_tiles(&wk->rows, &wk->cols, kind);
    const ptrdiff_t tasks = wk->tasks[kind + 1] - wk->tasks[kind];
    number -= wk->tasks[kind];
    const ptrdiff_t first = tiles * number / tasks, count = tiles * (number + 1) / tasks - first;
    if (wk->rows.outputs == 4)
        run_kind(wk, part, kind, first, count, 4);
    else
        run_kind(wk, part, kind, first, count, 2);
}

void FN(winograd_forward_nchw16n)(const fnn_op *op) {
    /* x[g,c,h,w,16], u[e,j,36,k,24], b[f]?, out[g,f,p,q,16] */
    const ptrdiff_t *n = op->n, size = (ptrdiff_t)op->s[0];
    work wk = {
        .x = IN(0),
        .u = IN(1),
        .b = op->p[2],
        .out = OUT(3),
        .groups = n[0],
        .c = n[1],
        .h = n[2],
        .w = n[3],
        .parts = n[4],
        .blocks = n[5],
        .k = n[6],
        .f = n[7],
        .p = n[8],
        .q = n[9],
        .pad_h = (ptrdiff_t)op->s[1],
        .pad_w = (ptrdiff_t)op->s[2],
        .kind = (int)op->s[3],
        .alpha = (real)op->s[4],
        .rows = winograd_cut(n[8], size),
        .cols = winograd_cut(n[9], size),
    };
    if (FN(winograd_few_run)(&wk)) return;
    const ptrdiff_t filters = wk.f / wk.parts;
    const ptrdiff_t of_a_tile = PAIRS * N16 * (wk.k + fnn_min(FILTERS, filters));
    wk.most = fnn_min(MAX_TILES, fnn_max(1, (WORKSPACE - 2 * PAIRS * N16) / of_a_tile));
    for (int kind = 0; kind < WINOGRAD_KINDS; kind++) {
        const ptrdiff_t tiles = wk.groups * winograd_kind_tiles(&wk.rows, &wk.cols, kind);
        wk.tasks[kind + 1] = wk.tasks[kind] + (tiles + wk.most - 1) / wk.most;
    }
    fnn_parallel((int)(wk.parts * wk.tasks[WINOGRAD_KINDS]), run_task, &wk);
}
