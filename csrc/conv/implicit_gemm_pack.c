/* Copying blocks of windows: a run of windows under one tap is a run of pixels. */
#include "conv/implicit_gemm_pack.h"
#include "pooling/pool_window.h"

/* `count` pixels of a line of w, from pixel `first` on, `step` apart; zero outside. */
FNN_INLINE void line_run(real *dst, const real *line, ptrdiff_t w, ptrdiff_t first, ptrdiff_t step, ptrdiff_t count) {
    const conv_range in = conv_inside(first, step, w, count);
    zero_run(dst, in.begin);
    zero_run(dst + in.end, count - in.end);
    if (step == 1) {
        copy_run(dst + in.begin, line + first + in.begin, in.end - in.begin);
        return;
    }
    ptrdiff_t i = in.begin;
    if (step == 2) {
        for (; i + VL < in.end; i += VL) vstore(dst + i, load_strided(line + first + i * step, step, VL + 1));
        if (i < in.end) vstore_part(dst + i, load_strided(line + first + i * step, step, in.end - i), in.end - i);
        return;
    }
    for (; i < in.end; i++) dst[i] = line[first + i * step];
}

enum { LINE_ELEMENTS = 2048 };

/* The runs of `taps` taps of one line, the first at pixel `first`. Where windows lie several pixels apart, the pixels
 * that taps share are read once and taken apart by their place in the step: so each tap's run lies whole. */
FNN_INLINE void line_taps(const conv_view *v, const real *line, ptrdiff_t first, ptrdiff_t taps, ptrdiff_t count,
                          real *dst, ptrdiff_t ld) {
    real apart[LINE_ELEMENTS];
    const ptrdiff_t step = v->step_w, tap = v->tap_w, reach = (taps - 1) * tap, length = count + reach / step;
    if (step == 1) { /* a constant: no divisions */
        for (ptrdiff_t t = 0; t < taps; t++) line_run(dst + t * ld, line, v->w, first + t * tap, 1, count);
    } else if (step == 2) { /* vectors take every second pixel */
        for (ptrdiff_t t = 0; t < taps; t++) line_run(dst + t * ld, line, v->w, first + t * tap, 2, count);
    } else if (taps == 1 || step * length > LINE_ELEMENTS) {
        for (ptrdiff_t t = 0; t < taps; t++) line_run(dst + t * ld, line, v->w, first + t * tap, step, count);
    } else {
        for (ptrdiff_t phase = 0; phase < fnn_min(step, reach + 1); phase++)
            line_run(apart + phase * length, line, v->w, first + phase, step, length);
        for (ptrdiff_t t = 0; t < taps; t++)
            copy_run(dst + t * ld, apart + t * tap % step * length + t * tap / step, count);
    }
}

/* `taps` taps from number b on of line `row`, which may lie outside the channel x, for windows from column `at` on. */
FNN_INLINE void line_at(const conv_view *v, const real *x, ptrdiff_t row, ptrdiff_t b, ptrdiff_t taps, ptrdiff_t at,
                        ptrdiff_t count, real *dst, ptrdiff_t ld) {
    if (row < 0 || row >= v->h)
        for (ptrdiff_t t = 0; t < taps; t++) zero_run(dst + t * ld, count);
    else
        line_taps(v, x + row * v->w, at * v->step_w + v->col0 + b * v->tap_w, taps, count, dst, ld);
}

void FN(conv_pack_line)(const conv_view *v, const real *x, ptrdiff_t row, real *dst, ptrdiff_t ld) {
    line_at(v, x, row, 0, v->s, 0, v->cols, dst, ld);
}

void FN(conv_pack_run)(const conv_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, conv_run run, real *dst,
                       ptrdiff_t ld) {
    const ptrdiff_t top = run.y * v->step_h + v->row0;
    ptrdiff_t c = k / (v->r * v->s), a = k / v->s % v->r, b = k % v->s;
    for (ptrdiff_t p = 0; p < kc;) {
        const ptrdiff_t taps = fnn_min(v->s - b, kc - p);
        line_at(v, x + c * v->channel, top + a * v->tap_h, b, taps, run.x, run.count, dst + p * ld, ld);
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
