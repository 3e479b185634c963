/* Instances of the register tile of direct convolution. */
#include "conv/direct.h"

#include "simd/instances.h"

FNN_INLINE void tile(const direct_tile_task *t, const int rows, const int vectors) {
    vreal acc[DIRECT_ROWS][DIRECT_VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++) acc[i][j] = vset(0);
    const real *w = t->weights;
    for (ptrdiff_t p = 0; p < t->taps; p++, w += rows) {
        const real *x = t->x + t->tap[p];
        vreal xv[DIRECT_VECTORS];
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++) xv[j] = vload(x + j * VL);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            const vreal wv = vset(w[i]);
#pragma GCC unroll 8
            for (int j = 0; j < vectors; j++) acc[i][j] = vfma(wv, xv[j], acc[i][j]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++) vstore(t->out + i * t->ld + j * VL, acc[i][j]);
}

#define INSTANCE(rows, vectors) \
    static void tile_##rows##_##vectors(const direct_tile_task *t) { tile(t, rows, vectors); }

#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) UP_TO_8(_, 1) UP_TO_8(_, 2) UP_TO_7(_, 3) UP_TO_6(_, 4)
static const int most_vectors[DIRECT_ROWS + 1] = {0, 8, 8, 7, 6};
#else
#define EACH(_) UP_TO_6(_, 1) UP_TO_4(_, 2) UP_TO_3(_, 3) UP_TO_2(_, 4)
static const int most_vectors[DIRECT_ROWS + 1] = {0, 6, 4, 3, 2};
#endif

EACH(INSTANCE)

#define ROW(rows, vectors) [rows][vectors] = tile_##rows##_##vectors,
static const direct_tile_fn instances[DIRECT_ROWS + 1][DIRECT_VECTORS + 1] = {EACH(ROW)};

int FN(direct_tile_vectors)(int rows) { return most_vectors[rows]; }
direct_tile_fn FN(direct_tile_get)(int rows, int vectors) { return instances[rows][vectors]; }
