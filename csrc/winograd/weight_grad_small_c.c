/* The sums of Winograd's weight gradient for few channels: Σ (A dy Aᵀ) ⊙ (Bᵀ d B) over tiles and images.
 *
 * A task takes a piece of the images and some rows of points, those whose sums stay in the second cache: of a few tiles
 * at a time it makes the values of one row after the other, and the register tile of the direct gradient
 * (nchw16n/weight_grad_microkernel.h) multiplies filters and channels, every lane a sum of its own; the lanes are added
 * up at the end. The pieces are added in order, and their number follows from the shape.
 */
#include "nchw16n/weight_grad_microkernel.h"
#include "winograd/weight_grad.h"

enum {
    PIECES = 2,                              /* of the images, at most: adding up lanes is dear */
    CHUNK_BYTES = 320 << 10,                 /* of a row's values, about */
    MOST_TILES = 128,                        /* of a chunk, */
    LEAST_TILES = 8,                         /* and at least */
    CLOSE_SUMS_BYTES = 128 << 10,            /* of the rows of points that a task takes */
    FEW_PAIRS = FNN_WINOGRAD_SMALL_PAIRS,    /* of channels and filters: what their sums of a row of points take of the
                                                second cache */
    ROW_BYTES = POINTS * FEW_PAIRS * VBYTES, /* at most */
    SUMS_BYTES = ROW_BYTES > CLOSE_SUMS_BYTES ? ROW_BYTES : CLOSE_SUMS_BYTES,
    VALUES_BYTES = 5 << 18, /* of the least chunk there may be */
};

typedef struct {
    winograd_gradient_work *of; /* its sums: those of every piece, one behind the other */
    ptrdiff_t tiles;            /* of a chunk */
    ptrdiff_t pieces;
    int rows; /* of points, of a task */
    ptrdiff_t filter_blocks, channel_blocks;
    fnn_even filter_cut, channel_cut;
} few;

/* Row i of Bᵀ: the inputs that it takes, three or four, and their weights. */
typedef struct {
    int terms, at[POINTS];
    real weight[POINTS];
} input_row;

typedef struct {
    nchw16n_pixel pixels[MOST_TILES];
    input_row input_rows[POINTS];
    _Alignas(64) real sums[SUMS_BYTES / sizeof(real)]; /* [column of points][filter][channel], a vector each */
    real values[VALUES_BYTES / sizeof(real)];          /* [column][tile][channel][lane] */
    real slopes[VALUES_BYTES / sizeof(real)];          /* [column][tile][filter][lane] */
} workspace;

_Static_assert(sizeof(workspace) <= FNN_SCRATCH_BYTES, "the workspace is too small");

/* From column to column of a chunk's values, of `count` channels or filters: an odd number of lines, so that columns do
 * not meet in the same lines of a cache. */
static ptrdiff_t apart_of(const few *v, ptrdiff_t count) { return (v->tiles * count | 1) * N16; }

static input_row input_row_of(int i) {
    input_row row = {.terms = 0};
    for (int k = 0; k < POINTS; k++) {
        vreal unit[POINTS], v[POINTS];
        for (int j = 0; j < POINTS; j++) unit[j] = vset((real)(j == k));
        winograd_input(unit, 1, v, 1, POINTS);
        if (v[i][0] == 0) continue;
        row.at[row.terms] = k;
        row.weight[row.terms++] = v[i][0];
    }
    return row;
}

/* Weight of slope k of m in row i of A. */
FNN_INLINE vreal slope_weight(int i, int k, const int m) {
    vreal unit[WINOGRAD_MAX_OUTPUTS], v[POINTS];
    for (int j = 0; j < m; j++) unit[j] = vset((real)(j == k));
    winograd_spread(unit, v, POINTS, m);
    return v[i];
}

