/* Both factors are packed as tiles of all their parts, over the whole summed dimension. */
#include "gemm/gemm_tiles.h"

#include "gemm/gemm_finish.h"
#include "gemm/tile_block.h"
#include "runtime/interruption.h"

#if FNN_WITH_BF16_PARTS

enum {
    BLOCK = TILE_BLOCK_ROWS,
    A_TILES = 1 << 10, /* of the workspace: packed rows of A, */
    B_TILES = 2 << 10, /* and packed columns of B */
    LEAST_K = 64,      /* a shorter chain, or less than a block of results, does not pay for packing */
};
_Static_assert(BLOCK % GEMM_NR == 0, "no panel of weights is in two blocks of columns");
_Static_assert((A_TILES + B_TILES) * TILE_BYTES <= FNN_SCRATCH_BYTES, "the workspace holds both");

static void pack_a(const gemm *g, char *dst, int parts, ptrdiff_t i, ptrdiff_t rows) {
    const tile_lines l = {
        .at = gemm_first_of_a(g, i, 0),
        .count = rows,
        .line = g->a_row,
        .lines = GEMM_NR * g->a_row,
        .step = g->a_col,
        .steps = GEMM_NR * g->a_col,
        .k = g->k,
        .line_index = fnn_rows_from(g->a_row_index, i),
        .step_index = g->a_k_index,
    };
    FN(tile_panel)(dst, &l, parts, true);
}

static void pack_b(const gemm *g, char *dst, int parts, ptrdiff_t j, ptrdiff_t cols) {
    const tile_lines l = {
        .at = gemm_columns_of_b(g, j),
        .count = cols,
        .line = g->b_col,
        .lines = g->b_panel_stride != 0 ? g->b_panel_stride : GEMM_NR * g->b_col,
        .step = g->b_row,
        .steps = g->bt_panel_stride != 0 ? g->bt_panel_stride : GEMM_NR * g->b_row,
        .k = g->k,
    };
    FN(tile_panel)(dst, &l, parts, false);
}

/* How many of `left` lines are in the next tile, maybe none. */
static ptrdiff_t rows_of_tile(ptrdiff_t left) { return fnn_max(0, fnn_min(TILE_ROWS, left)); }

void FN(gemm_tiles_rectangle)(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    FNN_ALIGNED real result[BLOCK * BLOCK];
    const bool real_tiles = fnn_tiles() == FNN_TILES_AMX;
    const int parts = g->precision;
    const ptrdiff_t k_blocks = (g->k + TILE_K - 1) / TILE_K, panel = k_blocks * parts * TILE_BYTES;
    const ptrdiff_t mc = A_TILES * TILE_BYTES / panel / 2 * BLOCK, nc = B_TILES * TILE_BYTES / panel / 2 * BLOCK;
    char *a_packed = fnn_scratch(), *b_packed = a_packed + A_TILES * TILE_BYTES;
    tiles_configure(real_tiles);
    for (ptrdiff_t jc = j; jc < j_end; jc += nc) {
        const ptrdiff_t jc_end = fnn_min(j_end, jc + nc);
        for (ptrdiff_t ic = i; ic < i_end && !fnn_is_left(); ic += mc) {
            const ptrdiff_t ic_end = fnn_min(i_end, ic + mc);
            for (ptrdiff_t ir = ic; ir < ic_end; ir += BLOCK)
                for (ptrdiff_t half = 0; half < BLOCK; half += TILE_ROWS)
                    pack_a(g, a_packed + (ir + half - ic) / TILE_ROWS * panel, parts, ir + half,
                           rows_of_tile(ic_end - ir - half));
            for (ptrdiff_t jr = jc; jr < jc_end; jr += BLOCK) {
                char *b = b_packed + (jr - jc) / TILE_ROWS * panel;
                for (ptrdiff_t half = 0; half < BLOCK && ic == i; half += TILE_ROWS)
                    pack_b(g, b + half / TILE_ROWS * panel, parts, jr + half, rows_of_tile(jc_end - jr - half));
                for (ptrdiff_t ir = ic; ir < ic_end; ir += BLOCK) {
                    const tile_block_factors t = {a_packed + (ir - ic) / TILE_ROWS * panel, b, panel, k_blocks, parts};
                    FN(tile_block)(&t, result, BLOCK);
                    for (ptrdiff_t c = 0; c < BLOCK && jr + c < jc_end; c += GEMM_NR)
                        gemm_finish(g, result + c, BLOCK, ir, jr + c, fnn_min(BLOCK, ic_end - ir),
                                    fnn_min(GEMM_NR, jc_end - jr - c));
                }
            }
        }
    }
    tiles_release(real_tiles);
}

bool FN(gemm_tiles_serves)(const gemm *g) {
    const ptrdiff_t k_blocks = (g->k + TILE_K - 1) / TILE_K;
    return g->m >= BLOCK && g->n >= BLOCK && g->k >= LEAST_K && g->b_k_index == NULL &&
           (g->a_row == 1 || g->a_col == 1) && (g->b_row == 1 || g->b_col == 1) &&
           2 * g->precision * k_blocks <= A_TILES;
}

#else

bool FN(gemm_tiles_serves)(const gemm *g) {
    (void)g;
    return false;
}

void FN(gemm_tiles_rectangle)(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    (void)g, (void)i, (void)i_end, (void)j, (void)j_end;
}

#endif
