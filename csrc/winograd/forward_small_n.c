/* Convolution of few plain images by Winograd's minimal filtering (winograd/transforms.h): a vector holds one pixel of
 * several tiles, whichever images they are of. All tiles are long ones, so that they are alike; what lies outside is
 * zero.
 *
 * First the inputs of all tiles are transformed, then a task takes 16 filters through everything: their weights are
 * transformed, which is cheaper than reading them from memory in that form, since every one serves few tiles; then
 * come the products at every pair of points and the outputs from them. Every product is one chain over the channels,
 * so that neither blocks nor threads change a bit.
 */
#include "winograd/output.h"

#include "gemm/pack.h"
#include "gemm/microkernel.h"

enum {
    GROUPS = FNN_WINOGRAD_TILE_BLOCKS, /* of 16 tiles whose products are held at a time */
    BLOCK = N16,                       /* filters of a task */
    GATHERED = 8,                      /* channels whose taps are gathered at a time */
    MAX_TAPS = 5 * 5,                  /* of a filter */
};

typedef struct {
    const real *x, *weight, *b;
    real *out, *values;
    ptrdiff_t images, c, h, w, f, p, q, pad_h, pad_w;
    ptrdiff_t parts, k, filters; /* groups of channels; channels and filters of each */
    ptrdiff_t size, m;           /* taps and outputs of a line of a tile */
    ptrdiff_t down, across;      /* tiles of an image */
    ptrdiff_t groups, pieces;    /* of 16 tiles; of the channels: tasks of a group */
    ptrdiff_t blocks;            /* of filters */
    bool flip;
    int kind;
    real alpha;
} work;

FNN_INLINE ptrdiff_t chunk_groups(const work *wk, ptrdiff_t chunk) {
    return fnn_min(GROUPS, wk->groups - chunk * GROUPS);
}

/* values[chunk][part][pair][channel][group][lane], an odd number of lines from pair to pair, so that pairs do not meet
 * in the same lines of a cache. */
FNN_INLINE ptrdiff_t values_apart(const work *wk, ptrdiff_t chunk) {
    return (wk->k * chunk_groups(wk, chunk) + 1) * N16;
}

FNN_INLINE real *values_of(const work *wk, ptrdiff_t chunk, ptrdiff_t part) {
    const ptrdiff_t before = chunk * wk->parts * (wk->k * GROUPS + 1) * N16;
    return wk->values + PAIRS * (before + part * values_apart(wk, chunk));
}

typedef struct {
    ptrdiff_t image, row, col; /* of its first output; image < 0: no tile */
} place;

FNN_INLINE place place_of(const work *wk, ptrdiff_t tile) {
    const ptrdiff_t image = tile / (wk->down * wk->across);
    return (place){image < wk->images ? image : -1, tile / wk->across % wk->down * wk->m, tile % wk->across * wk->m};
}

/* The pixels that a lane takes from a plane: points begin_h … end_h-1 by begin_w … end_w-1 of its tile. */
typedef struct {
    ptrdiff_t start; /* of point (0, 0) in the images; may lie outside */
    ptrdiff_t begin_h, end_h, begin_w, end_w;
} window;

FNN_INLINE window window_of(const work *wk, ptrdiff_t tile) {
    const place at = place_of(wk, tile);
    const ptrdiff_t y = at.row - wk->pad_h, x = at.col - wk->pad_w;
    if (at.image < 0) return (window){0};
    return (window){(at.image * wk->c * wk->h + y) * wk->w + x, fnn_max(0, -y), fnn_min(POINTS, wk->h - y),
                    fnn_max(0, -x), fnn_min(POINTS, wk->w - x)};
}

