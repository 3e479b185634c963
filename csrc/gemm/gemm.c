/* The blocks and threads of the matrix product; its arithmetic is in gemm/microkernel.c. */
#include "gemm/gemm.h"

#include "runtime/input_prefetch.h"
#include "runtime/interruption.h"
#include "gemm/gemm_bf16.h"
#include "gemm/gemm_tiles.h"
#include "gemm/pack.h"
#include "gemm/microkernel.h"

/* The workspace holds A_ELEMENTS of packed rows of A and B_ELEMENTS of packed columns of B. A block of A has MC × KC
 * elements, which fill half of a second-level cache of 1 MiB. Long chains pay, although a panel of B then comes from
 * the second-level cache: a tile reads 128 bytes of it in 24 cycles, but C makes a round trip to memory for every KC
 * products. */
enum {
    A_ELEMENTS = (1 << 20) / sizeof(real),
    B_ELEMENTS = (2 << 20) / sizeof(real),
    KC = 4096 / sizeof(real),
    MC = 120,
    THIN_K = 96,
    FEW_ROWS = 12,                         /* packing takes longer than to read B for each tile of so few rows, */
    FEW_ROWS_B = (4 << 20) / sizeof(real), /* as long as its pages are few enough for the table of the processor */
    CLOSE_ROWS = 512 / sizeof(real),       /* B needs no packing if its rows are at most so many elements apart */
};

typedef struct {
    const gemm *g;
    ptrdiff_t row_tasks, col_tasks;
    ptrdiff_t own; /* panels of B that one task processes whole; the rest is shared by rows. 0: a plain grid */
} grid;

/* The first unit (row or vector) of task t, if `units` are shared as equally as whole units allow. */
static ptrdiff_t share(ptrdiff_t units, ptrdiff_t tasks, ptrdiff_t t) { return units * t / tasks; }

static bool is_packed(const microkernel_args *t) { return t->a_row == 1 && t->a_row_index == NULL; }

static void finish(const gemm *g, real *tile, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t j, ptrdiff_t rows, ptrdiff_t cols) {
    if (g->epilogue != NULL) g->epilogue(g, tile, ld, i, j, rows, cols);
}

/* Computes columns j … j_end-1 of rows i … i+rows-1, each tile over its whole chain, without packing B. */
static void thin_block(const gemm *g, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t j_end) {
    FNN_ALIGNED real local[GEMM_MR * GEMM_MAX_NR_VECTORS * VL];
    const int widest = g->b_panel_stride != 0 || g->whole_panels ? GEMM_NR_VECTORS : microkernel_vectors(rows);
    while (j < j_end) {
        ptrdiff_t vectors = (j_end - j + VL - 1) / VL;
        const int take = (int)fnn_min(widest, vectors);
        ptrdiff_t cols = fnn_min(take * VL, j_end - j);
        real *c = g->c != NULL ? g->c + i * g->ldc + j : local;
        ptrdiff_t ldc = g->c != NULL ? g->ldc : take * VL;
        const real *b = gemm_columns_of_b(g, j);
        /* in pieces, because each piece can prefetch a row that the next step reads */
        const ptrdiff_t piece = g->accumulate || !fnn_input_prefetch_pending() ? g->k : THIN_K;
        for (ptrdiff_t p = 0; p < g->k; p += piece) {
            const bool last = p + piece >= g->k;
            microkernel_args t = {
                .k = fnn_min(piece, g->k - p),
                .a = gemm_first_of_a(g, i, p),
                .a_row = g->a_row,
                .a_col = g->a_col,
                .a_row_index = fnn_rows_from(g->a_row_index, i),
                .a_k_index = fnn_rows_from(g->a_k_index, p),
                .b = g->b_k_index == NULL ? b + p * g->b_row : b,
                .b_k_index = fnn_rows_from(g->b_k_index, p),
                .ldb = g->b_row,
                .c = c,
                .ldc = ldc,
                .bias = last && g->bias != NULL ? g->bias + j : NULL,
                .resume = p > 0,
                .add = g->accumulate,
                .tail = cols - (take - 1) * VL,
            };
            t.prefetch_lines = fnn_input_prefetch_next(t.k, &t.prefetch);
            FN(microkernel_get)((int)rows, take, is_packed(&t))(&t);
        }
        finish(g, c, ldc, i, j, rows, cols);
        j += cols;
    }
}

