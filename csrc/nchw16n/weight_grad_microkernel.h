/* The microkernel of a convolution's weight gradient in the layout NCHW16n: a tile of filters × taps, one vector each,
 * stays in registers over a list of pixels. Every lane sums on its own; the lanes of an accumulator are added up once,
 * when all pixels are done. What is called a tap here may be any operand of x: Winograd's gradient has channels in its
 * place, and tiles in place of pixels.
 */
#ifndef FASTNN_NCHW16N_WEIGHT_GRAD_MICROKERNEL_H
#define FASTNN_NCHW16N_WEIGHT_GRAD_MICROKERNEL_H

#include "nchw16n/nchw16n.h"
#include "simd/simd_math.h"

#if FNN_VECTOR_REGISTERS == 32
enum { WEIGHT_GRAD_MAX_FILTERS = 4, WEIGHT_GRAD_MAX_TAPS = 10 };
#else
enum { WEIGHT_GRAD_MAX_FILTERS = 3, WEIGHT_GRAD_MAX_TAPS = 8 };
#endif

/* Where a pixel lies in dout, and what a tap reads for it, in elements from the first pixel on. */
typedef struct {
    ptrdiff_t dout, x;
} weight_grad_offset;

typedef struct {
    ptrdiff_t pixels;
    const weight_grad_offset *offsets;
    const real *dout; /* the first filter's plane */
    ptrdiff_t dout_filter_stride;
    const real *x[WEIGHT_GRAD_MAX_TAPS]; /* what each tap reads for the first pixel */
    real *acc[WEIGHT_GRAD_MAX_TAPS];     /* each tap's accumulators: one vector a filter, which are added to */
    ptrdiff_t acc_filter_stride;
    real *bias_acc; /* accumulators of dout itself, one vector a filter; only where the instance has them */
} weight_grad_tile_args;

typedef void (*weight_grad_microkernel)(const weight_grad_tile_args *args);

/* The number of filters of a tile, for so many filters and taps in all, that costs least in multiply-adds, loads and
 * calls. */
int FN(weight_grad_tile_filters)(ptrdiff_t filters, ptrdiff_t taps);
/* The most taps of a tile of so many filters. There are instances for all numbers up to it, 0 too, with bias_acc or
 * without. */
int FN(weight_grad_tile_taps)(int filters);
weight_grad_microkernel FN(weight_grad_microkernel_for)(int filters, int taps, bool bias);

/* dst[i] = the sum of the lanes of vector i of acc (added to dst[i] with `add`), for `count` vectors. */
FNN_INLINE void reduce_lanes(const real *acc, ptrdiff_t count, real *dst, bool add) {
    for (ptrdiff_t i = 0; i < count; i += VL) {
        const ptrdiff_t part = fnn_min(VL, count - i);
        vreal v[VBYTES / sizeof(real)];
        for (ptrdiff_t l = 0; l < VL; l++) v[l] = l < part ? vload(acc + (i + l) * VL) : vset(0);
        vreal sum = vlanes(LANES_SUM, v);
        if (add) sum += vload_part(dst + i, part);
        vstore_part(dst + i, sum, part);
    }
}

/* dst[i] = Σ over the chunks, in their order, of partial[chunk][i] (added to dst[i] with `add`), for i < count. */
FNN_INLINE void reduce_chunks(const real *partial, ptrdiff_t chunk_stride, ptrdiff_t chunks, ptrdiff_t count, real *dst,
                              bool add) {
    for (ptrdiff_t i = 0; i < count; i++) {
        real total = partial[i];
        for (ptrdiff_t c = 1; c < chunks; c++) total += partial[c * chunk_stride + i];
        dst[i] = add ? dst[i] + total : total;
    }
}

#endif
