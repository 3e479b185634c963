/* Winograd's convolution in the layout NCHW16n for few channels, whose chains are too short for a matrix product at
 * every 2-D point.
 *
 * One tile at a time goes through the whole algorithm. Its transformed inputs stay in the first-level cache. Then, for
 * a register block of filters, the products at one row of points are summed over the channels in registers, where the
 * output transform along the row follows at once; the transform along the columns gives the outputs. Every product is
 * one chain over the channels.
 */
#include "elementwise/activation.h"
#include "winograd/winograd.h"

enum {
    FILTERS = WINOGRAD_REGISTER_BLOCK,
    CHANNEL_STRIDE = WINOGRAD_POINTS_2D * IMAGE_BLOCK, /* a transformed tile lies as v[channel][2-D point][16] */
};

typedef struct {
    const winograd_problem *p;
    const real *weights;         /* [group][register block][row of points][channel][column of points][filter] */
    ptrdiff_t register_blocks;   /* the blocks of a group */
    nchw16n_partition partition; /* rows of tiles */
} schedule;

static void pack_weights(const schedule *s, real *dst) {
    for (ptrdiff_t group = 0; group < s->p->groups; group++)
        for (ptrdiff_t f = 0; f < s->register_blocks * FILTERS; f += FILTERS)
            for (int i = 0; i < WINOGRAD_POINTS; i++)
                for (ptrdiff_t c = 0; c < s->p->channels; c++)
                    for (int j = 0; j < WINOGRAD_POINTS; j++, dst += FILTERS) {
                        const real *u = winograd_weights_of(s->p, group, f, i * WINOGRAD_POINTS + j);
                        memcpy(dst, u + c * WINOGRAD_FILTER_BLOCK, FILTERS * sizeof(real));
                    }
}

/* Computes row i of the points: sums the products over the channels and applies the output transform along the row. The
 * result is column i of half_transformed[filter][output column][row of points]. */
FNN_INLINE void multiply_row(const real *v, const real *w, ptrdiff_t channels,
                             vreal half_transformed[FILTERS][WINOGRAD_MAX_OUTPUTS][WINOGRAD_POINTS], int i,
                             const int points_w, const int m_w) {
    vreal acc[FILTERS][WINOGRAD_POINTS];
#pragma GCC unroll 4
    for (int f = 0; f < FILTERS; f++)
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) acc[f][j] = vset(0);
#pragma GCC unroll 1
    for (ptrdiff_t c = channels; c > 0; c--, v += CHANNEL_STRIDE, w += WINOGRAD_POINTS * FILTERS) {
#pragma GCC unroll 6
        for (int j = 0; j < points_w; j++) {
            const vreal input = vload(v + j * IMAGE_BLOCK);
#pragma GCC unroll 4
            for (int f = 0; f < FILTERS; f++) acc[f][j] = vfma(vset(w[j * FILTERS + f]), input, acc[f][j]);
        }
    }
#pragma GCC unroll 4
    for (int f = 0; f < FILTERS; f++) {
        vreal row[WINOGRAD_MAX_OUTPUTS];
        winograd_transform_output(acc[f], 1, row, 1, points_w, m_w);
#pragma GCC unroll 5
        for (int k = 0; k < m_w; k++) half_transformed[f][k][i] = row[k];
    }
}

