/* Matrix products whose elements are vectors, one lane for each member of a population.
 *
 * C = A B, where A may have scalars for elements, which all members share. An element of C is one chain of fused
 * multiply-adds in the order of the summed dimension, begun at zero. Any strides will do without packing, because an
 * element fills a vector.
 */
#ifndef FASTNN_POPULATION_PRODUCT_H
#define FASTNN_POPULATION_PRODUCT_H

#include "simd/instances.h"
#include "runtime/kernel.h"

#if FNN_VECTOR_REGISTERS == 32
enum { TILE_ROWS = 6, TILE_COLS = 4 };
#define TILE_ROW_COUNTS UP_TO_6
#else
enum { TILE_ROWS = 4, TILE_COLS = 3 };
#define TILE_ROW_COUNTS UP_TO_4
#endif

enum { PACKED_ROWS = 8 * TILE_ROWS, PACKED_DEPTH = 64 }; /* of products whose B is copied */

/* Element (i, k) is at p[i * outer + k * inner]. */
typedef struct {
    const real *p;
    ptrdiff_t outer, inner;
    bool scalars;
} product_operand;

/* A tile of C: element (i, j) is v[i * cols + j], and the tile begins at (row, col) of C. */
typedef struct {
    vreal v[TILE_ROWS * TILE_COLS];
    ptrdiff_t row, col;
    int rows, cols;
} product_tile;

FNN_INLINE void product_tile_of(int rows, int cols, bool scalars, const real *a, ptrdiff_t a_outer, ptrdiff_t a_inner,
                                const real *b, ptrdiff_t b_outer, ptrdiff_t b_inner, ptrdiff_t depth, vreal *out) {
    vreal sum[TILE_ROWS][TILE_COLS];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < cols; j++) sum[i][j] = vset(0);
    for (ptrdiff_t k = 0; k < depth; k++) {
        vreal right[TILE_COLS];
#pragma GCC unroll 4
        for (int j = 0; j < cols; j++) right[j] = vload(b + j * b_outer);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            vreal left = scalars ? vset(a[i * a_outer]) : vload(a + i * a_outer);
            if (cols > 1) left = vopaque(left); /* loaded once, and not by every multiply-add */
#pragma GCC unroll 4
            for (int j = 0; j < cols; j++) sum[i][j] = vfma(left, right[j], sum[i][j]);
        }
        a += a_inner;
        b += b_inner;
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < cols; j++) out[i * cols + j] = sum[i][j];
}

/* Instances for tiles at the edges of C, whose sizes must be constants to stay in registers. */
#define TILE_CASE(cols, rows)                                                                                        \
    case (rows) * 8 + (cols):                                                                                        \
        if (a->scalars)                                                                                              \
            product_tile_of(rows, cols, true, left, a->outer, a->inner, right, b->outer, b->inner, depth, tile->v);  \
        else                                                                                                         \
            product_tile_of(rows, cols, false, left, a->outer, a->inner, right, b->outer, b->inner, depth, tile->v); \
        break;

static __attribute__((noinline)) void product_tile_at(const product_operand *a, const product_operand *b,
                                                      ptrdiff_t depth, product_tile *tile) {
    const real *left = a->p + tile->row * a->outer, *right = b->p;
    switch (tile->rows * 8 + tile->cols) {
        TILE_ROW_COUNTS(TILE_CASE, 1)
        TILE_ROW_COUNTS(TILE_CASE, 2)
        TILE_ROW_COUNTS(TILE_CASE, 3)
#if FNN_VECTOR_REGISTERS == 32
        TILE_ROW_COUNTS(TILE_CASE, 4)
#endif
    }
}

/* Calls `sink` with every tile of C. B is (cols, depth): its `outer` goes along the columns of C.
 *
 * Where many rows of tiles read the same columns of B, these are copied side by side into the thread's workspace: their
 * distance in B is often a power of two, so that they would share a few sets of the cache. */
FNN_INLINE void product(ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t depth, product_operand a, product_operand b,
                        void (*sink)(void *context, const product_tile *tile), void *context) {
    enum { HELD = FNN_SCRATCH_BYTES / VBYTES / TILE_COLS };
    real *held = rows >= PACKED_ROWS && depth >= PACKED_DEPTH && depth <= HELD ? fnn_scratch() : NULL;
    product_tile tile;
    for (tile.col = 0; tile.col < cols; tile.col += TILE_COLS) {
        tile.cols = (int)fnn_min(TILE_COLS, cols - tile.col);
        product_operand right = b;
        right.p = b.p + tile.col * b.outer;
        if (held != NULL) {
            for (ptrdiff_t k = 0; k < depth; k++)
                for (int j = 0; j < tile.cols; j++)
                    vstore(held + (k * TILE_COLS + j) * VL, vload(right.p + j * b.outer + k * b.inner));
            right = (product_operand){held, VL, TILE_COLS * VL, false};
        }
        for (tile.row = 0; tile.row < rows; tile.row += TILE_ROWS) {
            tile.rows = (int)fnn_min(TILE_ROWS, rows - tile.row);
            product_tile_at(&a, &right, depth, &tile);
            sink(context, &tile);
        }
    }
}

#endif