/* Row i of Bᵀ d B of the tile whose first input is (y, x), of all channels; `apart` from column to column. */
FNN_INLINE void read_values(const winograd_gradient_work *wk, const real *plane, ptrdiff_t y, ptrdiff_t x,
                            const input_row *from, real *values, ptrdiff_t apart, const bool inside, const int points_w,
                            const int terms) {
    const ptrdiff_t h = wk->h, w = wk->w;
    vreal weight[4];
    ptrdiff_t row[4];
    bool row_in[4];
    for (int t = 0; t < terms; t++) {
        weight[t] = vset(from->weight[t]);
        row[t] = (y + from->at[t]) * w;
        row_in[t] = y + from->at[t] >= 0 && y + from->at[t] < h;
    }
    for (ptrdiff_t c = 0; c < wk->k; c++, plane += h * w * N16, values += N16)
        for (ptrdiff_t l = 0; l < N16; l += VL) {
            vreal line[POINTS], v[POINTS];
#pragma GCC unroll 6
            for (int j = 0; j < points_w; j++) {
                const bool in = x + j >= 0 && x + j < w;
                line[j] = vset(0);
#pragma GCC unroll 4
                for (int t = 0; t < terms; t++)
                    if (inside || (in && row_in[t]))
                        line[j] = vfma(weight[t], vload(plane + (row[t] + x + j) * N16 + l), line[j]);
            }
            winograd_input(line, 1, v, 1, points_w);
#pragma GCC unroll 6
            for (int j = 0; j < POINTS; j++) vstore(values + j * apart + l, j < points_w ? v[j] : vset(0));
        }
}

/* Row i of A dy Aᵀ of the tile whose first output is (row, col), of all filters. */
FNN_INLINE void read_slopes(const winograd_gradient_work *wk, const real *plane, ptrdiff_t row, ptrdiff_t col, int i,
                            real *slopes, ptrdiff_t apart, const bool inside, const int points_w, const int m_h,
                            const int m_w) {
    const ptrdiff_t rows = fnn_min(m_h, wk->p - row), cols = fnn_min(m_w, wk->q - col);
    vreal weight[WINOGRAD_MAX_OUTPUTS];
    for (int k = 0; k < m_h; k++) weight[k] = slope_weight(i, k, m_h);
    plane += (row * wk->q + col) * N16;
    for (ptrdiff_t f = 0; f < wk->filters; f++, plane += wk->p * wk->q * N16, slopes += N16)
        for (ptrdiff_t l = 0; l < N16; l += VL) {
            vreal line[WINOGRAD_MAX_OUTPUTS], v[POINTS];
#pragma GCC unroll 4
            for (int j = 0; j < m_w; j++) {
                line[j] = vset(0);
#pragma GCC unroll 4
                for (int k = 0; k < m_h; k++)
                    if (inside || (k < rows && j < cols))
                        line[j] = vfma(weight[k], vload(plane + (k * wk->q + j) * N16 + l), line[j]);
            }
            winograd_spread(line, v, points_w, m_w);
#pragma GCC unroll 6
            for (int j = 0; j < POINTS; j++) vstore(slopes + j * apart + l, j < points_w ? v[j] : vset(0));
        }
}

/* Both, of tile number `tile` of a group of images. */
FNN_INLINE void read_tile(const few *v, workspace *w, ptrdiff_t group, ptrdiff_t row, ptrdiff_t col, int i,
                          ptrdiff_t tile, const int points_w, const int m_h, const int m_w) {
    const winograd_gradient_work *wk = v->of;
    const real *image = wk->x + (group * wk->c + wk->part * wk->k) * wk->h * wk->w * N16;
    const real *dout = wk->dout + (group * wk->f + wk->part * wk->filters) * wk->p * wk->q * N16;
    real *values = w->values + tile * wk->k * N16, *slopes = w->slopes + tile * wk->filters * N16;
    const ptrdiff_t apart = apart_of(v, wk->k), y = row - wk->pad_h, x = col - wk->pad_w;
    const bool inside = y >= 0 && x >= 0 && y + POINTS <= wk->h && x + points_w <= wk->w;
    const input_row *from = &w->input_rows[i];
    if (from->terms == 3 && inside)
        read_values(wk, image, y, x, from, values, apart, true, points_w, 3);
    else if (from->terms == 3)
        read_values(wk, image, y, x, from, values, apart, false, points_w, 3);
    else if (inside)
        read_values(wk, image, y, x, from, values, apart, true, points_w, 4);
    else
        read_values(wk, image, y, x, from, values, apart, false, points_w, 4);
    const ptrdiff_t apart_slopes = apart_of(v, wk->filters);
    if (row + m_h <= wk->p && col + m_w <= wk->q)
        read_slopes(wk, dout, row, col, i, slopes, apart_slopes, true, points_w, m_h, m_w);
    else
        read_slopes(wk, dout, row, col, i, slopes, apart_slopes, false, points_w, m_h, m_w);
}

