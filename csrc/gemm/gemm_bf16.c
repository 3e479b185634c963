/* Both factors are packed as pairs along the summed dimension, a whole chain at a time, so that sums stay in registers.
 * A register tile is that of gemm/microkernel.h; an instruction does twice as many products. */
#include "gemm/gemm_bf16.h"

#include "gemm/gemm_finish.h"
#include "runtime/interruption.h"
#include "simd/simd_bf16.h"

#if FNN_WITH_BF16

enum {
    A_PAIRS = (512 << 10) / sizeof(real), /* of the workspace: packed rows of A, */
    B_PAIRS = (2 << 20) / sizeof(real),   /* and packed columns of B */
    STRIP = 32,                           /* products of a chain that are packed at a time */
    LEAST_ROWS = 2 * GEMM_MR,             /* fewer rows, columns or products do not pay for packing */
    LEAST_COLUMNS = GEMM_NR,
    LEAST_K = 64,
};

typedef struct {
    ptrdiff_t pairs; /* of a chain */
    const real *a;   /* pairs, `rows` for each pair of the chain */
    const real *b;   /* pairs, GEMM_NR for each */
    real *c;
    ptrdiff_t ldc;
} tile_args;

FNN_INLINE void tile(const tile_args *t, const int rows) {
    const int32_t *a = (const int32_t *)t->a;
    const real *b = t->b;
    vreal acc[GEMM_MR][GEMM_NR_VECTORS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int j = 0; j < GEMM_NR_VECTORS; j++) acc[i][j] = vset(0);
    for (ptrdiff_t p = 0; p < t->pairs; p++, a += rows, b += GEMM_NR) {
        vbf16 bv[GEMM_NR_VECTORS];
#pragma GCC unroll 16
        for (int j = 0; j < GEMM_NR_VECTORS; j++) bv[j] = *(const vbf16_u *)(b + j * VL);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            const vbf16 av = vpair_everywhere(a + i);
#pragma GCC unroll 16
            for (int j = 0; j < GEMM_NR_VECTORS; j++) acc[i][j] = vdot_pairs(av, bv[j], acc[i][j]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int j = 0; j < GEMM_NR_VECTORS; j++) vstore(t->c + i * t->ldc + j * VL, acc[i][j]);
}

#define EACH(_) _(1) _(2) _(3) _(4) _(5) _(6) _(7) _(8) _(9) _(10) _(11) _(12)
#define INSTANCE(rows) \
    static void tile_##rows(const tile_args *t) { tile(t, rows); }
EACH(INSTANCE)
#define POINTER(rows) [rows] = tile_##rows,
static void (*const tiles[GEMM_MR + 1])(const tile_args *t) = {EACH(POINTER)};

/* Pairs of rows of `width` columns, ld apart: dst[p * width + c] = (src(2 p, c), src(2 p + 1, c)). The second half of
 * an odd last pair is 0. May write up to VL elements behind the block. */
static void pairs_of_rows(real *dst, ptrdiff_t width, ptrdiff_t k, const real *src, ptrdiff_t ld) {
    for (ptrdiff_t p = 0; p < k; p += 2, dst += width)
        for (ptrdiff_t c = 0; c < width; c += VL) {
            const ptrdiff_t left = fnn_min(VL, width - c);
            const vreal first = vload_part(src + p * ld + c, left);
            const vreal second = p + 1 < k ? vload_part(src + (p + 1) * ld + c, left) : vset(0);
            *(vbf16_u *)(dst + c) = vpairs(first, second);
        }
}

static void pack_a(const gemm *g, real *dst, ptrdiff_t i, ptrdiff_t rows) {
    FNN_ALIGNED real strip[STRIP * GEMM_MR + VL];
    for (ptrdiff_t p = 0; p < g->k; p += STRIP, dst += STRIP / 2 * rows) {
        const ptrdiff_t k = fnn_min(STRIP, g->k - p);
        FN(pack_rows)(strip, rows, k, gemm_first_of_a(g, i, p), g->a_row, g->a_col, fnn_rows_from(g->a_row_index, i),
                      fnn_rows_from(g->a_k_index, p));
        pairs_of_rows(dst, rows, k, strip, rows);
    }
}

static void pack_b(const gemm *g, real *dst, ptrdiff_t j, ptrdiff_t cols) {
    FNN_ALIGNED real strip[STRIP * GEMM_NR];
    if (g->b_panel_stride != 0) { /* a panel is padded with zeros */
        pairs_of_rows(dst, GEMM_NR, g->k, gemm_columns_of_b(g, j), g->b_row);
        return;
    }
    for (ptrdiff_t p = 0; p < g->k; p += STRIP, dst += STRIP / 2 * GEMM_NR) {
        const ptrdiff_t k = fnn_min(STRIP, g->k - p);
        gemm_pack_panel_of_b(g, strip, j, cols, p, k);
        pairs_of_rows(dst, GEMM_NR, k, strip, GEMM_NR);
    }
}

/* The first row of tile s of `tiles` that share `rows` as equally as whole rows allow. */
static ptrdiff_t share(ptrdiff_t rows, ptrdiff_t count, ptrdiff_t s) { return rows * s / count; }

void FN(gemm_bf16_rectangle)(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    FNN_ALIGNED real result[GEMM_MR * GEMM_NR];
    real *a_packed = fnn_scratch(), *b_packed = a_packed + A_PAIRS + VL * GEMM_MR;
    const ptrdiff_t pairs = (g->k + 1) / 2;
    const ptrdiff_t mc = A_PAIRS / pairs / GEMM_MR * GEMM_MR, nc = B_PAIRS / pairs / GEMM_NR * GEMM_NR;
    for (ptrdiff_t jc = j; jc < j_end; jc += nc) {
        const ptrdiff_t jc_end = fnn_min(j_end, jc + nc);
        for (ptrdiff_t ic = i; ic < i_end && !fnn_is_left(); ic += mc) {
            const ptrdiff_t ic_rows = fnn_min(i_end - ic, mc), count = (ic_rows + GEMM_MR - 1) / GEMM_MR;
            for (ptrdiff_t s = 0; s < count; s++) {
                const ptrdiff_t top = share(ic_rows, count, s);
                pack_a(g, a_packed + top * pairs, ic + top, share(ic_rows, count, s + 1) - top);
            }
            for (ptrdiff_t jr = jc; jr < jc_end; jr += GEMM_NR) {
                const ptrdiff_t cols = fnn_min(GEMM_NR, jc_end - jr);
                real *b = b_packed + (jr - jc) * pairs;
                if (ic == i) pack_b(g, b, jr, cols);
                for (ptrdiff_t s = 0; s < count; s++) {
                    const ptrdiff_t top = share(ic_rows, count, s), rows = share(ic_rows, count, s + 1) - top;
                    const tile_args t = {pairs, a_packed + top * pairs, b, result, GEMM_NR};
                    tiles[rows](&t);
                    gemm_finish(g, result, GEMM_NR, ic + top, jr, rows, cols);
                }
            }
        }
    }
}

bool FN(gemm_bf16_serves)(const gemm *g) {
    const ptrdiff_t pairs = (g->k + 1) / 2;
    return g->precision == PRECISION_BF16 && fnn_bf16_is_fast() && g->m >= LEAST_ROWS && g->n >= LEAST_COLUMNS &&
           g->k >= LEAST_K && g->b_k_index == NULL && pairs * GEMM_MR <= A_PAIRS && pairs * GEMM_NR <= B_PAIRS;
}

#else

bool FN(gemm_bf16_serves)(const gemm *g) {
    (void)g;
    return false;
}

void FN(gemm_bf16_rectangle)(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end) {
    (void)g, (void)i, (void)i_end, (void)j, (void)j_end;
}

#endif
