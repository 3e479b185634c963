/* A block of results of a product in the tile registers of AMX, two tiles high and wide, from factors that lie in tiles
 * of all their parts. gemm/gemm_tiles.h has the order of its sums. */
#ifndef FASTNN_GEMM_TILE_BLOCK_H
#define FASTNN_GEMM_TILE_BLOCK_H

#include "gemm/microkernel.h"
#include "gemm/tile_registers.h"

#if FNN_WITH_BF16_PARTS

enum { TILE_BLOCK_ROWS = 2 * TILE_ROWS }; /* and columns */

/* Up to 16 lines of a factor, rows of A or columns of B. Every GEMM_NR of them, and every GEMM_NR products of each, may
 * be in a panel of their own. */
typedef struct {
    const real *at;
    ptrdiff_t count;                        /* of lines; 16 are packed, the others as zeros */
    ptrdiff_t line;                         /* from line to line */
    ptrdiff_t lines;                        /* from GEMM_NR lines to the next */
    ptrdiff_t step;                         /* from product to product; this or the distance of lines is 1 */
    ptrdiff_t steps;                        /* from GEMM_NR products to the next */
    ptrdiff_t k;                            /* products */
    const int64_t *line_index, *step_index; /* by which lines, or products, are read; or NULL */
} tile_lines;

/* Packs a panel: the tiles of 16 lines, for each TILE_K products one tile of each part. Their rows are lines, as those
 * of A have to be, or pairs of products, as those of B. */
void FN(tile_panel)(char *dst, const tile_lines *l, int parts, bool rows_are_lines);

typedef struct {
    const char *a, *b;  /* two panels of 16 rows, and of 16 columns */
    ptrdiff_t panel;    /* bytes from panel to panel */
    ptrdiff_t k_blocks; /* tiles of each part in a panel */
    int parts;
} tile_block_factors;

/* c (TILE_BLOCK_ROWS, TILE_BLOCK_ROWS), rows ldc apart, = the product of both panels. */
void FN(tile_block)(const tile_block_factors *t, real *c, ptrdiff_t ldc);

#endif
#endif