/* The numbers of points and outputs are constants of each instance. */
static void read_any_tile(const few *v, workspace *w, ptrdiff_t group, ptrdiff_t row, ptrdiff_t col, int i,
                          ptrdiff_t tile, bool long_rows, bool long_cols) {
    if (v->of->rows.outputs == 4) {
        switch (2 * !long_rows + !long_cols) {
            case 0: read_tile(v, w, group, row, col, i, tile, POINTS, 4, 4); break;
            case 1: read_tile(v, w, group, row, col, i, tile, POINTS - 1, 4, 3); break;
            case 2: read_tile(v, w, group, row, col, i, tile, POINTS, 3, 4); break;
            case 3: read_tile(v, w, group, row, col, i, tile, POINTS - 1, 3, 3); break;
        }
    } else {
        switch (2 * !long_rows + !long_cols) {
            case 0: read_tile(v, w, group, row, col, i, tile, POINTS, 2, 2); break;
            case 1: read_tile(v, w, group, row, col, i, tile, POINTS - 1, 2, 1); break;
            case 2: read_tile(v, w, group, row, col, i, tile, POINTS, 1, 2); break;
            case 3: read_tile(v, w, group, row, col, i, tile, POINTS - 1, 1, 1); break;
        }
    }
}

/* Adds the products of a row of points of `count` tiles to row `row` of the sums. */
static void multiply(const few *v, workspace *w, ptrdiff_t count, int row) {
    const winograd_gradient_work *wk = v->of;
    nchw16n_sums_task t = {.pixels = count, .pixel = w->pixels, .dout_filter = N16, .acc_filter = wk->k * VL};
    for (int j = 0; j < POINTS; j++)
        for (ptrdiff_t fb = 0; fb < v->filter_blocks; fb++) {
            const ptrdiff_t f = fnn_even_begin(&v->filter_cut, fb);
            const int filters = (int)(fnn_even_begin(&v->filter_cut, fb + 1) - f);
            for (ptrdiff_t cb = 0; cb < v->channel_blocks; cb++) {
                const ptrdiff_t c = fnn_even_begin(&v->channel_cut, cb);
                const int channels = (int)(fnn_even_begin(&v->channel_cut, cb + 1) - c);
                t.dout = w->slopes + j * apart_of(v, wk->filters) + f * N16;
                for (int l = 0; l < channels; l++) {
                    t.x[l] = w->values + j * apart_of(v, wk->k) + (c + l) * N16;
                    t.acc[l] = w->sums + (((row * POINTS + j) * wk->filters + f) * wk->k + c + l) * VL;
                }
                const nchw16n_sums_fn run = FN(nchw16n_sums_get)(filters, channels, false);
                for (int part = 0; part < NCHW16N_PARTS; part++) {
                    run(&t);
                    t.dout += VL;
                    for (int l = 0; l < channels; l++) t.x[l] += VL;
                }
            }
        }
}

