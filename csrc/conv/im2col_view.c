/* Copying blocks of the im2col matrix: what one tap reads for a run of output pixels is a run of input pixels. */
#include "conv/im2col_view.h"
#include "pooling/pool_window.h"

/* `count` pixels of an input row of w, the first at column `first`, the others `step` columns apart; zero outside. */
FNN_INLINE void pack_tap(real *dst, const real *row, ptrdiff_t w, ptrdiff_t first, ptrdiff_t step, ptrdiff_t count) {
    const pixel_range in = pixels_inside(first, step, w, count);
    zero_run(dst, in.begin);
    zero_run(dst + in.end, count - in.end);
    if (step == 1) {
        copy_run(dst + in.begin, row + first + in.begin, in.end - in.begin);
        return;
    }
    ptrdiff_t i = in.begin;
    if (step == 2) {
        for (; i + VL < in.end; i += VL) vstore(dst + i, load_strided(row + first + i * step, step, VL + 1));
        if (i < in.end) vstore_part(dst + i, load_strided(row + first + i * step, step, in.end - i), in.end - i);
        return;
    }
    for (; i < in.end; i++) dst[i] = row[first + i * step];
}

enum { PHASE_ELEMENTS = 2048 };

/* dst[tap][pixel] for `taps` taps of one input row, whose first tap's first pixel is at column `first`. Where output
 * pixels are more than two columns apart, the pixels that several taps read are read once and sorted by their phase,
 * the column modulo the step: in that order what each tap reads is one run. */
FNN_INLINE void pack_taps(const im2col_view *v, const real *row, ptrdiff_t first, ptrdiff_t taps, ptrdiff_t count,
                          real *dst, ptrdiff_t ld) {
    real phases[PHASE_ELEMENTS];
    const ptrdiff_t step = v->step_w, tap = v->tap_w, reach = (taps - 1) * tap, length = count + reach / step;
    if (step == 1) { /* a constant: no divisions */
        for (ptrdiff_t t = 0; t < taps; t++) pack_tap(dst + t * ld, row, v->w, first + t * tap, 1, count);
    } else if (step == 2) { /* vectors take every second pixel */
        for (ptrdiff_t t = 0; t < taps; t++) pack_tap(dst + t * ld, row, v->w, first + t * tap, 2, count);
    } else if (taps == 1 || step * length > PHASE_ELEMENTS) {
        for (ptrdiff_t t = 0; t < taps; t++) pack_tap(dst + t * ld, row, v->w, first + t * tap, step, count);
    } else {
        for (ptrdiff_t phase = 0; phase < fnn_min(step, reach + 1); phase++)
            pack_tap(phases + phase * length, row, v->w, first + phase, step, length);
        for (ptrdiff_t t = 0; t < taps; t++)
            copy_run(dst + t * ld, phases + t * tap % step * length + t * tap / step, count);
    }
}

/* The same for taps b … b+taps-1 of input row `row` of the channel x, which may lie outside the image, and the output
 * pixels from column `at` on. */
FNN_INLINE void pack_row_taps(const im2col_view *v, const real *x, ptrdiff_t row, ptrdiff_t b, ptrdiff_t taps,
                              ptrdiff_t at, ptrdiff_t count, real *dst, ptrdiff_t ld) {
    if (row < 0 || row >= v->h)
        for (ptrdiff_t t = 0; t < taps; t++) zero_run(dst + t * ld, count);
    else
        pack_taps(v, x + row * v->w, at * v->step_w + v->col0 + b * v->tap_w, taps, count, dst, ld);
}

void FN(im2col_pack_row)(const im2col_view *v, const real *x, ptrdiff_t row, real *dst, ptrdiff_t ld) {
    pack_row_taps(v, x, row, 0, v->s, 0, v->cols, dst, ld);
}

void FN(im2col_pack_run)(const im2col_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, pixel_run run, real *dst,
                         ptrdiff_t ld) {
    const ptrdiff_t top = run.y * v->step_h + v->row0;
    ptrdiff_t c = k / (v->r * v->s), a = k / v->s % v->r, b = k % v->s;
    for (ptrdiff_t p = 0; p < kc;) {
        const ptrdiff_t taps = fnn_min(v->s - b, kc - p);
        pack_row_taps(v, x + c * v->channel_stride, top + a * v->tap_h, b, taps, run.x, run.count, dst + p * ld, ld);
        p += taps;
        b = 0;
        if (++a == v->r) {
            a = 0;
            c++;
        }
    }
}

void FN(im2col_pack)(const im2col_view *v, const real *x, ptrdiff_t k, ptrdiff_t kc, ptrdiff_t j, ptrdiff_t cols,
                     real *dst, ptrdiff_t ld) {
    const ptrdiff_t last = cols / VL * VL;
    if (last < cols)
        for (ptrdiff_t p = 0; p < kc; p++) vstore(dst + p * ld + last, vset(0));
    for (ptrdiff_t done = 0; done < cols;) {
        const pixel_run run = pixel_run_at(v, j + done, cols - done);
        FN(im2col_pack_run)(v, x + run.image * v->image_stride, k, kc, run, dst + done, ld);
        done += run.count;
    }
}
