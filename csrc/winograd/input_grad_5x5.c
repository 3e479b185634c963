/* The input gradient of a convolution by the transpose of Winograd's algorithm, for few channels: every tile of the
 * forward sweep gives back to all inputs that it read.
 *
 * Of a tile of slopes A dy Aᵀ is taken for every filter; their products with the transformed weights are summed over
 * the filters in registers, each sum one chain; B (…) Bᵀ of the sums is added to the inputs, tile after tile in their
 * order. Where a convolution without padding makes images smaller, that is fewer tiles than filtering the slopes takes.
 * Filters beyond a block's are added by another sweep.
 */
#include "elementwise/activation.h"
#include "winograd/transforms.h"

enum {
    FILTERS = WINOGRAD_FEW_CHANNELS, /* of a block */
    WEIGHT_ELEMENTS = (2 << 20) / sizeof(real),
};

typedef struct {
    const real *dout, *u, *activated;
    real *dx;
    ptrdiff_t groups, f, p, q;                         /* groups of images */
    ptrdiff_t parts, blocks, k, c, h, w, pad_h, pad_w; /* parts: groups of channels, k of each; blocks of u */
    int kind;
    real alpha;
    winograd_line rows, cols;
    ptrdiff_t sets; /* of at most WINOGRAD_TOGETHER channels, in a part */
    fnn_even even;  /* the channels of the sets */
    /* of one sweep: */
    ptrdiff_t part, first_set, end_set, first, end; /* sets; filters of the part */
    const real *weights;                            /* [set][row of points][filter][column][channel of the set] */
    ptrdiff_t pieces;                               /* of the sets: tasks of a group of images */
} work;

static ptrdiff_t set_of(const work *wk, ptrdiff_t set) { return fnn_even_begin(&wk->even, set); }

static void pack(const work *wk, real *dst) {
    for (ptrdiff_t set = wk->first_set; set < wk->end_set; set++) {
        const ptrdiff_t c = set_of(wk, set), count = set_of(wk, set + 1) - c;
        for (int i = 0; i < POINTS; i++)
            for (ptrdiff_t f = wk->first; f < wk->end; f++)
                for (int j = 0; j < POINTS; j++, dst += count) {
                    const ptrdiff_t block = wk->part * wk->blocks + f / WINOGRAD_BLOCK;
                    const real *u = wk->u + (block * PAIRS + i * POINTS + j) * wk->k * WINOGRAD_BLOCK;
                    for (ptrdiff_t l = 0; l < count; l++) dst[l] = u[(c + l) * WINOGRAD_BLOCK + f % WINOGRAD_BLOCK];
                }
    }
}

/* A dy of the tile whose outputs begin at `row` and `col`, of every filter: values[filter][row of points][column of
 * slopes][lane]; zero outside. */
FNN_INLINE void read_slopes(const work *wk, const real *plane, ptrdiff_t row, ptrdiff_t col, real *values,
                            const int points_h, const int m_h, const int m_w) {
    const ptrdiff_t rows = fnn_min(m_h, wk->p - row), cols = fnn_min(m_w, wk->q - col);
    plane += (row * wk->q + col) * N16;
    for (ptrdiff_t f = wk->first; f < wk->end; f++, plane += wk->p * wk->q * N16, values += POINTS * m_w * N16)
        for (ptrdiff_t l = 0; l < N16; l += VL)
#pragma GCC unroll 4
            for (int j = 0; j < m_w; j++) {
                vreal y[WINOGRAD_MAX_OUTPUTS], v[POINTS];
#pragma GCC unroll 4
                for (int i = 0; i < m_h; i++)
                    y[i] = i < rows && j < cols ? vload(plane + (i * wk->q + j) * N16 + l) : vset(0);
                winograd_spread(y, v, points_h, m_h);
#pragma GCC unroll 6
                for (int i = 0; i < points_h; i++) vstore(values + (i * m_w + j) * N16 + l, v[i]);
            }
}

/* acc[channel][column] = Σ over the filters: their value at this row of points × w[filter][column][channel]. */
FNN_INLINE void row_sums(const work *wk, const real *values, const real *w, vreal acc[WINOGRAD_TOGETHER][POINTS],
                         const int count, const int points_w, const int m_w) {
#pragma GCC unroll 4
    for (int l = 0; l < count; l++)
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) acc[l][j] = vset(0);
#pragma GCC unroll 1
    for (ptrdiff_t f = wk->first; f < wk->end; f++) {
        vreal y[WINOGRAD_MAX_OUTPUTS], v[POINTS];
#pragma GCC unroll 4
        for (int j = 0; j < m_w; j++) y[j] = vload(values + j * N16);
        winograd_spread(y, v, points_w, m_w);
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++)
#pragma GCC unroll 4
            for (int l = 0; l < count; l++) acc[l][j] = vfma(vset(w[j * count + l]), v[j], acc[l][j]);
        values += POINTS * m_w * N16;
        w += POINTS * count;
    }
}

