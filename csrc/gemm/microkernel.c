/* The microkernel, with an instance for every height and width of its register tile. */
#include "gemm/microkernel.h"

#include "runtime/input_prefetch.h"

enum { CLAIMED_K = 48 }; /* a shorter chain has no time in which lines could come, and would be longer by the claims */

/* Writes to each line of a row of results long before its results are known. A line that another core has read since it
 * was written can be written again only when that core has given it up, and a core asks for such lines one after the
 * other: stores of a whole tile would wait for each other, those of one row are done when the next row is claimed. A
 * prefetch does not help, because it leaves a line alone that is in the cache. */
FNN_INLINE void claim(real *row, const int vectors, ptrdiff_t tail, bool keeps) {
    volatile real *const place = row;
#pragma GCC unroll 16
    for (int j = 0; j < vectors; j++) place[j * VL] = keeps ? place[j * VL] : 0;
    const ptrdiff_t last = (vectors - 1) * VL + tail - 1;
    place[last] = keeps ? place[last] : 0;
}

/* Adds the products of a column of A and a row of B. */
FNN_INLINE void add_products(vreal acc[GEMM_MR][GEMM_MAX_NR_VECTORS], const real *a, const real *const *from,
                             ptrdiff_t at, const vreal *bv, const int rows, const int vectors, const bool packed) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        const vreal av = vset(packed ? a[i] : from[i][at]);
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++) acc[i][j] = vfma(av, bv[j], acc[i][j]);
    }
}

FNN_INLINE void tile(const microkernel_args *t, const int rows, const int vectors, const bool packed) {
    const real *restrict a = t->a;
    const real *restrict b = t->b;
    const ptrdiff_t a_col = t->a_col, ldb = t->ldb, ldc = t->ldc;
    const real *from[GEMM_MR];
    for (int i = 0; !packed && i < rows; i++) from[i] = a + fnn_row(t->a_row_index, i) * t->a_row;
    ptrdiff_t at = 0; /* grows by a_col in every step; with packed rows `a` grows instead */
    const ptrdiff_t tail = t->tail;
    /* with AVX-512 a mask costs nothing, and one form of every load and store outside the loop is enough */
    const bool whole = VBYTES < 64 && tail == VL;
    const bool masked = tail != VL && !t->b_padded;
    real *c = t->c;
    vreal acc[GEMM_MR][GEMM_MAX_NR_VECTORS];

#define COLUMNS(p, j) ((j) == vectors - 1 && !whole ? vload_part((p) + (j) * VL, tail) : vload((p) + (j) * VL))
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++) acc[i][j] = vset(0);
    if (t->resume) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
            for (int j = 0; j < vectors; j++) acc[i][j] = COLUMNS(c + i * ldc, j);
    }
    const char *prefetch = t->prefetch, *const prefetch_end = prefetch + t->prefetch_lines * FNN_CACHE_LINE;
    const bool claims = t->k >= CLAIMED_K;
    const bool plain = GEMM_PLAIN_LOOP && (!packed || t->a_k_index == NULL) && t->b_k_index == NULL && !masked &&
                       prefetch == prefetch_end;
    for (int i = 0; !claims && i < rows; i++)
        for (int j = 0; j < vectors; j++) __builtin_prefetch(c + i * ldc + j * VL, 1);
    int claimed = 0;
    for (ptrdiff_t p = 0, end; p < t->k;) {
        if (claims) claim(c + claimed * ldc, vectors, tail, t->resume || t->add);
        end = claims && ++claimed < rows ? p + t->k / rows : t->k;
        for (; plain && p < end; p++) {
            vreal bv[GEMM_MAX_NR_VECTORS];
#pragma GCC unroll 16
            for (int j = 0; j < vectors; j++) bv[j] = vload(b + j * VL);
            add_products(acc, a, from, at, bv, rows, vectors, packed);
            if (packed)
                a += a_col;
            else
                at += a_col;
            b += ldb;
        }
        for (; p < end; p++) {
            if (packed && t->a_k_index != NULL) a = t->a + t->a_k_index[p] * a_col;
            if (t->b_k_index != NULL) {
                b = t->b + t->b_k_index[p] * ldb;
                for (int j = 0; j < vectors; j++) __builtin_prefetch(b + (vectors + j) * VL); /* for the next tile */
            }
            if (prefetch < prefetch_end) {
                fnn_prefetch(prefetch);
                prefetch += FNN_CACHE_LINE;
            }
            vreal bv[GEMM_MAX_NR_VECTORS];
#pragma GCC unroll 16
            for (int j = 0; j < vectors; j++)
                bv[j] = j == vectors - 1 && masked ? vload_part(b + j * VL, tail) : vload(b + j * VL);
            add_products(acc, a, from, at, bv, rows, vectors, packed);
            if (packed)
                a += a_col;
            else
                at += a_col;
            b += ldb;
        }
    }
    const real *bias = t->bias;
    if (bias != NULL) {
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++) {
            const vreal column = COLUMNS(bias, j);
#pragma GCC unroll 16
            for (int i = 0; i < rows; i++) acc[i][j] += column;
        }
    }
    if (t->add) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
            for (int j = 0; j < vectors; j++) acc[i][j] += COLUMNS(c + i * ldc, j);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++) {
            if (j == vectors - 1 && !whole)
                vstore_part(c + i * ldc + j * VL, acc[i][j], tail);
            else
                vstore(c + i * ldc + j * VL, acc[i][j]);
        }
    }
#undef COLUMNS
}

#define INSTANCE(rows, vectors)                                                                        \
    static void tile_p_##rows##_##vectors(const microkernel_args *t) { tile(t, rows, vectors, true); } \
    static void tile_s_##rows##_##vectors(const microkernel_args *t) { tile(t, rows, vectors, false); }

#define UP_TO_2(_, rows) _(rows, 1) _(rows, 2)
#define UP_TO_3(_, rows) UP_TO_2(_, rows) _(rows, 3)
#define UP_TO_4(_, rows) UP_TO_3(_, rows) _(rows, 4)
#define UP_TO_8(_, rows) UP_TO_4(_, rows) _(rows, 5) _(rows, 6) _(rows, 7) _(rows, 8)
#if FNN_VECTOR_REGISTERS == 32
#define EACH(_)   \
    UP_TO_8(_, 1) \
    UP_TO_8(_, 2) \
    UP_TO_8(_, 3) \
    UP_TO_4(_, 4) \
    UP_TO_4(_, 5) UP_TO_4(_, 6) UP_TO_3(_, 7) UP_TO_3(_, 8) UP_TO_2(_, 9) UP_TO_2(_, 10) UP_TO_2(_, 11) UP_TO_2(_, 12)
#else
#define EACH(_) UP_TO_4(_, 1) UP_TO_4(_, 2) UP_TO_4(_, 3) UP_TO_3(_, 4) UP_TO_2(_, 5) UP_TO_2(_, 6)
#endif

EACH(INSTANCE)

#define ROW(rows, vectors) [rows][vectors] = {tile_s_##rows##_##vectors, tile_p_##rows##_##vectors},
static const microkernel_fn instances[GEMM_MR + 1][GEMM_MAX_NR_VECTORS + 1][2] = {EACH(ROW)};

microkernel_fn FN(microkernel_get)(int rows, int vectors, bool packed) { return instances[rows][vectors][packed]; }

const int FN(fnn_panel) = GEMM_NR;
