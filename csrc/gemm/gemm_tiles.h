/* The matrix product of gemm/gemm.h in the tile registers of AMX. Both factors are split into parts, bf16 numbers whose
 * sum is the float or nearly so (simd/simd_bf16_parts.h), and products of parts are added up in float.
 *
 * With n parts, numbered from 0, the sum is that of the products of part s of a and part t of b for s + t < n: the
 * others are as small as what the parts leave of a float. An element is the sum of two chains, each from zero, over
 * blocks of TILE_K of the summed dimension (the last one filled up with zeros): the products of the parts 0, and all
 * others, in a block the smaller ones first. An instruction adds a block to a chain, in the order that
 * gemm/tile_registers.h states. Where the first chain is not finite, it is the result: the other one may hold the
 * infinity of both signs then. The addend comes last.
 */
#ifndef FASTNN_GEMM_GEMM_TILES_H
#define FASTNN_GEMM_GEMM_TILES_H

#include "gemm/gemm_problem.h"

/* Whether this product is computed so where tiles are used (fnn_use_tiles): whether it is worth packing. */
bool FN(gemm_tiles_serves)(const gemm *g);

/* Computes columns j … j_end-1 of rows i … i_end-1 of a product that it serves. */
void FN(gemm_tiles_rectangle)(const gemm *g, ptrdiff_t i, ptrdiff_t i_end, ptrdiff_t j, ptrdiff_t j_end);

#endif
