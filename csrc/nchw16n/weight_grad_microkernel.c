/* Instances of the weight gradient's register tile. */
#include "nchw16n/weight_grad_microkernel.h"

#include "simd/instances.h"

FNN_INLINE void sums(const nchw16n_sums_task *t, const int filters, const int taps, const bool total) {
    vreal acc[SUMS_TAPS][SUMS_FILTERS], all[SUMS_FILTERS];
    const real *x[SUMS_TAPS], *dout[SUMS_FILTERS];
#pragma GCC unroll 10
    for (int j = 0; j < taps; j++) {
        x[j] = t->x[j];
#pragma GCC unroll 4
        for (int i = 0; i < filters; i++) acc[j][i] = vload(t->acc[j] + i * t->acc_filter);
    }
#pragma GCC unroll 4
    for (int i = 0; i < filters; i++) {
        dout[i] = t->dout + i * t->dout_filter;
        if (total) all[i] = vload(t->total + i * VL);
    }
    for (const nchw16n_pixel *pixel = t->pixel, *end = pixel + t->pixels; pixel < end; pixel++) {
        vreal d[SUMS_FILTERS];
#pragma GCC unroll 4
        for (int i = 0; i < filters; i++) {
            d[i] = vload(dout[i] + pixel->dout);
            if (total) all[i] += d[i];
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
        if (total) vstore(t->total + i * VL, all[i]);
#pragma GCC unroll 10
        for (int j = 0; j < taps; j++) vstore(t->acc[j] + i * t->acc_filter, acc[j][i]);
    }
}

#define INSTANCE(filters, taps)                                                                        \
    static void sums_##filters##_##taps(const nchw16n_sums_task *t) { sums(t, filters, taps, false); } \
    static void sums_total_##filters##_##taps(const nchw16n_sums_task *t) { sums(t, filters, taps, true); }

#define FROM_0(_, f, most) _(f, 0) UP_TO_##most(_, f)
#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) FROM_0(_, 1, 10) FROM_0(_, 2, 10) FROM_0(_, 3, 7) FROM_0(_, 4, 6)
static const int most_taps[SUMS_FILTERS + 1] = {0, 10, 10, 7, 6};
#else
#define EACH(_) FROM_0(_, 1, 8) FROM_0(_, 2, 6) FROM_0(_, 3, 4)
static const int most_taps[SUMS_FILTERS + 1] = {0, 8, 6, 4};
#endif

EACH(INSTANCE)

#define ROW(filters, taps) [filters][taps] = {sums_##filters##_##taps, sums_total_##filters##_##taps},
static const nchw16n_sums_fn instances[SUMS_FILTERS + 1][SUMS_TAPS + 1][2] = {EACH(ROW)};

int FN(nchw16n_sums_taps)(int filters) { return most_taps[filters]; }
nchw16n_sums_fn FN(nchw16n_sums_get)(int filters, int taps, bool total) { return instances[filters][taps][total]; }

int FN(nchw16n_sums_filters)(ptrdiff_t filters, ptrdiff_t taps) {
    int best = 1;
    double least = INFINITY;
    for (int n = 1; n <= SUMS_FILTERS; n++) {
        const double blocks = (double)((filters + n - 1) / n);
        const double tiles = fmax(1, (double)((taps + most_taps[n] - 1) / most_taps[n]));
        const double f = (double)filters / blocks, t = (double)taps / tiles;
        const double cost = blocks * tiles * (fmax(f * t, f + t) + 0.3 * (f + t) + 1);
        if (cost < least) {
            least = cost;
            best = n;
        }
    }
    return best;
}
