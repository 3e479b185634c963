/* Instances of the direct convolution's register tile. */
#include "nchw16n/direct_conv_microkernel.h"

#include "simd/instances.h"

FNN_INLINE void tile(const nchw16n_tile_task *t, const int filters, const int pixels) {
    vreal acc[NCHW16N_MAX_FILTERS][NCHW16N_MAX_PIXELS];
#pragma GCC unroll 8
    for (int i = 0; i < filters; i++)
#pragma GCC unroll 8
        for (int j = 0; j < pixels; j++)
            acc[i][j] = t->goes_on ? vload(t->out + i * t->out_filter + j * t->out_pixel) : vset(0);
    const ptrdiff_t x_pixel = t->x_pixel;
    const real *x_channel = t->x, *w_channel = t->w;
    const nchw16n_tap *end = t->tap + t->taps;
    for (ptrdiff_t c = t->channels; c > 0; c--) {
        for (const nchw16n_tap *tap = t->tap; tap < end; tap++) {
            const real *x = x_channel + tap->x, *w = w_channel + tap->w * filters;
            vreal xv[NCHW16N_MAX_PIXELS];
#pragma GCC unroll 8
            for (int j = 0; j < pixels; j++) xv[j] = vload(x + j * x_pixel);
#pragma GCC unroll 8
            for (int i = 0; i < filters; i++) {
                const vreal wv = vset(w[i]);
#pragma GCC unroll 8
                for (int j = 0; j < pixels; j++) acc[i][j] = vfma(wv, xv[j], acc[i][j]);
            }
        }
        x_channel += t->x_channel;
        w_channel += t->w_channel;
    }
    real *out = t->out;
#pragma GCC unroll 8
    for (int i = 0; i < filters; i++) {
        const vreal b = t->bias == NULL ? vset(0) : vset(t->bias[i]);
#pragma GCC unroll 8
        for (int j = 0; j < pixels; j++) {
            vreal v = t->bias == NULL ? acc[i][j] : acc[i][j] + b;
            vstore(out + j * t->out_pixel, t->relu ? vmax(vset(0), v) : v);
        }
        out += t->out_filter;
    }
}

#define INSTANCE(filters, pixels) \
    static void tile_##filters##_##pixels(const nchw16n_tile_task *t) { tile(t, filters, pixels); }

#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) \
    UP_TO_8(_, 1) UP_TO_8(_, 2) UP_TO_7(_, 3) UP_TO_6(_, 4) UP_TO_4(_, 5) UP_TO_4(_, 6) UP_TO_3(_, 7) UP_TO_3(_, 8)
static const int most_pixels[NCHW16N_MAX_FILTERS + 1] = {0, 8, 8, 7, 6, 4, 4, 3, 3};
#else
#define EACH(_) UP_TO_6(_, 1) UP_TO_4(_, 2) UP_TO_3(_, 3) UP_TO_3(_, 4) UP_TO_2(_, 5) UP_TO_2(_, 6)
static const int most_pixels[NCHW16N_MAX_FILTERS + 1] = {0, 6, 4, 3, 3, 2, 2};
#endif

EACH(INSTANCE)

#define ROW(filters, pixels) [filters][pixels] = tile_##filters##_##pixels,
static const nchw16n_tile_fn instances[NCHW16N_MAX_FILTERS + 1][NCHW16N_MAX_PIXELS + 1] = {EACH(ROW)};

int FN(nchw16n_tile_pixels)(int filters) { return most_pixels[filters]; }
nchw16n_tile_fn FN(nchw16n_tile_get)(int filters, int pixels) { return instances[filters][pixels]; }