FNN_INLINE void run_tile(const schedule *s, ptrdiff_t group, const winograd_tile_origin *at, const int points_h,
                         const int points_w, const int m_h, const int m_w) {
    const winograd_problem *p = s->p;
    const ptrdiff_t channels = p->channels, out_row = p->q * IMAGE_BLOCK, out_plane = p->p * out_row;
    const ptrdiff_t rows = fnn_min(m_h, p->p - at->row), cols = fnn_min(m_w, p->q - at->col);
    const vreal lower_bound = p->kind == RELU ? vset(0) : vset(-(real)INFINITY);
    real *out = p->out + winograd_filter_planes(p, at->image_block, group) + at->row * out_row + at->col * IMAGE_BLOCK;
    real *v = fnn_scratch();
    winograd_transform_inputs(p, group, at, 0, channels, v, CHANNEL_STRIDE, IMAGE_BLOCK, points_h, points_w);
    const ptrdiff_t block_weights = WINOGRAD_POINTS_2D * channels * FILTERS;
    const real *w = s->weights + group * s->register_blocks * block_weights;
    for (ptrdiff_t block = 0; block < s->register_blocks; block++, w += block_weights) {
        const ptrdiff_t first = block * FILTERS, count = fnn_min(FILTERS, p->filters - first);
        for (ptrdiff_t l = 0; l < IMAGE_BLOCK; l += VL) {
            vreal half_transformed[FILTERS][WINOGRAD_MAX_OUTPUTS][WINOGRAD_POINTS];
#pragma GCC unroll 1
            for (int i = 0; i < points_h; i++)
                multiply_row(v + i * WINOGRAD_POINTS * IMAGE_BLOCK + l, w + i * channels * WINOGRAD_POINTS * FILTERS,
                             channels, half_transformed, i, points_w, m_w);
#pragma GCC unroll 1
            for (ptrdiff_t f = 0; f < count; f++) {
                const vreal bias = vset(p->b != NULL ? p->b[group * p->filters + first + f] : 0);
                real *to = out + (first + f) * out_plane + l;
#pragma GCC unroll 5
                for (int j = 0; j < m_w; j++) {
                    vreal column[WINOGRAD_MAX_OUTPUTS];
                    winograd_transform_output(half_transformed[f][j], 1, column, 1, points_h, m_h);
                    if (j >= cols) break;
#pragma GCC unroll 5
                    for (int i = 0; i < m_h; i++)
                        if (i < rows) vstore(to + i * out_row + j * IMAGE_BLOCK, vmax(lower_bound, column[i] + bias));
                }
            }
        }
        for (ptrdiff_t f = 0; f < count && p->kind > RELU; f++)
            for (ptrdiff_t i = 0; i < rows; i++)
                FN(activate_block)(p->kind, p->alpha, out + (first + f) * out_plane + i * out_row, 0, 1,
                                   cols * IMAGE_BLOCK);
    }
}

/* Runs a row of tiles, which are all long or all short in their rows. A long tile has m outputs. */
FNN_INLINE void run_tile_row(const schedule *s, ptrdiff_t group, winograd_tile_origin at, const int points_h,
                             const int m_h, const int m) {
    const winograd_axis *cols = &s->p->cols;
    for (ptrdiff_t t = 0; t < cols->tiles; t++) {
        at.col = winograd_tile_begin(cols, t);
        if (t < cols->long_tiles)
            run_tile(s, group, &at, points_h, WINOGRAD_POINTS, m_h, m);
        else
            run_tile(s, group, &at, points_h, WINOGRAD_POINTS - 1, m_h, m - 1);
    }
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const winograd_axis *rows = &s->p->rows;
    const int group_tasks = nchw16n_task_count(&s->partition), number = task % group_tasks;
    const ptrdiff_t group = task / group_tasks, end = nchw16n_row_end(&s->partition, number);
    for (ptrdiff_t t = nchw16n_row_begin(&s->partition, number); t < end; t++) {
        const winograd_tile_origin at = {nchw16n_task_block(&s->partition, number), winograd_tile_begin(rows, t), 0};
#define RUN_TILE_ROW(points_h, m_h, m) run_tile_row(s, group, at, points_h, m_h, m)
        WINOGRAD_TILE_ROW_SWITCH(rows->outputs, t < rows->long_tiles, RUN_TILE_ROW)
#undef RUN_TILE_ROW
    }
}

void FN(winograd_forward_small_c)(const winograd_problem *p) {
    /* the weights are packed once, behind this thread's transformed tile, for all threads to read */
    real *weights = (real *)fnn_scratch() + FNN_WINOGRAD_SMALL_CHANNELS * CHANNEL_STRIDE;
    const schedule s = {
        .p = p,
        .weights = weights,
        .register_blocks = (p->filters + FILTERS - 1) / FILTERS,
        .partition = nchw16n_partition_rows(p->image_blocks, p->rows.tiles),
    };
    pack_weights(&s, weights);
    nchw16n_parallel((int)p->groups * nchw16n_task_count(&s.partition), run_task, (void *)&s,
                     winograd_tile_count(p) * (double)winograd_small_c_weights(p));
}