/* Some channels' inputs of 16 tiles, transformed. */
static void read_group(void *context, int task) {
    const work *wk = context;
    const ptrdiff_t group = task / wk->pieces, piece = task % wk->pieces;
    const ptrdiff_t chunk = group / GROUPS, ld = chunk_groups(wk, chunk) * N16, apart = values_apart(wk, chunk);
    window windows[N16];
    for (ptrdiff_t l = 0; l < N16; l++) windows[l] = window_of(wk, group * N16 + l);
    real pixels[PAIRS * N16] = {0}; /* those outside stay zero */
    for (ptrdiff_t c = wk->c * piece / wk->pieces; c < wk->c * (piece + 1) / wk->pieces; c++) {
        for (ptrdiff_t l = 0; l < N16; l++) {
            const window *win = &windows[l];
            const real *from = wk->x + win->start + c * wk->h * wk->w;
            for (ptrdiff_t i = win->begin_h; i < win->end_h; i++)
                for (ptrdiff_t j = win->begin_w; j < win->end_w; j++)
                    pixels[(i * POINTS + j) * N16 + l] = from[i * wk->w + j];
        }
        real *values = values_of(wk, chunk, c / wk->k) + c % wk->k * ld + group % GROUPS * N16;
        winograd_read_inside(pixels, 1, POINTS, POINTS, 0, 0, true, values, 0, apart, POINTS, POINTS);
    }
}

/* u[pair][channel][16] of filters first … first+count-1 of a group of channels; `apart` elements from pair to pair. */
static void transform_filters(const work *wk, ptrdiff_t part, ptrdiff_t first, ptrdiff_t count, real *u,
                              ptrdiff_t apart) {
    const ptrdiff_t taps = wk->size * wk->size;
    const real *weight = wk->weight + part * wk->filters * wk->k * taps;
    real gathered[GATHERED * MAX_TAPS * BLOCK + BLOCK];
    for (ptrdiff_t c = 0, chunk; c < wk->k; c += chunk) {
        chunk = wk->flip ? 1 : fnn_min(GATHERED, wk->k - c);
        if (wk->flip) /* weight[channel][filter][tap] */
            FN(pack_rows)(gathered, count, taps, weight + (c * wk->filters + first) * taps, taps, 1, NULL, NULL);
        else
            FN(pack_rows)(gathered, count, chunk * taps, weight + (first * wk->k + c) * taps, wk->k * taps, 1, NULL,
                          NULL);
        for (ptrdiff_t i = 0; i < chunk; i++) {
            const real *tap = gathered + (i * taps + (wk->flip ? taps - 1 : 0)) * count;
            for (ptrdiff_t l = 0; l < count; l += VL)
                winograd_filters(tap + l, wk->flip ? -count : count, wk->size, u + (c + i) * BLOCK + l, apart, VL);
        }
    }
}

/* One pair's products of `count` filters with `columns` elements of the tiles. */
static void multiply(const work *wk, const real *u, ptrdiff_t count, const real *values, real *products,
                     ptrdiff_t columns) {
    const ptrdiff_t vectors = columns / VL, most = fnn_min(BLOCK / 2, TILE_ROWS);
    for (ptrdiff_t v = 0, take; v < vectors; v += take) {
        take = fnn_min(tile_vectors(most), vectors - v);
        for (ptrdiff_t i = 0; i < count; i += most) {
            const ptrdiff_t rows = fnn_min(most, count - i);
            const tile_task t = {
                .k = wk->k,
                .a = u + i,
                .a_row = 1,
                .a_col = BLOCK,
                .b = values + v * VL,
                .ldb = columns,
                .c = products + i * columns + v * VL,
                .ldc = columns,
                .tail = VL,
            };
            FN(tile_get)((int)rows, (int)take, true)(&t);
        }
    }
}

/* outputs[m · m][16] of 16 tiles to where they belong in planes of one filter. */
static void write_outputs(const work *wk, const real *outputs, ptrdiff_t group, ptrdiff_t filter) {
    for (ptrdiff_t l = 0; l < N16; l++) {
        const place at = place_of(wk, group * N16 + l);
        if (at.image < 0) break;
        real *out = wk->out + ((at.image * wk->f + filter) * wk->p + at.row) * wk->q + at.col;
        const ptrdiff_t rows = fnn_min(wk->m, wk->p - at.row), cols = fnn_min(wk->m, wk->q - at.col);
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = 0; j < cols; j++) out[i * wk->q + j] = outputs[(i * wk->m + j) * N16 + l];
    }
}

