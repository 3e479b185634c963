/* The instances of the weight gradient's microkernel, one for each number of filters and of taps. */
#include "nchw16n/weight_grad_microkernel.h"

#include "simd/instances.h"

FNN_INLINE void weight_grad_tile(const weight_grad_tile_args *args, const int filters, const int taps,
                                 const bool bias) {
    vreal acc[WEIGHT_GRAD_MAX_TAPS][WEIGHT_GRAD_MAX_FILTERS], bias_acc[WEIGHT_GRAD_MAX_FILTERS];
    const real *x[WEIGHT_GRAD_MAX_TAPS], *dout[WEIGHT_GRAD_MAX_FILTERS];
#pragma GCC unroll 10
    for (int j = 0; j < taps; j++) {
        x[j] = args->x[j];
#pragma GCC unroll 4
        for (int i = 0; i < filters; i++) acc[j][i] = vload(args->acc[j] + i * args->acc_filter_stride);
    }
#pragma GCC unroll 4
    for (int i = 0; i < filters; i++) {
        dout[i] = args->dout + i * args->dout_filter_stride;
        if (bias) bias_acc[i] = vload(args->bias_acc + i * VL);
    }
    for (const weight_grad_offset *pixel = args->offsets, *end = pixel + args->pixels; pixel < end; pixel++) {
        vreal d[WEIGHT_GRAD_MAX_FILTERS];
#pragma GCC unroll 4
        for (int i = 0; i < filters; i++) {
            d[i] = vload(dout[i] + pixel->dout);
            if (bias) bias_acc[i] += d[i];
        }
#pragma GCC unroll 10
        for (int j = 0; j < taps; j++) {
            const vreal xv = vload(x[j] + pixel->x);
#pragma GCC unroll 4
            for (int i = 0; i < filters; i++) acc[j][i] = vfma(xv, d[i], acc[j][i]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < filters; i++) {
        if (bias) vstore(args->bias_acc + i * VL, bias_acc[i]);
#pragma GCC unroll 10
        for (int j = 0; j < taps; j++) vstore(args->acc[j] + i * args->acc_filter_stride, acc[j][i]);
    }
}

#define INSTANCE(filters, taps)                                                               \
    static void weight_grad_tile_##filters##_##taps(const weight_grad_tile_args *args) {      \
        weight_grad_tile(args, filters, taps, false);                                         \
    }                                                                                         \
    static void weight_grad_bias_tile_##filters##_##taps(const weight_grad_tile_args *args) { \
        weight_grad_tile(args, filters, taps, true);                                          \
    }

#define FROM_0(_, filters, most) _(filters, 0) UP_TO_##most(_, filters)
#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) FROM_0(_, 1, 10) FROM_0(_, 2, 10) FROM_0(_, 3, 7) FROM_0(_, 4, 6)
static const int max_taps[WEIGHT_GRAD_MAX_FILTERS + 1] = {0, 10, 10, 7, 6};
#else
#define EACH(_) FROM_0(_, 1, 8) FROM_0(_, 2, 6) FROM_0(_, 3, 4)
static const int max_taps[WEIGHT_GRAD_MAX_FILTERS + 1] = {0, 8, 6, 4};
#endif

EACH(INSTANCE)

#define ROW(filters, taps) \
    [filters][taps] = {weight_grad_tile_##filters##_##taps, weight_grad_bias_tile_##filters##_##taps},
static const weight_grad_microkernel instances[WEIGHT_GRAD_MAX_FILTERS + 1][WEIGHT_GRAD_MAX_TAPS + 1][2] = {EACH(ROW)};

int FN(weight_grad_tile_taps)(int filters) { return max_taps[filters]; }
weight_grad_microkernel FN(weight_grad_microkernel_for)(int filters, int taps, bool bias) {
    return instances[filters][taps][bias];
}

int FN(weight_grad_tile_filters)(ptrdiff_t filters, ptrdiff_t taps) {
    int best = 1;
    double least = INFINITY;
    for (int n = 1; n <= WEIGHT_GRAD_MAX_FILTERS; n++) {
        const double filter_tiles = (double)((filters + n - 1) / n);
        const double tap_tiles = fmax(1, (double)((taps + max_taps[n] - 1) / max_taps[n]));
        const double f = (double)filters / filter_tiles,
                     t = (double)taps / tap_tiles; /* filters and taps of an average tile */
        const double cost = filter_tiles * tap_tiles * (fmax(f * t, f + t) + 0.3 * (f + t) + 1);
        if (cost < least) {
            least = cost;
            best = n;
        }
    }
    return best;
}
