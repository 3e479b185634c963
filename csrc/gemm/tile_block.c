/* The sums of a block are in four registers; two hold tiles of a, and two tiles of b. */
#include "gemm/tile_block.h"

#include "runtime/kernel.h"
#include "simd/transpose.h"

#if FNN_WITH_BF16_PARTS

/* --- packing --- */

typedef real words_of_parts[PRECISION_FAST][TILE_ROWS][TILE_PAIRS];

/* Where number i of what lies in panels of GEMM_NR begins, or number index[i]. */
FNN_INLINE ptrdiff_t place(ptrdiff_t i, ptrdiff_t distance, ptrdiff_t panel, const int64_t *index) {
    return index != NULL ? index[i] * distance : i / GEMM_NR * panel + i % GEMM_NR * distance;
}

FNN_INLINE void store_words(vreal first, vreal second, int parts, words_of_parts words, ptrdiff_t row, ptrdiff_t at) {
    vreal pairs[PRECISION_FAST];
    vpairs_of_parts(first, second, parts, pairs);
    for (int s = 0; s < parts; s++) vstore(words[s][row] + at, pairs[s]);
}

/* The words of 16 lines, each of the pairs of products p, p+1; …; p+30, p+31: words[s][line] for part s. */
static void words_of_lines(const tile_lines *l, ptrdiff_t p, int parts, words_of_parts words) {
    for (ptrdiff_t i = 0; i < TILE_ROWS; i++) {
        const real *line = i < l->count ? l->at + place(i, l->line, l->lines, l->line_index) : NULL;
        for (ptrdiff_t v = 0; v < TILE_PAIRS; v += VL) {
            vreal half[2] = {vset(0), vset(0)};
            for (ptrdiff_t h = 0, q = p + 2 * v; h < 2; h++, q += VL)
                if (line != NULL && q < l->k) half[h] = vload_tail(line + place(q, 1, l->steps, NULL), l->k - q);
            store_words(VSHUFFLE(half[0], half[1], EVEN_LANES), VSHUFFLE(half[0], half[1], ODD_LANES), parts, words, i,
                        v);
        }
    }
}

/* The words of 16 pairs of products, each of 16 lines: words[s][pair] for part s. */
static void words_of_pairs(const tile_lines *l, ptrdiff_t p, int parts, words_of_parts words) {
    for (ptrdiff_t i = 0; i < TILE_PAIRS; i++, p += 2)
        for (ptrdiff_t v = 0; v < TILE_ROWS; v += VL) {
            vreal both[2] = {vset(0), vset(0)};
            for (ptrdiff_t q = 0; q < 2; q++)
                if (p + q < l->k && v < l->count)
                    both[q] =
                        vload_tail(l->at + place(p + q, l->step, l->steps, l->step_index) + place(v, 1, l->lines, NULL),
                                   l->count - v);
            store_words(both[0], both[1], parts, words, i, v);
        }
}

/* Copies a tile with its rows as columns. */
static void copy_transposed(char *dst, real tile[TILE_ROWS][TILE_PAIRS]) {
    for (ptrdiff_t i = 0; i < TILE_ROWS; i += VL)
        for (ptrdiff_t j = 0; j < TILE_PAIRS; j += VL) {
            vreal square[VBYTES / sizeof(real)];
            for (ptrdiff_t r = 0; r < VL; r++) square[r] = vload(tile[i + r] + j);
            transpose(square);
            for (ptrdiff_t r = 0; r < VL; r++)
                memcpy(dst + (j + r) * TILE_ROW_BYTES + i * (ptrdiff_t)sizeof(real), &square[r], VBYTES);
        }
}

void FN(tile_panel)(char *dst, const tile_lines *l, int parts, bool rows_are_lines) {
    FNN_ALIGNED words_of_parts words;
    const bool along = l->step == 1;
    for (ptrdiff_t p = 0; p < l->k; p += TILE_K) {
        (along ? words_of_lines : words_of_pairs)(l, p, parts, words);
        for (int s = 0; s < parts; s++, dst += TILE_BYTES) {
            if (along != rows_are_lines) {
                copy_transposed(dst, words[s]);
            } else {
                memcpy(dst, words[s], TILE_BYTES);
            }
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

typedef tile_rows block_sums[4]; /* tile (y, x) at 2 y + x */

FNN_INLINE void chain(const tile_block_factors *t, const part_pair *pairs, int count, block_sums sums,
                      const bool real) {
    FNN_ALIGNED tile_registers r;
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
    FNN_ALIGNED block_sums first, others;
    void (*const run)(const tile_block_factors *, const part_pair *, int, block_sums) =
        fnn_tiles() == FNN_TILES_AMX ? chain_of_instructions : chain_of_functions;
    run(t, pairs_of_parts[t->parts], 1, first);
    if (t->parts > 1) run(t, pairs_of_parts[t->parts] + 1, t->parts * (t->parts + 1) / 2 - 1, others);
    for (ptrdiff_t tile = 0; tile < 4; tile++)
        for (ptrdiff_t r = 0; r < TILE_ROWS; r++)
            for (ptrdiff_t v = 0; v < TILE_PAIRS; v += VL) {
                vreal sum = vload(first[tile][r] + v);
                if (t->parts > 1) sum = vselect(sum - sum == 0, sum + vload(others[tile][r] + v), sum);
                vstore(c + (tile / 2 * TILE_ROWS + r) * ldc + tile % 2 * TILE_PAIRS + v, sum);
            }
}

#endif