FNN_INLINE void finish(const work *wk, const real *products, ptrdiff_t apart, ptrdiff_t group, ptrdiff_t filter,
                       const int m) {
    const winograd_end end = {wk->b != NULL ? wk->b[filter] : 0, wk->kind, wk->alpha};
    real outputs[4 * 4 * N16];
    winograd_finish(products, apart, end, outputs, m * N16, m, m, POINTS, POINTS, m, m);
    write_outputs(wk, outputs, group, filter);
}

static void run_block(void *context, int task) {
    const work *wk = context;
    const ptrdiff_t part = task / wk->blocks, first = task % wk->blocks * BLOCK;
    const ptrdiff_t count = fnn_min(BLOCK, wk->filters - first), apart_u = (wk->k + 1) * BLOCK;
    real *u = fnn_scratch(), *products = u + PAIRS * apart_u;
    transform_filters(wk, part, first, count, u, apart_u);
    for (ptrdiff_t chunk = 0; chunk * GROUPS < wk->groups; chunk++) {
        const ptrdiff_t columns = chunk_groups(wk, chunk) * N16, apart = count * columns + N16;
        const real *values = values_of(wk, chunk, part);
        for (ptrdiff_t pair = 0; pair < PAIRS; pair++)
            multiply(wk, u + pair * apart_u, count, values + pair * values_apart(wk, chunk), products + pair * apart,
                     columns);
        for (ptrdiff_t j = 0; j < count; j++)
            for (ptrdiff_t g = 0; g * N16 < columns; g++) {
                const real *of = products + j * columns + g * N16;
                const ptrdiff_t group = chunk * GROUPS + g, filter = part * wk->filters + first + j;
                if (wk->m == 4)
                    finish(wk, of, apart, group, filter, 4);
                else
                    finish(wk, of, apart, group, filter, 2);
            }
    }
}

void FN(winograd_forward)(const fnn_op *op) {
    /* x[n,c,h,w], weight[i,k,r,s], b[f]?, out[n,f,p,q], work[*]; pad_h, pad_w, flip, kind, alpha */
    const ptrdiff_t *n = op->n;
    work wk = {
        .x = IN(0),
        .weight = IN(1),
        .b = op->p[2],
        .out = OUT(3),
        .values = OUT(4),
        .images = n[0],
        .c = n[1],
        .h = n[2],
        .w = n[3],
        .size = n[6],
        .f = n[8],
        .p = n[9],
        .q = n[10],
        .pad_h = (ptrdiff_t)op->s[0],
        .pad_w = (ptrdiff_t)op->s[1],
        .flip = op->s[2] != 0,
        .kind = (int)op->s[3],
        .alpha = (real)op->s[4],
    };
    wk.parts = fnn_max(1, (wk.flip ? wk.f : wk.c) / fnn_max(1, n[5]));
    wk.k = wk.c / wk.parts;
    wk.filters = wk.f / wk.parts;
    wk.m = POINTS + 1 - wk.size;
    wk.down = (wk.p + wk.m - 1) / wk.m;
    wk.across = (wk.q + wk.m - 1) / wk.m;
    wk.groups = (wk.images * wk.down * wk.across + N16 - 1) / N16;
    wk.pieces = fnn_min(wk.c, fnn_max(1, FNN_MAX_TASKS / fnn_max(1, wk.groups)));
    wk.blocks = (wk.filters + BLOCK - 1) / BLOCK;
    fnn_parallel((int)(wk.groups * wk.pieces), read_group, &wk);
    fnn_parallel((int)(wk.parts * wk.blocks), run_block, &wk);
}
