/* The register tile of a convolution's weight gradient on images innermost: filters × taps, a vector each, in which
 * every lane sums over a list of pixels; what the lanes hold is added up once, at the end. */
#ifndef FASTNN_NCHW16N_WEIGHT_GRAD_MICROKERNEL_H
#define FASTNN_NCHW16N_WEIGHT_GRAD_MICROKERNEL_H

#include "nchw16n/nchw16n.h"
#include "simd/simd_math.h"

#if FNN_VECTOR_REGISTERS == 32
enum { SUMS_FILTERS = 4, SUMS_TAPS = 10 };
#else
enum { SUMS_FILTERS = 3, SUMS_TAPS = 8 };
#endif

/* Where a pixel lies in dout and what it reads, from the first one, in elements. */
typedef struct {
    ptrdiff_t dout, x;
} nchw16n_pixel;

typedef struct {
    ptrdiff_t pixels;
    const nchw16n_pixel *pixel;
    const real *dout; /* of the first filter */
    ptrdiff_t dout_filter;
    const real *x[SUMS_TAPS]; /* what each tap reads for the first pixel */
    real *acc[SUMS_TAPS];     /* where each tap's sums stand: one vector a filter, acc_filter apart */
    ptrdiff_t acc_filter;
    real *total; /* sums of dout, a vector a filter; or NULL */
} nchw16n_sums_task;

typedef void (*nchw16n_sums_fn)(const nchw16n_sums_task *t);

/* Filters of a tile, where there are so many filters and taps: what costs least in multiply-adds, loads and calls. */
int FN(nchw16n_sums_filters)(ptrdiff_t filters, ptrdiff_t taps);
/* The most taps of a tile of so many filters. */
int FN(nchw16n_sums_taps)(int filters);
/* There are instances for all numbers of taps up to that, 0 too; with sums of dout or without. */
nchw16n_sums_fn FN(nchw16n_sums_get)(int filters, int taps, bool total);

/* Adds up the lanes of `count` vectors, each to one element of dst. */
FNN_INLINE void nchw16n_add_lanes(const real *acc, ptrdiff_t count, real *dst, bool add) {
    for (ptrdiff_t i = 0; i < count; i += VL) {
        const ptrdiff_t part = fnn_min(VL, count - i);
        vreal v[VBYTES / sizeof(real)];
        for (ptrdiff_t l = 0; l < VL; l++) v[l] = l < part ? vload(acc + (i + l) * VL) : vset(0);
        vreal sum = vlanes(LANES_SUM, v);
        if (add) sum += vload_part(dst + i, part);
        vstore_part(dst + i, sum, part);
    }
}

/* Σ over the chunks, in their order, of element i of each, `apart` elements from one to the next, for i < count. */
FNN_INLINE void nchw16n_add_chunks(const real *sums, ptrdiff_t apart, ptrdiff_t chunks, ptrdiff_t count, real *dst,
                                   bool add) {
    for (ptrdiff_t i = 0; i < count; i++) {
        real total = sums[i];
        for (ptrdiff_t c = 1; c < chunks; c++) total += sums[c * apart + i];
        dst[i] = add ? dst[i] + total : total;
    }
}

#endif
