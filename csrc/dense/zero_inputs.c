/* A product of few rows goes through the microkernel with an index of the inputs that are used; rows of A are packed
 * for it by that index. Before each tile, the weights that it leaves out are looked at: they must be finite. */
#include "dense/zero_inputs.h"

#include "runtime/input_prefetch.h"

enum {
    LEAST_INPUTS = 64,
    LEAST_SHARE = 4, /* at least one in so many inputs must be zero */
    LEAST_ROWS = 3,  /* with fewer, reading a weight to see that it is finite takes as long as multiplying it */
    STEPS = 4,       /* chains that look at weights, to hide the latency of the multiply-add */
};

/* Bit i is set where input p + i is zero in all rows. */
FNN_INLINE unsigned zero_bits(const real *x, ptrdiff_t rows, ptrdiff_t inputs, const int64_t *index, ptrdiff_t p) {
    const ptrdiff_t count = fnn_min(VL, inputs - p);
    vint any = {0}; /* bits that are set in some row: a NaN if there is one, and zero, of either sign, if all are */
    if (count == VL) {
        for (ptrdiff_t r = 0; r < rows; r++) any |= (vint)vload(x + fnn_row(index, r) * inputs + p);
    } else {
        for (ptrdiff_t r = 0; r < rows; r++) any |= (vint)vload_part(x + fnn_row(index, r) * inputs + p, count);
    }
    return vequal_bits((vreal)any, vset(0)) & ((1u << count) - 1);
}

bool FN(zero_inputs_find)(const real *x, ptrdiff_t rows, ptrdiff_t inputs, const int64_t *index, void *memory,
                          zero_inputs *found) {
    if (inputs < LEAST_INPUTS || inputs > ZERO_INPUTS_MAX) return false;
    uint16_t bits_of[ZERO_INPUTS_MAX * sizeof(real) / VBYTES];
    ptrdiff_t zero = 0, used = 0;
    for (ptrdiff_t p = 0; p < inputs; p += VL) {
        const unsigned bits = zero_bits(x, rows, inputs, index, p);
        bits_of[p / VL] = (uint16_t)bits;
        zero += __builtin_popcount(bits);
        if (inputs - p - VL + zero < inputs / LEAST_SHARE) return false; /* what is left is too little */
    }
    *found = (zero_inputs){memory, (int64_t *)memory + inputs, inputs - zero, zero};
    zero = 0;
    for (ptrdiff_t p = 0; p < inputs; p++) { /* both are written, and one of them is written over */
        const ptrdiff_t is_zero = bits_of[p / VL] >> p % VL & 1;
        found->used[used] = found->zero[zero] = p;
        zero += is_zero;
        used += 1 - is_zero;
    }
    return true;
}

bool FN(all_finite)(const real *p, ptrdiff_t count) {
    vreal sum = vset(0); /* of zeros, or NaN */
    for (ptrdiff_t i = 0; i < count; i += VL) sum = vfma(vload_tail(p + i, count - i), vset(0), sum);
    return vunordered_bits(sum, sum) == 0;
}

typedef struct {
    const gemm *g;
    zero_inputs inputs;
    const real *packed; /* A without the zeros, as the microkernel takes it */
} few_rows;

FNN_INLINE bool weights_are_finite(const few_rows *f, const real *b, const int vectors, ptrdiff_t tail) {
    const zero_inputs *z = &f->inputs;
    const ptrdiff_t ld = f->g->b_row;
    vreal sums[STEPS][GEMM_MAX_NR_VECTORS];
    for (int s = 0; s < STEPS; s++)
        for (int v = 0; v < vectors; v++) sums[s][v] = vset(0);
    ptrdiff_t t = 0;
    for (; t + STEPS <= z->zero_count; t += STEPS)
#pragma GCC unroll 4
        for (int s = 0; s < STEPS; s++) {
            const real *row = b + z->zero[t + s] * ld;
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) {
                const vreal w = v + 1 < vectors || tail == VL ? vload(row + v * VL) : vload_part(row + v * VL, tail);
                sums[s][v] = vfma(w, vset(0), sums[s][v]);
            }
        }
    for (; t < z->zero_count; t++)
        for (int v = 0; v < vectors; v++) {
            const real *row = b + z->zero[t] * ld;
            const vreal w = v + 1 < vectors || tail == VL ? vload(row + v * VL) : vload_part(row + v * VL, tail);
            sums[0][v] = vfma(w, vset(0), sums[0][v]);
        }
    unsigned nan = 0;
    for (int s = 0; s < STEPS; s++)
        for (int v = 0; v < vectors; v++) nan |= vunordered_bits(sums[s][v], sums[s][v]);
    return nan == 0;
}

static bool are_finite(const few_rows *f, const real *b, int vectors, ptrdiff_t tail) {
    return vectors == GEMM_NR_VECTORS ? weights_are_finite(f, b, GEMM_NR_VECTORS, tail)
                                      : weights_are_finite(f, b, vectors, tail);
}

/* Columns j … j+cols-1, at most GEMM_NR. */
static void tile(const few_rows *f, ptrdiff_t j, ptrdiff_t cols) {
    const gemm *g = f->g;
    const int vectors = (int)((cols + VL - 1) / VL);
    microkernel_args t = {
        .b = gemm_columns_of_b(g, j),
        .ldb = g->b_row,
        .c = g->c + j,
        .ldc = g->ldc,
        .bias = g->bias != NULL ? g->bias + j : NULL,
        .tail = cols - (vectors - 1) * VL,
    };
    const bool packed = are_finite(f, t.b, vectors, t.tail);
    if (packed) {
        t.k = f->inputs.used_count;
        t.a = f->packed;
        t.a_row = 1;
        t.a_col = g->m;
        t.b_k_index = f->inputs.used;
    } else {
        t.k = g->k;
        t.a = g->a;
        t.a_row = g->a_row;
        t.a_col = g->a_col;
        t.a_row_index = g->a_row_index;
    }
    t.prefetch_lines = fnn_input_prefetch_next(t.k, &t.prefetch);
    FN(microkernel_get)((int)g->m, vectors, packed)(&t);
    if (g->epilogue != NULL) g->epilogue(g, t.c, t.ldc, 0, j, g->m, cols);
}

bool FN(gemm_without_zeros)(const gemm *g) {
    if (g->m < LEAST_ROWS || g->m > GEMM_MR || g->a_col != 1 || g->b_col != 1 || g->c == NULL || g->accumulate)
        return false;
    /* what is found and packed would have to go to other threads, which takes them as long as it saves */
    if (fnn_threads_for((double)g->m * (double)g->n * (double)g->k) > 1) return false;
    char *memory = fnn_scratch();
    few_rows f = {.g = g};
    if (!FN(zero_inputs_find)(g->a, g->m, g->k, g->a_row_index, memory, &f.inputs)) return false;
    real *packed = (real *)(memory + zero_inputs_bytes(ZERO_INPUTS_MAX));
    const ptrdiff_t count = f.inputs.used_count;
    for (ptrdiff_t r = 0; r < g->m; r++) {
        const real *row = g->a + fnn_row(g->a_row_index, r) * g->a_row;
        for (ptrdiff_t p = 0; p < count; p++) packed[p * g->m + r] = row[f.inputs.used[p]];
    }
    f.packed = packed;
    for (ptrdiff_t j = 0; j < g->n; j += GEMM_NR) tile(&f, j, fnn_min(GEMM_NR, g->n - j));
    return true;
}