/* Multiplies rows i … i_end-1 by one packed panel of B. */
static void panel(const gemm *g, const real *a_packed, ptrdiff_t i, ptrdiff_t i_end, const real *b_packed, ptrdiff_t j,
                  ptrdiff_t j_end, ptrdiff_t p, ptrdiff_t kc) {
    FNN_ALIGNED real local[GEMM_MR * GEMM_NR];
    const ptrdiff_t cols = j_end - j;
    const int vectors = (int)((cols + VL - 1) / VL);
    const bool last = p + kc == g->k;
    ptrdiff_t tiles = (i_end - i + GEMM_MR - 1) / GEMM_MR;
    for (ptrdiff_t s = 0; s < tiles; s++) {
        ptrdiff_t top = i + share(i_end - i, tiles, s), rows = i + share(i_end - i, tiles, s + 1) - top;
        real *c = g->c != NULL ? g->c + top * g->ldc + j : local;
        ptrdiff_t ldc = g->c != NULL ? g->ldc : GEMM_NR;
        microkernel_args t = {
            .k = kc,
            .b = b_packed,
            .ldb = GEMM_NR,
            .c = c,
            .ldc = ldc,
            .bias = last && g->bias != NULL ? g->bias + j : NULL,
            .resume = p > 0,
            .add = g->accumulate,
            .tail = cols - (vectors - 1) * VL,
            .b_padded = true,
        };
        if (a_packed != NULL) {
            t.a = a_packed + (top - i) * kc;
            t.a_row = 1;
            t.a_col = rows;
        } else {
            t.a = gemm_first_of_a(g, top, p);
            t.a_row = g->a_row;
            t.a_col = g->a_col;
            t.a_row_index = fnn_rows_from(g->a_row_index, top);
            t.a_k_index = fnn_rows_from(g->a_k_index, p);
        }
        t.prefetch_lines = fnn_input_prefetch_next(kc, &t.prefetch);
        FN(microkernel_get)((int)rows, vectors, is_packed(&t))(&t);
        if (last) finish(g, c, ldc, top, j, rows, cols);
    }
}

static void pack_block_of_a(const gemm *g, real *dst, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t p, ptrdiff_t kc) {
    ptrdiff_t tiles = (i_end - i + GEMM_MR - 1) / GEMM_MR;
    for (ptrdiff_t s = 0; s < tiles; s++) {
        ptrdiff_t top = i + share(i_end - i, tiles, s), rows = i + share(i_end - i, tiles, s + 1) - top;
        FN(pack_rows)(dst + (top - i) * kc, rows, kc, gemm_first_of_a(g, top, p), g->a_row, g->a_col,
                      fnn_rows_from(g->a_row_index, top), fnn_rows_from(g->a_k_index, p));
    }
}

static void blocked(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    real *a_packed = fnn_scratch();
    real *b_packed = a_packed + A_ELEMENTS + VL * GEMM_MR;
    /* a chain can be stored in C between blocks only if C exists and holds nothing else */
    const ptrdiff_t k_blocks = g->c != NULL && !g->accumulate ? (g->k + KC - 1) / KC : 1;
    const ptrdiff_t kc_max = (g->k + k_blocks - 1) / k_blocks;
    const ptrdiff_t mc = fnn_min(MC, A_ELEMENTS / kc_max / GEMM_MR * GEMM_MR);
    const ptrdiff_t nc = B_ELEMENTS / kc_max / GEMM_NR * GEMM_NR;
    const bool pack_a = j_end - j > 2 * GEMM_NR;
    for (ptrdiff_t jc = j; jc < j_end; jc += nc) {
        const ptrdiff_t jc_end = fnn_min(j_end, jc + nc);
        for (ptrdiff_t p = 0; p < g->k; p += kc_max) {
            const ptrdiff_t kc = fnn_min(kc_max, g->k - p);
            for (ptrdiff_t ic = i; ic < i_end && !fnn_is_left(); ic += mc) {
                const ptrdiff_t ic_end = fnn_min(i_end, ic + mc);
                if (pack_a) pack_block_of_a(g, a_packed, ic, ic_end, p, kc);
                for (ptrdiff_t jr = jc; jr < jc_end; jr += GEMM_NR) {
                    const ptrdiff_t jr_end = fnn_min(jc_end, jr + GEMM_NR);
                    const real *b = b_packed + (jr - jc) * kc;
                    if (g->b_panel_stride != 0)
                        b = gemm_columns_of_b(g, jr) + p * g->b_row;
                    else if (ic == i)
                        gemm_pack_panel_of_b(g, b_packed + (jr - jc) * kc, jr, jr_end - jr, p, kc);
                    panel(g, pack_a ? a_packed : NULL, ic, ic_end, b, jr, jr_end, p, kc);
                }
            }
        }
    }
}

static void empty_chain(const gemm *g) {
    for (ptrdiff_t i = 0; i < g->m; i++) {
        real *row = g->c + i * g->ldc;
        for (ptrdiff_t j = 0; j < g->n; j++)
            if (!g->accumulate) row[j] = g->bias != NULL ? g->bias[j] : 0;
    }
    finish(g, g->c, g->ldc, 0, 0, g->m, g->n);
}