/* B w of a line of sums: what each input of the line gets. */
FNN_INLINE void give_back(const vreal w[], vreal d[], const int points) {
    const vreal small = vset(SMALL_POINT), large = vset(LARGE_POINT), both = vset((real)-2.5);
    const vreal last = points == POINTS ? w[5] : vset(0);
    const vreal even_small = w[1] + w[2], odd_small = w[1] - w[2];
    const vreal even_large = w[3] + w[4], odd_large = w[3] - w[4];
    d[0] = w[0];
    d[1] = vfma(-large, odd_small, vfma(-small, odd_large, last));
    d[2] = vfma(both, w[0], vfma(vset(-2), even_small, vset((real)-0.5) * even_large));
    d[3] = vfma(small, odd_small, vfma(large, odd_large, both * last));
    d[4] = w[0] + (even_small + even_large);
    if (points == POINTS) d[5] = last;
}

/* A set of `count` channels of one tile, whose first point lies on input (y, x) of their planes `dx`; `values`: of the
 * slopes. */
FNN_INLINE void add_set(const work *wk, const real *values, const real *w, ptrdiff_t y, ptrdiff_t x, real *dx,
                        const int count, const int points_h, const int points_w, const int m_w) {
    vreal lines[WINOGRAD_TOGETHER][POINTS][POINTS]; /* [channel][column of inputs][row of points] */
    const ptrdiff_t filters = wk->end - wk->first;
#pragma GCC unroll 1
    for (int i = 0; i < points_h; i++, values += m_w * N16, w += filters * POINTS * count) {
        vreal acc[WINOGRAD_TOGETHER][POINTS];
        row_sums(wk, values, w, acc, count, points_w, m_w);
#pragma GCC unroll 4
        for (int l = 0; l < count; l++) {
            vreal given[POINTS];
            give_back(acc[l], given, points_w);
#pragma GCC unroll 6
            for (int j = 0; j < points_w; j++) lines[l][j][i] = given[j];
        }
    }
#pragma GCC unroll 1
    for (int l = 0; l < count; l++, dx += wk->h * wk->w * N16)
#pragma GCC unroll 1
        for (int j = 0; j < points_w; j++) {
            vreal given[POINTS];
            give_back(lines[l][j], given, points_h);
            if (x + j < 0 || x + j >= wk->w) continue;
#pragma GCC unroll 6
            for (int i = 0; i < points_h; i++) {
                real *to = dx + ((y + i) * wk->w + x + j) * N16;
                if (y + i >= 0 && y + i < wk->h) vstore(to, vload(to) + given[i]);
            }
        }
}

FNN_INLINE void add_tile(const work *wk, const real *dout, ptrdiff_t row, ptrdiff_t col, real *planes,
                         ptrdiff_t first_set, ptrdiff_t end_set, const int points_h, const int points_w, const int m_h,
                         const int m_w) {
    real *values = fnn_scratch();
    const ptrdiff_t filters = wk->end - wk->first, y = row - wk->pad_h, x = col - wk->pad_w;
    read_slopes(wk, dout, row, col, values, points_h, m_h, m_w);
    const ptrdiff_t before = set_of(wk, wk->first_set);
    for (ptrdiff_t set = first_set; set < end_set; set++) {
        const ptrdiff_t c = set_of(wk, set), count = set_of(wk, set + 1) - c;
        const real *w = wk->weights + (c - before) * PAIRS * filters;
        for (ptrdiff_t l = 0; l < N16; l += VL) {
            real *dx = planes + c * wk->h * wk->w * N16 + l;
            switch (count) {
                case 1: add_set(wk, values + l, w, y, x, dx, 1, points_h, points_w, m_w); break;
                case 2: add_set(wk, values + l, w, y, x, dx, 2, points_h, points_w, m_w); break;
#if FNN_VECTOR_REGISTERS == 32
                case 3: add_set(wk, values + l, w, y, x, dx, 3, points_h, points_w, m_w); break;
                case 4: add_set(wk, values + l, w, y, x, dx, 4, points_h, points_w, m_w); break;
#endif
            }
        }
    }
}

/* A row of tiles, long ones or short ones; the numbers of points and outputs are constants of each instance. */
FNN_INLINE void add_line(const work *wk, const real *dout, ptrdiff_t row, real *planes, ptrdiff_t first_set,
                         ptrdiff_t end_set, const int points_h, const int m_h, const int m) {
    for (ptrdiff_t t = 0; t < wk->cols.tiles; t++) {
        const ptrdiff_t col = winograd_begin(&wk->cols, t);
        if (t < wk->cols.longs)
            add_tile(wk, dout, row, col, planes, first_set, end_set, points_h, POINTS, m_h, m);
        else
            add_tile(wk, dout, row, col, planes, first_set, end_set, points_h, POINTS - 1, m_h, m - 1);
    }
}