/* Row i of points of tiles begin … end-1, counted through all images. */
static void add_row(const few *v, workspace *w, ptrdiff_t begin, ptrdiff_t end, int i) {
    const winograd_gradient_work *wk = v->of;
    const ptrdiff_t across = wk->cols.tiles, of_group = wk->rows.tiles * across;
    ptrdiff_t count = 0;
    for (ptrdiff_t tile = begin; tile < end; tile++) {
        const ptrdiff_t t = tile % of_group / across, s = tile % across;
        if (i == POINTS - 1 && t >= wk->rows.longs) continue; /* short tiles have no last row */
        read_any_tile(v, w, tile / of_group, winograd_begin(&wk->rows, t), winograd_begin(&wk->cols, s), i, count++,
                      t < wk->rows.longs, s < wk->cols.longs);
    }
    if (count > 0) multiply(v, w, count, i % v->rows);
}

static void run_task(void *context, int task) {
    const few *v = context;
    const winograd_gradient_work *wk = v->of;
    const int sets = POINTS / v->rows, first = task % sets * v->rows;
    const ptrdiff_t piece = task / sets, pairs = wk->filters * wk->k, of_group = wk->rows.tiles * wk->cols.tiles;
    workspace *w = fnn_scratch();
    memset(w->sums, 0, (size_t)(v->rows * POINTS * pairs) * VBYTES);
    for (ptrdiff_t t = 0; t < v->tiles; t++)
        w->pixels[t] = (nchw16n_pixel){.dout = t * wk->filters * N16, .x = t * wk->k * N16};
    for (int i = first; i < first + v->rows; i++) w->input_rows[i] = input_row_of(i);
    const ptrdiff_t begin = wk->groups * piece / v->pieces * of_group;
    const ptrdiff_t end = wk->groups * (piece + 1) / v->pieces * of_group,
                    chunks = (end - begin + v->tiles - 1) / v->tiles;
    for (ptrdiff_t k = 0; k < chunks; k++)
        for (int i = first; i < first + v->rows; i++)
            add_row(v, w, begin + (end - begin) * k / chunks, begin + (end - begin) * (k + 1) / chunks, i);
    nchw16n_add_lanes(w->sums, v->rows * POINTS * pairs, wk->sums + (piece * POINTS + first) * POINTS * pairs, false);
}

bool FN(winograd_few_sums)(winograd_gradient_work *wk) {
    const ptrdiff_t pairs = wk->filters * wk->k, all = PAIRS * pairs;
    const ptrdiff_t of_a_tile = POINTS * N16 * (ptrdiff_t)sizeof(real); /* bytes, of a channel or filter */
    const ptrdiff_t of_a_row = POINTS * pairs * VBYTES;
    if (wk->k > WINOGRAD_FEW_CHANNELS || pairs > FEW_PAIRS || pairs == 0 ||
        (LEAST_TILES + 1) * of_a_tile * fnn_max(wk->filters, wk->k) > VALUES_BYTES)
        return false;
    few v = {.of = wk, .rows = 1};
    for (int rows = 2; rows < POINTS; rows++)
        if (POINTS % rows == 0 && rows * of_a_row <= CLOSE_SUMS_BYTES) v.rows = rows;
    v.pieces = fnn_max(1, fnn_min(wk->groups, PIECES));
    v.tiles = fnn_max(LEAST_TILES, fnn_min(MOST_TILES, CHUNK_BYTES / (of_a_tile * (wk->filters + wk->k))));
    const int filters = FN(nchw16n_sums_filters)(wk->filters, wk->k), channels = FN(nchw16n_sums_taps)(filters);
    v.filter_blocks = (wk->filters + filters - 1) / filters;
    v.channel_blocks = (wk->k + channels - 1) / channels;
    v.filter_cut = fnn_cut_evenly(wk->filters, v.filter_blocks);
    v.channel_cut = fnn_cut_evenly(wk->k, v.channel_blocks);
    const double tiles = (double)wk->groups * (double)(wk->rows.tiles * wk->cols.tiles);
    nchw16n_run((int)v.pieces * (POINTS / v.rows), run_task, &v, tiles * (double)all);
    for (ptrdiff_t piece = 1; piece < v.pieces; piece++)
        for (ptrdiff_t i = 0; i < all; i++) wk->sums[i] += wk->sums[piece * all + i];
    for (int pair = 0; pair < PAIRS; pair++) wk->begun[pair] = true;
    return true;
}