/* Computes columns j … j_end-1 of rows i … i_end-1. */
static void rectangle(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    if (i == i_end || j >= j_end) return;
    if (g->rounded != NULL) {
        g->rounded(g, i, i_end, j, j_end);
        return;
    }
    /* no packing for a panel that is used once, for few short rows close together, or for what does not fit */
    const ptrdiff_t unpacked = g->b_row <= CLOSE_ROWS ? 16 * GEMM_MR : g->k * g->b_row <= FEW_ROWS_B ? FEW_ROWS : 0;
    const bool thin = i_end - i <= GEMM_MR || (g->b_panel_stride == 0 && i_end - i <= unpacked) ||
                      (g->c == NULL && g->k > FNN_FUSED_BATCH);
    if (!thin || g->b_col != 1) {
        blocked(g, i, i_end, j, j_end);
        return;
    }
    const ptrdiff_t rows = i_end - i, tiles = (rows + GEMM_MR - 1) / GEMM_MR;
    for (ptrdiff_t s = 0; s < tiles && !fnn_is_left(); s++)
        thin_block(g, i + share(rows, tiles, s), share(rows, tiles, s + 1) - share(rows, tiles, s), j, j_end);
}

static void run_task(void *context, int task) {
    const grid *grid_ = context;
    const gemm *g = grid_->g;
    const ptrdiff_t row = task / grid_->col_tasks, col = task % grid_->col_tasks;
    if (grid_->own > 0) {
        const ptrdiff_t cols = grid_->own * GEMM_NR, rest = grid_->col_tasks * cols;
        rectangle(g, 0, g->m, col * cols, (col + 1) * cols);
        rectangle(g, share(g->m, grid_->col_tasks, col), share(g->m, grid_->col_tasks, col + 1), rest, g->n);
        return;
    }
    const ptrdiff_t unit = g->b_panel_stride != 0 || g->whole_panels ? GEMM_NR : VL;
    const ptrdiff_t units = (g->n + unit - 1) / unit;
    rectangle(g, share(g->m, grid_->row_tasks, row), share(g->m, grid_->row_tasks, row + 1),
              share(units, grid_->col_tasks, col) * unit,
              fnn_min(g->n, share(units, grid_->col_tasks, col + 1) * unit));
}

/* The columns that each of `tasks` gets, in whole vectors. */
static ptrdiff_t padded(ptrdiff_t n, ptrdiff_t tasks) { return (n + VL * tasks - 1) / (VL * tasks) * VL; }

/* The cost of a task's multiply-adds and of packing its m rows and n columns. */
static double cost_of(double m, double n) { return m * n + 4 * (m + n); }

/* Finds the grid that costs least, where each task packs its rows of A and its columns of B. At equal cost each task
 * has whole panels of its own: a thread then has the same columns of activations and of their gradients in all products
 * of a step, and the same panels of weights in every step, which no other thread writes (dense/weight_grad_fused.c, and
 * for few rows dense/weight_grad_rank_k.c, which uses a plain grid). */
static grid cut(const gemm *g) {
    const ptrdiff_t threads = fnn_threads_for((double)g->m * (double)g->n * (double)g->k);
    grid best = {g, 1, 1, 0};
    double least = INFINITY;
    const ptrdiff_t own = gemm_panels_per_thread(g->n, threads);
    if (threads > 1 && g->m > GEMM_MR && own > 0) {
        best = (grid){g, 1, threads, own};
        const double rest = (double)padded(g->n - threads * own * GEMM_NR, 1);
        least = cost_of((double)g->m, (double)(own * GEMM_NR) + rest / (double)threads);
    }
    for (ptrdiff_t rows = 1; rows <= threads; rows++) {
        if (rows > 1 && g->whole_columns) continue;
        const ptrdiff_t cols = threads / rows;
        const ptrdiff_t m = (g->m + rows - 1) / rows;
        const double cost = cost_of((double)m, (double)padded(g->n, cols));
        if (cost < least) {
            least = cost;
            best = (grid){g, rows, cols, 0};
        }
    }
    return best;
}

gemm_rectangle *FN(gemm_rounded)(const gemm *g) {
    if (g->precision == PRECISION_FLOAT32) return NULL;
    if (fnn_tiles() != FNN_TILES_NONE) return FN(gemm_tiles_serves)(g) ? FN(gemm_tiles_rectangle) : NULL;
    return FN(gemm_bf16_serves)(g) ? FN(gemm_bf16_rectangle) : NULL;
}

void FN(gemm_run)(const gemm *g) {
    if (g->m == 0 || g->n == 0) return;
    if (g->k == 0) {
        empty_chain(g);
        return;
    }
    gemm part = *g;
    const ptrdiff_t whole = g->accumulate ? FNN_FUSED_BATCH : g->k;
    for (ptrdiff_t p = 0; p < g->k; p += whole) {
        part.k = fnn_min(whole, g->k - p);
        part.a = gemm_first_of_a(g, 0, p);
        part.a_k_index = fnn_rows_from(g->a_k_index, p);
        part.b = g->b_k_index == NULL ? g->b + p * g->b_row : g->b;
        part.b_k_index = fnn_rows_from(g->b_k_index, p);
        part.rounded = FN(gemm_rounded)(&part);
        grid grid_ = cut(&part);
        fnn_parallel((int)(grid_.row_tasks * grid_.col_tasks), run_task, &grid_);
    }
}
