/* The instances of direct convolution's microkernel, one for each number of filters and of pixels. */
#include "nchw16n/direct_conv_microkernel.h"

#include "simd/instances.h"

FNN_INLINE void conv_tile(const nchw16n_conv_tile_args *args, const int filters, const int pixels) {
    vreal acc[NCHW16N_CONV_MAX_FILTERS][NCHW16N_CONV_MAX_PIXELS];
#pragma GCC unroll 8
    for (int i = 0; i < filters; i++)
#pragma GCC unroll 8
        for (int j = 0; j < pixels; j++)
            acc[i][j] = args->accumulate ? vload(args->out + i * args->out_filter_stride + j * args->out_pixel_stride)
                                         : vset(0);
    const ptrdiff_t x_pixel_stride = args->x_pixel_stride;
    const real *x_channel = args->x, *w_channel = args->w;
    const nchw16n_tap_offset *end = args->offsets + args->taps;
    for (ptrdiff_t c = args->channels; c > 0; c--) {
        for (const nchw16n_tap_offset *tap = args->offsets; tap < end; tap++) {
            const real *x = x_channel + tap->x, *w = w_channel + tap->w * filters;
            vreal xv[NCHW16N_CONV_MAX_PIXELS];
#pragma GCC unroll 8
            for (int j = 0; j < pixels; j++) xv[j] = vload(x + j * x_pixel_stride);
#pragma GCC unroll 8
            for (int i = 0; i < filters; i++) {
                const vreal wv = vset(w[i]);
#pragma GCC unroll 8
                for (int j = 0; j < pixels; j++) acc[i][j] = vfma(wv, xv[j], acc[i][j]);
            }
        }
        x_channel += args->x_channel_stride;
        w_channel += args->w_channel_stride;
    }
    real *out = args->out;
#pragma GCC unroll 8
    for (int i = 0; i < filters; i++) {
        const vreal bias = args->bias == NULL ? vset(0) : vset(args->bias[i]);
#pragma GCC unroll 8
        for (int j = 0; j < pixels; j++) {
            const vreal v = args->bias == NULL ? acc[i][j] : acc[i][j] + bias;
            vstore(out + j * args->out_pixel_stride, args->relu ? vmax(vset(0), v) : v);
        }
        out += args->out_filter_stride;
    }
}

#define INSTANCE(filters, pixels) \
    static void conv_tile_##filters##_##pixels(const nchw16n_conv_tile_args *args) { conv_tile(args, filters, pixels); }

/* As many pixels as leave registers for a weight and for what the pixels read. */
#if FNN_VECTOR_REGISTERS == 32
#define EACH(_) \
    UP_TO_8(_, 1) UP_TO_8(_, 2) UP_TO_7(_, 3) UP_TO_6(_, 4) UP_TO_4(_, 5) UP_TO_4(_, 6) UP_TO_3(_, 7) UP_TO_3(_, 8)
static const int max_pixels[NCHW16N_CONV_MAX_FILTERS + 1] = {0, 8, 8, 7, 6, 4, 4, 3, 3};
#else
#define EACH(_) UP_TO_6(_, 1) UP_TO_4(_, 2) UP_TO_3(_, 3) UP_TO_3(_, 4) UP_TO_2(_, 5) UP_TO_2(_, 6)
static const int max_pixels[NCHW16N_CONV_MAX_FILTERS + 1] = {0, 6, 4, 3, 3, 2, 2};
#endif

EACH(INSTANCE)

#define ROW(filters, pixels) [filters][pixels] = conv_tile_##filters##_##pixels,
static const nchw16n_conv_microkernel instances[NCHW16N_CONV_MAX_FILTERS + 1][NCHW16N_CONV_MAX_PIXELS + 1] = {
    EACH(ROW)};

int FN(nchw16n_conv_tile_pixels)(int filters) { return max_pixels[filters]; }
nchw16n_conv_microkernel FN(nchw16n_conv_microkernel_for)(int filters, int pixels) {
    return instances[filters][pixels];
}
