/* What the algorithms of convolution share: packed weights and the epilogue. */
#include "conv/conv_problem.h"

#include "elementwise/activation.h"
#include "simd/simd_shuffle.h"

void FN(conv_pack_weights)(const conv_problem *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t p,
                           ptrdiff_t count, real *dst) {
    const real *weight = c->weight + group * c->w_group_stride;
    if (c->w_row_stride != 0) {
        for (ptrdiff_t q = p; q < p + count; q++, dst += rows)
            for (ptrdiff_t t = 0; t < rows; t++) dst[t] = weight[(i + t) * c->w_row_stride + q];
        return;
    }
    const ptrdiff_t taps = c->view.r * c->view.s;
    ptrdiff_t f = p / taps, a = p / c->view.s % c->view.r, b = p % c->view.s;
    for (ptrdiff_t q = 0; q < count; q++, dst += rows) {
        const real *src = weight + f * c->filter_stride + i * c->filter_taps +
                          (c->a0 + a * c->a_step) * c->filter_cols + c->b0 + b * c->b_step;
        for (ptrdiff_t t = 0; t < rows; t++) dst[t] = src[t * c->filter_taps];
        if (++b < c->view.s) continue;
        b = 0;
        if (++a < c->view.r) continue;
        a = 0;
        f++;
    }
}

/* out[step i] = from[i]. The elements between are read and written back as they are: no other thread writes between the
 * first and the last element of a run meanwhile. */
static void store_strided(real *out, ptrdiff_t step, const real *from, ptrdiff_t count) {
    ptrdiff_t i = 0;
    for (; step == 2 && i + VL < count; i += VL) {
        real *p = out + 2 * i;
        const vreal x = vload(from + i), between = VSHUFFLE(vload(p), vload(p + VL), ODD_LANES);
        vstore(p, VSHUFFLE(x, between, INTERLEAVE_LOW));
        vstore(p + VL, VSHUFFLE(x, between, INTERLEAVE_HIGH));
    }
    for (; i < count; i++) out[i * step] = from[i];
}

enum { MAX_RUN = 256 }; /* pixels that are multiplied with the activation's derivative at a time */

void FN(conv_epilogue)(const conv_problem *c, ptrdiff_t group, ptrdiff_t i, ptrdiff_t rows, ptrdiff_t j, ptrdiff_t cols,
                       real *results, ptrdiff_t ld) {
    if (c->bias != NULL)
        for (ptrdiff_t t = 0; t < rows; t++) {
            const vreal b = vset(c->bias[group * c->m + i + t]);
            real *p = results + t * ld;
            for (ptrdiff_t v = 0; v < cols; v += VL) vstore(p + v, vload(p + v) + b);
        }
    if (c->activated == NULL) FN(activate_block)(c->kind, c->alpha, results, ld, rows, cols);
    const ptrdiff_t plane = c->view.rows * c->view.cols;
    /* the pixels of an image follow each other in out as they are numbered */
    const bool contiguous = c->out_step_h == 1 && c->out_step_w == 1 && c->out_w == c->view.cols;
    for (ptrdiff_t done = 0; done < cols;) {
        pixel_run run = pixel_run_at(&c->view, j + done, fnn_min(MAX_RUN, cols - done));
        if (contiguous) run.count = fnn_min(cols - done, plane - (j + done) % plane);
        const ptrdiff_t at = run.image * c->out_image_stride + (group * c->m + i) * c->out_plane_stride +
                             (run.y * c->out_step_h + c->out_row0) * c->out_w + run.x * c->out_step_w + c->out_col0;
        for (ptrdiff_t t = 0; t < rows; t++) {
            real *from = results + t * ld + done, *out = c->out + at + t * c->out_plane_stride;
            const real *activated = c->activated == NULL ? NULL : c->activated + at + t * c->out_plane_stride;
            real strided[MAX_RUN];
            if (activated != NULL && c->out_step_w != 1) {
                for (ptrdiff_t v = 0; v < run.count; v++) strided[v] = activated[v * c->out_step_w];
                activated = strided;
            }
            if (activated != NULL) FN(activate_grad_block)(c->kind, c->alpha, from, 0, activated, 0, 1, run.count);
            if (c->out_step_w == 1)
                copy_run(out, from, run.count);
            else
                store_strided(out, c->out_step_w, from, run.count);
        }
        done += run.count;
    }
}
