/* Multiplies blocks of rows by pairs of columns. */
#include "gemm/gemm_dot.h"

#include "runtime/input_prefetch.h"
#include "gemm/pack.h"
#include "gemm/microkernel.h"
#include "simd/simd_math.h"

enum {
    ROWS = VBYTES / sizeof(real) / 2, /* in a block, so that one vlanes finishes a pair of columns */
    LEAST_CHAIN = 32,                 /* vectors in a chain; with fewer, packing and adding up lanes cost too much */
    MOST_ELEMENTS = (1 << 20) / sizeof(real),
};

typedef struct {
    const gemm *g;
    ptrdiff_t chain, tasks; /* chain: k rounded up to whole vectors */
} gemm_dot;

/* Adds the products p … p+count-1, where count <= VL. */
FNN_INLINE void add_products(vreal *sum, const real *const *a, const int rows, const real *b, ptrdiff_t chain,
                             ptrdiff_t p, ptrdiff_t count) {
    const vreal b0 = vload(b + p), b1 = vload(b + chain + p);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        const vreal v = vopaque(count == VL ? vload(a[i] + p) : vload_part(a[i] + p, count));
        sum[2 * i] = vfma(v, b0, sum[2 * i]);
        sum[2 * i + 1] = vfma(v, b1, sum[2 * i + 1]);
    }
}

/* Multiplies `rows` rows of A by two of the packed columns; the result has ROWS × 2 elements. */
FNN_INLINE vreal pair(const real *const *a, ptrdiff_t k, const int rows, const real *b, ptrdiff_t chain) {
    vreal sum[2 * ROWS];
    const char *prefetch = NULL;
    const ptrdiff_t prefetch_lines = fnn_input_prefetch_next(2 * (k / VL), &prefetch);
#pragma GCC unroll 16
    for (int i = 0; i < 2 * ROWS; i++) sum[i] = vset(0);
    ptrdiff_t p = 0;
    for (ptrdiff_t i = 0; p + VL <= k; p += VL, i++) {
        if (2 * i < prefetch_lines) fnn_prefetch_range(prefetch + 2 * i * FNN_CACHE_LINE, 2 * FNN_CACHE_LINE);
        add_products(sum, a, rows, b, chain, p, VL);
    }
    if (p < k) add_products(sum, a, rows, b, chain, p, k - p);
    return vlanes(LANES_SUM, sum);
}

static vreal pair_of_block(const real *const *a, ptrdiff_t k, const real *b, ptrdiff_t chain) {
    return pair(a, k, ROWS, b, chain);
}

static vreal pair_of_row(const real *const *a, ptrdiff_t k, const real *b, ptrdiff_t chain) {
    return pair(a, k, 1, b, chain);
}

/* Row j of `packed` is column j of B, followed by zeros; the number of rows is even. */
static void pack_columns(const gemm *g, ptrdiff_t chain, real *packed) {
    if (g->n % 2 != 0) memset(packed + g->n * chain, 0, (size_t)chain * sizeof(real));
    FN(pack_cols)(packed, chain, g->n, g->k, g->b, 1, g->b_row);
}

static void run_task(void *context, int task) {
    const gemm_dot *d = context;
    const gemm *g = d->g;
    real *packed = fnn_scratch();
    pack_columns(g, d->chain, packed);
    const ptrdiff_t end = g->m * (task + 1) / d->tasks;
    for (ptrdiff_t i = g->m * task / d->tasks, rows; i < end; i += rows) {
        rows = end - i < ROWS ? 1 : ROWS;
        const real *a[ROWS];
        for (ptrdiff_t r = 0; r < rows; r++) a[r] = g->a + fnn_row(g->a_row_index, i + r) * g->a_row;
        for (ptrdiff_t j = 0; j < g->n; j += 2) {
            const vreal sums = (rows == 1 ? pair_of_row : pair_of_block)(a, g->k, packed + j * d->chain, d->chain);
            for (ptrdiff_t r = 0; r < rows; r++)
                for (ptrdiff_t c = 0; c < fnn_min(2, g->n - j); c++)
                    g->c[(i + r) * g->ldc + j + c] = sums[2 * r + c] + (g->bias == NULL ? 0 : g->bias[j + c]);
        }
        if (g->epilogue != NULL) g->epilogue(g, g->c + i * g->ldc, g->ldc, i, 0, rows, g->n);
    }
}

FNN_INLINE ptrdiff_t chain_of(const gemm *g) { return (g->k + VL - 1) / VL * VL; }

bool FN(gemm_dot_serves)(const gemm *g) {
    const ptrdiff_t columns = (g->n + 1) / 2 * 2, across = (g->n + VL - 1) / VL * VL;
    const bool few_columns = g->n <= GEMM_NR && 4 * columns <= 3 * across;
    return few_columns && chain_of(g) >= LEAST_CHAIN * VL && columns * chain_of(g) <= MOST_ELEMENTS;
}

void FN(gemm_dot_run)(const gemm *g) {
    const gemm_dot d = {g, chain_of(g), fnn_threads_for((double)g->m * (double)g->n * (double)g->k)};
    fnn_parallel((int)d.tasks, run_task, (void *)&d);
}