static void run_task(void *context, int task) {
    const work *wk = context;
    const ptrdiff_t group = task / wk->pieces, piece = task % wk->pieces, sets = wk->end_set - wk->first_set;
    const ptrdiff_t first_set = wk->first_set + sets * piece / wk->pieces;
    const ptrdiff_t end_set = wk->first_set + sets * (piece + 1) / wk->pieces;
    const ptrdiff_t plane = wk->h * wk->w * N16, filters = wk->f / wk->parts;
    const real *dout = wk->dout + (group * wk->f + wk->part * filters + wk->first) * wk->p * wk->q * N16;
    real *planes = wk->dx + (group * wk->c + wk->part * wk->k) * plane;
    const ptrdiff_t c = set_of(wk, first_set), count = set_of(wk, end_set) - c;
    if (wk->first == 0) memset(planes + c * plane, 0, (size_t)(count * plane) * sizeof(real));
    for (ptrdiff_t t = 0; t < wk->rows.tiles; t++) {
        const ptrdiff_t row = winograd_begin(&wk->rows, t);
        const bool is_long = t < wk->rows.longs;
        if (wk->rows.outputs == 4) {
            if (is_long)
                add_line(wk, dout, row, planes, first_set, end_set, POINTS, 4, 4);
            else
                add_line(wk, dout, row, planes, first_set, end_set, POINTS - 1, 3, 4);
        } else {
            if (is_long)
                add_line(wk, dout, row, planes, first_set, end_set, POINTS, 2, 2);
            else
                add_line(wk, dout, row, planes, first_set, end_set, POINTS - 1, 1, 2);
        }
    }
    if (wk->activated != NULL && wk->end == filters)
        activate_grad_block(wk->kind, wk->alpha, planes + c * plane, 0, wk->activated + (planes - wk->dx) + c * plane,
                            0, 1, count * plane);
}

/* Tasks share a group of images where there are too few groups; a piece transforms all slopes for itself. */
static ptrdiff_t pieces_of(ptrdiff_t groups, ptrdiff_t sets) {
    const ptrdiff_t threads = fnn_get_num_threads();
    return groups % threads == 0 ? 1 : fnn_min(sets, (2 * threads + groups - 1) / groups);
}

void FN(winograd_backward_input_nchw16n)(const fnn_op *op) {
    /* dout[g,f,p,q,16], u[e,j,36,k,24], dx[g,c,h,w,16], saved[g,c,h,w,16]?; size, pad_h, pad_w, kind, alpha */
    const ptrdiff_t *n = op->n, size = (ptrdiff_t)op->s[0];
    work wk = {
        .dout = IN(0),
        .u = IN(1),
        .dx = OUT(2),
        .activated = op->p[3],
        .groups = n[0],
        .f = n[1],
        .p = n[2],
        .q = n[3],
        .parts = n[4],
        .blocks = n[5],
        .k = n[6],
        .c = n[7],
        .h = n[8],
        .w = n[9],
        .pad_h = (ptrdiff_t)op->s[1],
        .pad_w = (ptrdiff_t)op->s[2],
        .kind = (int)op->s[3],
        .alpha = (real)op->s[4],
        .rows = winograd_cut(n[2], size),
        .cols = winograd_cut(n[3], size),
    };
    if (wk.k == 0) return;
    if (wk.f == 0) memset(wk.dx, 0, (size_t)(wk.groups * wk.c * wk.h * wk.w * N16) * sizeof(real));
    wk.sets = (wk.k + WINOGRAD_TOGETHER - 1) / WINOGRAD_TOGETHER;
    wk.even = fnn_cut_evenly(wk.k, wk.sets);
    const ptrdiff_t filters = wk.f / wk.parts;
    real *weights = (real *)fnn_scratch() + FILTERS * PAIRS * N16;
    wk.weights = weights;
    const ptrdiff_t fit = WEIGHT_ELEMENTS / (WINOGRAD_TOGETHER * PAIRS * FILTERS);
    for (wk.part = 0; wk.part < wk.parts; wk.part++)
        for (wk.first_set = 0; wk.first_set < wk.sets; wk.first_set = wk.end_set) {
            wk.end_set = fnn_min(wk.sets, wk.first_set + fit);
            for (wk.first = 0; wk.first < filters; wk.first = wk.end) {
                wk.end = fnn_min(filters, wk.first + FILTERS);
                pack(&wk, weights);
                wk.pieces = pieces_of(wk.groups, wk.end_set - wk.first_set);
                const double tiles = (double)wk.groups * (double)(wk.rows.tiles * wk.cols.tiles);
                nchw16n_run((int)(wk.groups * wk.pieces), run_task, &wk,
                            tiles * PAIRS * (double)(wk.k * (wk.end - wk.first)));
            }
        }
}
