/* The instances of direct convolution's microkernel, one for each number of rows and of vectors. */
#include "conv/direct_microkernel.h"

#include "simd/instances.h"

FNN_INLINE void conv_tile(const conv_direct_tile_args *args, const int rows, const int vectors) {
    vreal acc[CONV_DIRECT_TILE_ROWS][CONV_DIRECT_TILE_VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vectors; j++) acc[i][j] = vset(0);
    const real *w = args->weights;
    for (ptrdiff_t p = 0; p < args->taps; p++, w += rows) {
        const real *x = args->x + args->offsets[p];
        vreal xv[CONV_DIRECT_TILE_VECTORS];
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
        for (int j = 0; j < vectors; j++) vstore(args->out + i * args->ld + j * VL, acc[i][j]);
}

#define INSTANCE(rows, vectors) \
    static void conv_tile_##rows##_##vectors(const conv_direct_tile_args *args) { conv_tile(args, rows, vectors); }

#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) UP_TO_8(_, 1) UP_TO_8(_, 2) UP_TO_7(_, 3) UP_TO_6(_, 4)
static const int max_vectors[CONV_DIRECT_TILE_ROWS + 1] = {0, 8, 8, 7, 6};
#else
#define EACH(_) UP_TO_6(_, 1) UP_TO_4(_, 2) UP_TO_3(_, 3) UP_TO_2(_, 4)
static const int max_vectors[CONV_DIRECT_TILE_ROWS + 1] = {0, 6, 4, 3, 2};
#endif

EACH(INSTANCE)

#define ROW(rows, vectors) [rows][vectors] = conv_tile_##rows##_##vectors,
static const conv_direct_microkernel instances[CONV_DIRECT_TILE_ROWS + 1][CONV_DIRECT_TILE_VECTORS + 1] = {EACH(ROW)};

int FN(conv_direct_tile_vectors)(int rows) { return max_vectors[rows]; }
conv_direct_microkernel FN(conv_direct_microkernel_for)(int rows, int vectors) { return instances[rows][vectors]; }
