/* Convolution as an implicit matrix product (conv/conv_problem.h): the right factor, the im2col matrix, is never stored
 * whole. The rows of a register tile are filters, its columns output pixels beside each other, so that results go to
 * their places in runs. Every result is one chain over channel, filter row and filter column from zero; the bias comes
 * last.
 */
#include "conv/conv_algorithms.h"

#include "gemm/microkernel.h"

enum {
    KC = 512,                             /* taps of a block: a panel of what they read fits the second-level cache */
    NC = 6 * GEMM_NR,                     /* output pixels of a block */
    MC = (1 << 20) / (NC * sizeof(real)), /* rows whose results are held until their chains are done */
    MAX_PANEL = GEMM_MAX_NR_VECTORS * VL,
    PACKED = KC * ((NC + MAX_PANEL - 1) / MAX_PANEL * MAX_PANEL), /* elements of the packed panels */
    SERIAL_WORK = 1 << 15, /* multiply-adds below which waking a thread costs more than it saves */
};

typedef struct {
    const conv_problem *problem;
    ptrdiff_t pixel_blocks, row_parts;
    ptrdiff_t panel; /* output pixels of a panel: more than those of a full tile where there are few rows */
} schedule;

/* Computes rows i … i_end-1 (at most MC) of output pixels j … j_end-1 (at most NC). */
static void multiply_block(const schedule *s, ptrdiff_t group, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j,
                           ptrdiff_t j_end) {
    const conv_problem *c = s->problem;
    real *packed = fnn_scratch();
    real *results = packed + PACKED, *packed_weights = results + MC * NC;
    const real *x = c->x + group * c->x_group_stride, *weight = c->weight + group * c->w_group_stride;
    const ptrdiff_t tiles = (i_end - i + GEMM_MR - 1) / GEMM_MR, k_blocks = (c->k + KC - 1) / KC;
    if (c->k == 0)
        for (ptrdiff_t t = 0; t < i_end - i; t++) zero_run(results + t * NC, j_end - j);
    for (ptrdiff_t k_block = 0; k_block < k_blocks; k_block++) {
        const ptrdiff_t p = split_begin(c->k, k_blocks, k_block), kc = split_begin(c->k, k_blocks, k_block + 1) - p;
        for (ptrdiff_t jr = j; jr < j_end; jr += s->panel)
            FN(im2col_pack)(&c->view, x, p, kc, jr, fnn_min(s->panel, j_end - jr), packed + (jr - j) * kc, s->panel);
        for (ptrdiff_t tile = 0; tile < tiles; tile++) {
            const ptrdiff_t top = i + split_begin(i_end - i, tiles, tile);
            const ptrdiff_t rows = i + split_begin(i_end - i, tiles, tile + 1) - top;
            microkernel_args t = {.k = kc, .ldb = s->panel, .ldc = NC, .resume = k_block > 0, .b_padded = true};
            if (c->w_row_stride != 0) {
                t.a = weight + top * c->w_row_stride + p;
                t.a_row = c->w_row_stride;
                t.a_col = 1;
            } else {
                FN(conv_pack_weights)(c, group, top, rows, p, kc, packed_weights);
                t.a = packed_weights;
                t.a_row = 1;
                t.a_col = rows;
            }
            for (ptrdiff_t jr = j; jr < j_end; jr += s->panel) {
                const ptrdiff_t cols = fnn_min(s->panel, j_end - jr);
                const int vectors = (int)((cols + VL - 1) / VL);
                t.b = packed + (jr - j) * kc;
                t.c = results + (top - i) * NC + jr - j;
                t.tail = VL; /* the rows of the results have room for whole vectors */
                FN(microkernel_get)((int)rows, vectors, t.a_row == 1)(&t);
            }
        }
    }
    FN(conv_epilogue)(c, group, i, i_end - i, j, j_end - j, results, NC);
}

static void run_task(void *context, int task) {
    const schedule *s = context;
    const conv_problem *c = s->problem;
    const ptrdiff_t group = task / (s->pixel_blocks * s->row_parts), part = task / s->pixel_blocks % s->row_parts,
                    block = task % s->pixel_blocks;
    const ptrdiff_t vectors = (c->pixels + VL - 1) / VL;
    const ptrdiff_t j = split_begin(vectors, s->pixel_blocks, block) * VL;
    const ptrdiff_t j_end = fnn_min(c->pixels, split_begin(vectors, s->pixel_blocks, block + 1) * VL);
    const ptrdiff_t i_end = split_begin(c->m, s->row_parts, part + 1);
    for (ptrdiff_t i = split_begin(c->m, s->row_parts, part); i < i_end; i += MC)
        multiply_block(s, group, i, fnn_min(i_end, i + MC), j, j_end);
}

static ptrdiff_t common_divisor(ptrdiff_t a, ptrdiff_t b) { return b == 0 ? a : common_divisor(b, a % b); }

/* Tasks are blocks of output pixels. Where these are too few for the threads, tasks also share the rows, and each packs
 * the same panels for itself. */
void FN(conv_implicit_gemm)(const conv_problem *c) {
    if (c->pixels == 0 || c->m == 0) return;
    const ptrdiff_t threads = fnn_get_num_threads(), tiles = (c->m + GEMM_MR - 1) / GEMM_MR;
    schedule s = {
        .problem = c,
        .pixel_blocks = (c->pixels + NC - 1) / NC,
        .row_parts = 1,
        .panel = microkernel_vectors((c->m + tiles - 1) / tiles) * VL,
    };
    const bool serial = (double)c->pixels * (double)c->m * (double)c->groups * (double)(c->k + 1) < SERIAL_WORK;
    if (!serial && threads > 1 && s.pixel_blocks * c->groups < 2 * threads)
        s.row_parts = fnn_min(tiles, threads / common_divisor(threads, s.pixel_blocks * c->groups));
    const int tasks = (int)(c->groups * s.row_parts * s.pixel_blocks);
    if (serial) {
        for (int task = 0; task < tasks; task++) run_task(&s, task);
    } else {
        fnn_parallel(tasks, run_task, &s);
    }
}
