/* Winograd's algorithm for few channels, whose chains are too short for a matrix product of every pair of points.
 *
 * A tile is taken through everything at once: its inputs transformed, they stay in the first cache; then, for a few
 * filters at a time, the products of a line of points are summed over the channels in registers and go through the
 * first output transform there; the second one gives the outputs. Every product is one chain over the channels.
 */
#include "elementwise/activation.h"
#include "winograd/forward.h"

enum {
    TOGETHER = WINOGRAD_TOGETHER,
    TILE = PAIRS * N16, /* elements of a channel's values */
    WEIGHT_ELEMENTS = (2 << 20) / sizeof(real),
};

typedef struct {
    const winograd_forward_work *of;
    const real *weights; /* [part][filters / TOGETHER][row of points][channel][column][TOGETHER] */
    ptrdiff_t sets;      /* of TOGETHER filters, in a part */
    nchw16n_cut cut;     /* rows of tiles */
} few;

static void pack(const few *v, real *dst) {
    const winograd_forward_work *wk = v->of;
    for (ptrdiff_t part = 0; part < wk->parts; part++)
        for (ptrdiff_t set = 0; set < v->sets; set++) {
            const ptrdiff_t f = set * TOGETHER;
            const real *u = wk->u + (part * wk->blocks + f / WINOGRAD_BLOCK) * PAIRS * wk->k * WINOGRAD_BLOCK;
            for (int i = 0; i < POINTS; i++)
                for (ptrdiff_t c = 0; c < wk->k; c++)
                    for (int j = 0; j < POINTS; j++, dst += TOGETHER)
                        memcpy(dst, u + ((i * POINTS + j) * wk->k + c) * WINOGRAD_BLOCK + f % WINOGRAD_BLOCK,
                               TOGETHER * sizeof(real));
        }
}

/* Row i of points: products summed over the channels, then the output transform along the row. */
FNN_INLINE void line_of_points(const real *values, const real *w, ptrdiff_t channels,
                               vreal lines[TOGETHER][WINOGRAD_MAX_OUTPUTS][POINTS], int i, const int points_w,
                               const int m_w) {
    vreal acc[TOGETHER][POINTS];
#pragma GCC unroll 4
    for (int f = 0; f < TOGETHER; f++)
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) acc[f][j] = vset(0);
#pragma GCC unroll 1
    for (ptrdiff_t c = channels; c > 0; c--, values += TILE, w += POINTS * TOGETHER) {
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) {
            const vreal v = vload(values + j * N16);
#pragma GCC unroll 4
            for (int f = 0; f < TOGETHER; f++) acc[f][j] = vfma(vset(w[j * TOGETHER + f]), v, acc[f][j]);
        }
    }
#pragma GCC unroll 4
    for (int f = 0; f < TOGETHER; f++) {
        vreal sums[WINOGRAD_MAX_OUTPUTS];
        winograd_output(acc[f], 1, sums, 1, points_w, m_w);
#pragma GCC unroll 5
        for (int k = 0; k < m_w; k++) lines[f][k][i] = sums[k];
    }
}

