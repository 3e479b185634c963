/* What a step of a group of members reads: the samples of its batches, and the masks of its dropout. */
#include "population/inputs.h"
#include "simd/transpose.h"

static void gather_shared(const group *g, const real *source, ptrdiff_t cols, ptrdiff_t step) {
    const int64_t *index = index_of(g, 0, step);
    for (ptrdiff_t i = 0; i < g->batch; i++)
        memcpy(g->x + i * cols, source + index[i] * cols, (size_t)cols * sizeof(real));
}

/* VL columns of the samples of all lanes are transposed at a time, so that a vector has one column. */
static void gather_own(const group *g, const real *source, ptrdiff_t cols, ptrdiff_t step) {
    const int64_t *index[VBYTES / sizeof(real)];
    for (ptrdiff_t lane = 0; lane < VL; lane++) index[lane] = index_of(g, lane, step);
    for (ptrdiff_t i = 0; i < g->batch; i++)
        for (ptrdiff_t j = 0; j < cols; j += VL) {
            const ptrdiff_t left = fnn_min(VL, cols - j);
            vreal x[VBYTES / sizeof(real)];
#pragma GCC unroll 16
            for (ptrdiff_t lane = 0; lane < VL; lane++) x[lane] = vload_tail(source + index[lane][i] * cols + j, left);
            transpose(x);
            for (ptrdiff_t c = 0; c < left; c++) vstore(g->x + (i * cols + j + c) * VL, x[c]);
        }
}

void FN(population_gather)(const group *g, ptrdiff_t step) {
    const real *source = (const real *)g->op->p[4];
    const ptrdiff_t cols = g->stages[0].inputs;
    if (g->shared)
        gather_shared(g, source, cols, step);
    else
        gather_own(g, source, cols, step);
}

/* The words of a lane are those of the kernel `dropout` with the member's seed: word e mod 4 of block
 * i ceil(units / 4) + e / 4 belongs to element e of sample i. */
void FN(population_mask)(const group *g, const stage *s, int64_t t) {
    const ptrdiff_t wide = (s->units + 3) / 4 * 4, count = g->batch * wide;
    const uint32_t least = (uint32_t)(uint64_t)llrint(s->rate * 0x1p32); /* smaller words drop their element */
    const bool all = llrint(s->rate * 0x1p32) == 1LL << 32;
    uint32_t words[PHILOX_WORDS];
    for (ptrdiff_t lane = 0; lane < VL; lane++) {
        const philox_key key = {(uint32_t)number_of(g, lane, MEMBER_SEED_LOW),
                                (uint32_t)number_of(g, lane, MEMBER_SEED_HIGH)};
        ptrdiff_t sample = 0, element = 0;
        for (ptrdiff_t begin = 0; begin < count; begin += PHILOX_WORDS) {
            philox_words(key, (uint64_t)(begin / 4), (uint32_t)t, s->purpose, words);
            const ptrdiff_t here = fnn_min(PHILOX_WORDS, count - begin);
            for (ptrdiff_t k = 0; k < here; k++) {
                const rint_t kept = words[k] >= least && !all ? -1 : 0;
                if (element < s->units) memcpy(s->mask + (sample * s->units + element) * VL + lane, &kept, sizeof kept);
                if (++element == wide) {
                    element = 0;
                    sample++;
                }
            }
        }
    }
}
