/* Instances of the register tile for every height and width. */
#include "tile.h"

FNN_INLINE void tile(const tile_task *t, const int rows, const int vectors, const bool packed) {
    const real *restrict a = t->a;
    const real *restrict b = t->b;
    const ptrdiff_t a_row = packed ? 1 : t->a_row, a_col = t->a_col, ldb = t->ldb, ldc = t->ldc;
    const bool whole = t->tail == VL;
    const bool masked = !whole && !t->b_padded;
    real *c = t->c;
    vreal acc[TILE_ROWS][TILE_MAX_VECTORS];

#define COLUMNS(p, j) ((j) == vectors - 1 && !whole ? vload_part((p) + (j)*VL, t->tail) : vload((p) + (j)*VL))
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++) acc[i][j] = t->resume ? COLUMNS(c + i * ldc, j) : vset(0);
    for (ptrdiff_t p = t->k; p > 0; p--) {
        vreal bv[TILE_MAX_VECTORS];
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++)
            bv[j] = j == vectors - 1 && masked ? vload_part(b + j * VL, t->tail) : vload(b + j * VL);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            vreal av = vset(a[i * a_row]);
#pragma GCC unroll 16
            for (int j = 0; j < vectors; j++) acc[i][j] = vfma(av, bv[j], acc[i][j]);
        }
        a += a_col;
        b += ldb;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
#pragma GCC unroll 16
        for (int j = 0; j < vectors; j++) {
            if (t->bias != NULL) acc[i][j] += COLUMNS(t->bias, j);
            if (t->add) acc[i][j] += COLUMNS(c + i * ldc, j);
            if (j == vectors - 1 && !whole)
                vstore_part(c + i * ldc + j * VL, acc[i][j], t->tail);
            else
                vstore(c + i * ldc + j * VL, acc[i][j]);
        }
    }
#undef COLUMNS
}

#define INSTANCE(rows, vectors)                                                                              \
    static void tile_p_##rows##_##vectors(const tile_task *t) { tile(t, rows, vectors, true); }              \
    static void tile_s_##rows##_##vectors(const tile_task *t) { tile(t, rows, vectors, false); }

#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) \
    _(1, 1) _(1, 2) _(1, 4) _(1, 8) _(2, 1) _(2, 2) _(2, 4) _(2, 8) _(3, 1) _(3, 2) _(3, 4) _(3, 8) \
    _(4, 1) _(4, 2) _(4, 4) _(5, 1) _(5, 2) _(5, 4) _(6, 1) _(6, 2) _(6, 4) \
    _(7, 1) _(7, 2) _(8, 1) _(8, 2) _(9, 1) _(9, 2) _(10, 1) _(10, 2) _(11, 1) _(11, 2) _(12, 1) _(12, 2)
#else
#define EACH(_) \
    _(1, 1) _(1, 2) _(1, 4) _(2, 1) _(2, 2) _(2, 4) _(3, 1) _(3, 2) _(3, 4) \
    _(4, 1) _(4, 2) _(5, 1) _(5, 2) _(6, 1) _(6, 2)
#endif

EACH(INSTANCE)

#define ROW(rows, vectors) [rows][vectors] = {tile_s_##rows##_##vectors, tile_p_##rows##_##vectors},
static const tile_fn instances[TILE_ROWS + 1][TILE_MAX_VECTORS + 1][2] = {EACH(ROW)};

tile_fn FN(tile_get)(int rows, int vectors, bool packed) { return instances[rows][vectors][packed]; }
