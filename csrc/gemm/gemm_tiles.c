/* Both factors are packed as tiles of all their parts, over the whole summed dimension. A block of results is two tiles
 * high and wide: four registers for its sums, two for tiles of a and two for tiles of b. */
#include "gemm/gemm_tiles.h"

#include "gemm/gemm_finish.h"
#include "gemm/tile_registers.h"
#include "runtime/interruption.h"
#include "simd/transpose.h"

#if FNN_WITH_BF16_PARTS

enum {
    BLOCK = 2 * TILE_ROWS, /* rows and columns of a block of results */
    A_TILES = 1 << 10,     /* of the workspace: packed rows of A, */
    B_TILES = 2 << 10,     /* and packed columns of B */
    LEAST_K = 64,          /* a shorter chain, or less than a block of results, does not pay for packing */
};
_Static_assert(BLOCK == GEMM_NR && TILE_K == GEMM_NR, "a panel of weights is a block of columns, and of products");
_Static_assert((A_TILES + B_TILES) * TILE_BYTES <= FNN_SCRATCH_BYTES, "the workspace holds both");

/* --- packing --- */

/* Up to 16 lines of a factor, rows of A or columns of B. */
typedef struct {
    const real *at;
    ptrdiff_t count;                        /* of lines; 16 are packed, the others as zeros */
    ptrdiff_t line;                         /* from line to line */
    ptrdiff_t step;                         /* from product to product; this or the distance of lines is 1 */
    ptrdiff_t block;                        /* from TILE_K products to the next */
    ptrdiff_t k;                            /* products */
    const int64_t *line_index, *step_index; /* by which lines, or products, are read; or NULL */
} lines;

/* The words of 16 lines, each of the pairs of products p, p+1; …; p+30, p+31: words[s][line] for part s. */
static void words_of_lines(const lines *l, ptrdiff_t p, int parts, vreal words[][TILE_ROWS]) {
    const real *at = l->at + p / TILE_K * l->block;
    const ptrdiff_t left = l->k - p;
    for (ptrdiff_t i = 0; i < TILE_ROWS; i++) {
        vreal lower = vset(0), upper = vset(0), pairs[PRECISION_FAST];
        if (i < l->count) {
            const real *line = at + fnn_row(l->line_index, i) * l->line;
            lower = vload_tail(line, left);
            if (left > VL) upper = vload_tail(line + VL, left - VL);
        }
        const vreal first = VSHUFFLE(lower, upper, EVEN_LANES), second = VSHUFFLE(lower, upper, ODD_LANES);
        vpairs_of_parts(first, second, parts, pairs);
        for (int s = 0; s < parts; s++) words[s][i] = pairs[s];
    }
}

/* The words of 16 pairs of products, each of 16 lines: words[s][pair] for part s. */
static void words_of_pairs(const lines *l, ptrdiff_t p, int parts, vreal words[][TILE_ROWS]) {
    for (ptrdiff_t i = 0; i < TILE_PAIRS; i++, p += 2) {
        vreal both[2] = {vset(0), vset(0)}, pairs[PRECISION_FAST];
        for (ptrdiff_t q = 0; q < 2 && p + q < l->k; q++)
            both[q] = vload_tail(l->at + fnn_row(l->step_index, p + q) * l->step, l->count);
        vpairs_of_parts(both[0], both[1], parts, pairs);
        for (int s = 0; s < parts; s++) words[s][i] = pairs[s];
    }
}

/* The tiles of 16 lines: for each TILE_K products one tile of each part. Their rows are lines, or pairs. */
static void pack(char *dst, const lines *l, int parts, bool rows_are_lines) {
    vreal words[PRECISION_FAST][TILE_ROWS];
    const bool along = l->step == 1;
    for (ptrdiff_t p = 0; p < l->k; p += TILE_K) {
        (along ? words_of_lines : words_of_pairs)(l, p, parts, words);
        for (int s = 0; s < parts; s++, dst += TILE_BYTES) {
            if (along != rows_are_lines) transpose(words[s]);
            memcpy(dst, words[s], TILE_BYTES);
        }
    }
}

static void pack_a(const gemm *g, char *dst, int parts, ptrdiff_t i, ptrdiff_t rows) {
    const lines l = {
        .at = gemm_first_of_a(g, i, 0),
        .count = rows,
        .line = g->a_row,
        .step = g->a_col,
        .block = TILE_K,
        .k = g->k,
        .line_index = fnn_rows_from(g->a_row_index, i),
        .step_index = g->a_k_index,
    };
    pack(dst, &l, parts, true);
}