/* One tile: `image` its group's channels of this part, `out` its first output of the part's first filter. */
FNN_INLINE void run_tile(const few *v, ptrdiff_t part, const real *image, ptrdiff_t row, ptrdiff_t col, real *out,
                         const int points_h, const int points_w, const int m_h, const int m_w) {
    const winograd_forward_work *wk = v->of;
    const ptrdiff_t filters = wk->f / wk->parts, plane = wk->p * wk->q * N16, line = wk->q * N16;
    const ptrdiff_t rows = fnn_min(m_h, wk->p - row), cols = fnn_min(m_w, wk->q - col);
    const vreal least = wk->kind == RELU ? vset(0) : vset(-(real)INFINITY);
    real *values = fnn_scratch();
    winograd_read(image, wk->k, wk->h, wk->w, row - wk->pad_h, col - wk->pad_w, values, TILE, N16, points_h, points_w);
    const real *w = v->weights + part * v->sets * PAIRS * wk->k * TOGETHER;
    for (ptrdiff_t set = 0; set < v->sets; set++, w += PAIRS * wk->k * TOGETHER) {
        const ptrdiff_t first = set * TOGETHER, count = fnn_min(TOGETHER, filters - first);
        for (ptrdiff_t l = 0; l < N16; l += VL) {
            vreal lines[TOGETHER][WINOGRAD_MAX_OUTPUTS][POINTS];
#pragma GCC unroll 1
            for (int i = 0; i < points_h; i++)
                line_of_points(values + i * POINTS * N16 + l, w + i * wk->k * POINTS * TOGETHER, wk->k, lines, i,
                               points_w, m_w);
#pragma GCC unroll 1
            for (ptrdiff_t f = 0; f < count; f++) {
                const vreal bias = vset(wk->b != NULL ? wk->b[part * filters + first + f] : 0);
                real *to = out + (first + f) * plane + l;
#pragma GCC unroll 5
                for (int j = 0; j < m_w; j++) {
                    vreal sums[WINOGRAD_MAX_OUTPUTS];
                    winograd_output(lines[f][j], 1, sums, 1, points_h, m_h);
                    if (j >= cols) break;
#pragma GCC unroll 5
                    for (int i = 0; i < m_h; i++)
                        if (i < rows) vstore(to + i * line + j * N16, vmax(least, sums[i] + bias));
                }
            }
        }
        if (wk->kind > RELU)
            for (ptrdiff_t f = 0; f < count; f++)
                for (ptrdiff_t i = 0; i < rows; i++)
                    activate_block(wk->kind, wk->alpha, out + (first + f) * plane + i * line, 0, 1, cols * N16);
    }
}

/* A row of tiles, long ones or short ones; the numbers of points and outputs are constants of each instance. */
FNN_INLINE void run_line(const few *v, ptrdiff_t part, const real *image, ptrdiff_t row, real *out, const int points_h,
                         const int m_h, const int m) {
    const winograd_line *cols = &v->of->cols;
    for (ptrdiff_t t = 0; t < cols->tiles; t++) {
        const ptrdiff_t col = winograd_begin(cols, t);
        if (t < cols->longs)
            run_tile(v, part, image, row, col, out + col * N16, points_h, POINTS, m_h, m);
        else
            run_tile(v, part, image, row, col, out + col * N16, points_h, POINTS - 1, m_h, m - 1);
    }
}

static void run_task(void *context, int task) {
    const few *v = context;
    const winograd_forward_work *wk = v->of;
    const int tasks = nchw16n_tasks(&v->cut);
    const ptrdiff_t part = task / tasks, group = nchw16n_group(&v->cut, task % tasks), filters = wk->f / wk->parts;
    const real *image = wk->x + (group * wk->c + part * wk->k) * wk->h * wk->w * N16;
    real *planes = wk->out + (group * wk->f + part * filters) * wk->p * wk->q * N16;
    for (ptrdiff_t t = nchw16n_begin(&v->cut, task % tasks); t < nchw16n_end(&v->cut, task % tasks); t++) {
        const ptrdiff_t row = winograd_begin(&wk->rows, t);
        real *out = planes + row * wk->q * N16;
        const bool is_long = t < wk->rows.longs;
        if (wk->rows.outputs == 4) {
            if (is_long)
                run_line(v, part, image, row, out, POINTS, 4, 4);
            else
                run_line(v, part, image, row, out, POINTS - 1, 3, 4);
        } else {
            if (is_long)
                run_line(v, part, image, row, out, POINTS, 2, 2);
            else
                run_line(v, part, image, row, out, POINTS - 1, 1, 2);
        }
    }
}

bool FN(winograd_few_run)(const winograd_forward_work *wk) {
    const ptrdiff_t filters = wk->f / wk->parts, sets = (filters + TOGETHER - 1) / TOGETHER;
    const ptrdiff_t elements = wk->parts * sets * TOGETHER * PAIRS * wk->k;
    if (wk->k > WINOGRAD_FEW_CHANNELS || elements > WEIGHT_ELEMENTS) return false;
    real *weights = (real *)fnn_scratch() + WINOGRAD_FEW_CHANNELS * TILE;
    const few v = {wk, weights, sets, nchw16n_cut_rows(wk->groups, wk->rows.tiles)};
    pack(&v, weights);
    const double work = (double)wk->groups * (double)(wk->rows.tiles * wk->cols.tiles) * (double)elements;
    nchw16n_run((int)wk->parts * nchw16n_tasks(&v.cut), run_task, (void *)&v, work);
    return true;
}
