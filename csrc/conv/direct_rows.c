/* Copying the lines of a channel. */
#include "conv/direct_rows.h"

/* dst[i] = x[i + shift] where the plane x has that element of the same line, else 0, for `lines` lines from `top` on.
 */
static void shifted(const real *x, ptrdiff_t h, ptrdiff_t w, ptrdiff_t top, ptrdiff_t lines, ptrdiff_t shift,
                    real *dst) {
    const ptrdiff_t edge = shift < 0 ? -shift : shift;
    const ptrdiff_t begin = fnn_min(lines, fnn_max(0, -top)), end = fnn_max(begin, fnn_min(lines, h - top));
    if (edge >= w || begin == end) {
        zero_run(dst, lines * w);
        return;
    }
    zero_run(dst, begin * w);
    zero_run(dst + end * w, (lines - end) * w);
    /* all lines at once; what crosses from line to line is then set right, and nothing is read outside the plane */
    const ptrdiff_t first = (top + begin) * w + shift, last = (top + end) * w + shift;
    const ptrdiff_t from = fnn_max(0, first), to = fnn_min(h * w, last);
    copy_run(dst + begin * w + from - first, x + from, to - from);
    real *column = dst + begin * w + (shift < 0 ? 0 : w - edge);
    for (ptrdiff_t line = begin; line < end; line++, column += w)
        for (ptrdiff_t i = 0; i < edge; i++) column[i] = 0;
}

void FN(conv_lines_pack)(const conv_lines *l, const conv_view *v, const real *x, ptrdiff_t y, ptrdiff_t rows,
                         real *dst) {
    const ptrdiff_t top = l->first + y * v->step_h, lines = (rows - 1) * v->step_h + l->reach + 1;
    if (v->step_h == 1 && v->step_w == 1 && v->w == v->cols) {
        for (ptrdiff_t b = 0; b < v->s; b++)
            shifted(x, v->h, v->w, top, lines, v->col0 + b * v->tap_w, dst + b * l->apart);
        return;
    }
    for (ptrdiff_t phase = 0; phase < l->phases; phase++) {
        real *to = dst + phase * l->deep * v->cols;
        for (ptrdiff_t line = phase; line < lines; line += v->step_h, to += v->cols)
            FN(conv_pack_line)(v, x, top + line, to, l->apart);
    }
}
