/* The sums of a block are in four registers; two hold tiles of a, and two tiles of b. */
#include "gemm/tile_block.h"

#include "runtime/kernel.h"
#include "simd/transpose.h"

#if FNN_WITH_BF16_PARTS

/* --- packing --- */

/* The words of 16 lines, each of the pairs of products p, p+1; …; p+30, p+31: words[s][line] for part s. */
static void words_of_lines(const tile_lines *l, ptrdiff_t p, int parts, vreal words[][TILE_ROWS]) {
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
static void words_of_pairs(const tile_lines *l, ptrdiff_t p, int parts, vreal words[][TILE_ROWS]) {
    for (ptrdiff_t i = 0; i < TILE_PAIRS; i++, p += 2) {
        vreal both[2] = {vset(0), vset(0)}, pairs[PRECISION_FAST];
        for (ptrdiff_t q = 0; q < 2 && p + q < l->k; q++)
            both[q] = vload_tail(l->at + fnn_row(l->step_index, p + q) * l->step, l->count);
        vpairs_of_parts(both[0], both[1], parts, pairs);
        for (int s = 0; s < parts; s++) words[s][i] = pairs[s];
    }
}

void FN(tile_panel)(char *dst, const tile_lines *l, int parts, bool rows_are_lines) {
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

typedef vreal block_sums[4][TILE_ROWS]; /* tile (y, x) at 2 y + x */

FNN_INLINE void chain(const tile_block_factors *t, const part_pair *pairs, int count, block_sums sums,
                      const bool real) {
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

static void chain_of_instructions(const tile_block_factors *t, const part_pair *pairs, int count, block_sums sums) {
    chain(t, pairs, count, sums, true);
}

static void chain_of_functions(const tile_block_factors *t, const part_pair *pairs, int count, block_sums sums) {
    chain(t, pairs, count, sums, false);
}

void FN(tile_block)(const tile_block_factors *t, real *c, ptrdiff_t ldc) {
    block_sums first, others;
    void (*const run)(const tile_block_factors *, const part_pair *, int, block_sums) =
        fnn_tiles() == FNN_TILES_AMX ? chain_of_instructions : chain_of_functions;
    run(t, pairs_of_parts[t->parts], 1, first);
    if (t->parts > 1) run(t, pairs_of_parts[t->parts] + 1, t->parts * (t->parts + 1) / 2 - 1, others);
    for (ptrdiff_t tile = 0; tile < 4; tile++)
        for (ptrdiff_t r = 0; r < TILE_ROWS; r++) {
            vreal sum = first[tile][r];
            if (t->parts > 1) sum = vselect(sum - sum == 0, sum + others[tile][r], sum);
            vstore(c + (tile / 2 * TILE_ROWS + r) * ldc + tile % 2 * VL, sum);
        }
}

#endif