static void pack_b(const gemm *g, char *dst, int parts, ptrdiff_t j, ptrdiff_t cols) {
    const lines l = {
        .at = gemm_columns_of_b(g, j),
        .count = cols,
        .line = g->b_col,
        .step = g->b_row,
        .block = g->bt_panel_stride != 0 ? g->bt_panel_stride : TILE_K,
        .k = g->k,
    };
    pack(dst, &l, parts, false);
}

/* --- a block of results --- */

typedef struct {
    int a, b;
} part_pair;

/* The products of parts that are added up, for each number of parts; the first one has a chain of its own. */
static const part_pair pairs_of_parts[PRECISION_FAST + 1][6] = {
    [PRECISION_BF16] = {{0, 0}},
    [PRECISION_FAST3] = {{0, 0}, {1, 0}, {0, 1}},
    [PRECISION_FAST] = {{0, 0}, {2, 0}, {1, 1}, {0, 2}, {1, 0}, {0, 1}},
};

typedef struct {
    const char *a, *b;  /* the tiles of two panels of 16 rows, and of 16 columns */
    ptrdiff_t panel;    /* bytes from panel to panel */
    ptrdiff_t k_blocks; /* tiles of each part in a panel */
    int parts;
} block_args;

typedef vreal block_sums[4][TILE_ROWS]; /* tile (y, x) at 2 y + x */

FNN_INLINE void chain(const block_args *t, const part_pair *pairs, int count, block_sums sums, const bool real) {
    tile_registers r;
    TILE_ZERO(r, 0, real);
    TILE_ZERO(r, 1, real);
    TILE_ZERO(r, 2, real);
    TILE_ZERO(r, 3, real);
    for (ptrdiff_t p = 0; p < t->k_blocks; p++)
        for (int q = 0; q < count; q++) {
            const char *a = t->a + (p * t->parts + pairs[q].a) * TILE_BYTES;
            const char *b = t->b + (p * t->parts + pairs[q].b) * TILE_BYTES;
            TILE_LOAD(r, 4, a, real);
            TILE_LOAD(r, 5, a + t->panel, real);
            TILE_LOAD(r, 6, b, real);
            TILE_LOAD(r, 7, b + t->panel, real);
            TILE_DOT(r, 0, 4, 6, real);
            TILE_DOT(r, 1, 4, 7, real);
            TILE_DOT(r, 2, 5, 6, real);
            TILE_DOT(r, 3, 5, 7, real);
        }
    TILE_STORE(r, 0, sums[0], real);
    TILE_STORE(r, 1, sums[1], real);
    TILE_STORE(r, 2, sums[2], real);
    TILE_STORE(r, 3, sums[3], real);
}

static void chain_of_instructions(const block_args *t, const part_pair *pairs, int count, block_sums sums) {
    chain(t, pairs, count, sums, true);
}

static void chain_of_functions(const block_args *t, const part_pair *pairs, int count, block_sums sums) {
    chain(t, pairs, count, sums, false);
}

/* result (BLOCK, BLOCK) = the sums of both chains */
static void block(const block_args *t, real *result) {
    block_sums first, others;
    void (*const run)(const block_args *, const part_pair *, int, block_sums) =
        fnn_tiles() == FNN_TILES_AMX ? chain_of_instructions : chain_of_functions;
    run(t, pairs_of_parts[t->parts], 1, first);
    if (t->parts > 1) run(t, pairs_of_parts[t->parts] + 1, t->parts * (t->parts + 1) / 2 - 1, others);
    for (ptrdiff_t tile = 0; tile < 4; tile++)
        for (ptrdiff_t r = 0; r < TILE_ROWS; r++) {
            vreal sum = first[tile][r];
            if (t->parts > 1) sum = vselect(sum - sum == 0, sum + others[tile][r], sum);
            vstore(result + (tile / 2 * TILE_ROWS + r) * BLOCK + tile % 2 * VL, sum);
        }
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
                    const block_args t = {a_packed + (ir - ic) / TILE_ROWS * panel, b, panel, k_blocks, parts};
                    block(&t, result);
                    gemm_finish(g, result, ir, jr, fnn_min(BLOCK, ic_end - ir), fnn_min(BLOCK, jc_end - jr));
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
