/* Copying blocks of windows: a run of windows under one tap is a run of pixels. */
#include "conv_pack.h"

/* `count` pixels of a line of w, from pixel `first` on, `step` apart; zero outside. */
FNN_INLINE void line_run(real *dst, const real *line, ptrdiff_t w, ptrdiff_t first, ptrdiff_t step, ptrdiff_t count) {
    const conv_range in = conv_inside(first, step, w, count);
    if (in.begin == 0 && in.end == count) {
        if (step == 1) {
            copy_run(dst, line + first, count);
        } else {
            for (ptrdiff_t i = 0; i < count; i++) dst[i] = line[first + i * step];
        }
        return;
    }
    zero_run(dst, count);
    for (ptrdiff_t i = in.begin; i < in.end; i++) dst[i] = line[first + i * step];
}

void FN(conv_pack_run)(const conv_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, conv_run run, real *dst,
                       ptrdiff_t ld) {
    const ptrdiff_t top = run.y * v->step_h + v->row0, left = run.x * v->step_w + v->col0;
    ptrdiff_t c = k / (v->r * v->s), a = k / v->s % v->r, b = k % v->s;
    for (ptrdiff_t p = 0; p < kc;) {
        const ptrdiff_t row = top + a * v->tap_h, taps = fnn_min(v->s - b, kc - p);
        if (row < 0 || row >= v->h) {
            for (ptrdiff_t t = 0; t < taps; t++) zero_run(dst + (p + t) * ld, run.count);
        } else {
            const real *line = x + c * v->channel + row * v->w;
            for (ptrdiff_t t = 0; t < taps; t++)
                line_run(dst + (p + t) * ld, line, v->w, left + (b + t) * v->tap_w, v->step_w, run.count);
        }
        p += taps;
        b = 0;
        if (++a == v->r) {
            a = 0;
            c++;
        }
    }
}

void FN(conv_pack)(const conv_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, ptrdiff_t j, ptrdiff_t cols, real *dst,
                   ptrdiff_t ld) {
    const ptrdiff_t last = cols / VL * VL;
    if (last < cols)
        for (ptrdiff_t p = 0; p < kc; p++) vstore(dst + p * ld + last, vset(0));
    for (ptrdiff_t done = 0; done < cols;) {
        const conv_run run = conv_run_at(v, j + done, cols - done);
        FN(conv_pack_run)(v, x + run.image * v->image, k, kc, run, dst + done, ld);
        done += run.count;
    }
}
