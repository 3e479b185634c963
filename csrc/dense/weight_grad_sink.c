/* Blocks of a weight gradient whose rows are short. */
#include "dense/weight_grad_sink.h"

enum { TOGETHER = 1024 }; /* elements that are updated in one call */

/* `rows` rows of `cols` elements, `ld` apart, to where they are whole vectors, `padded` apart, whose rest is 0. */
FNN_INLINE void bring_together(real *to, ptrdiff_t padded, const real *from, ptrdiff_t ld, ptrdiff_t rows,
                               ptrdiff_t cols) {
    ptrdiff_t c = 0;
    for (; c + VL <= cols; c += VL)
        for (ptrdiff_t r = 0; r < rows; r++) vstore(to + r * padded + c, vload(from + r * ld + c));
    for (ptrdiff_t r = 0; c < cols && r < rows; r++)
        vstore(to + r * padded + c, vload_part(from + r * ld + c, cols - c));
}

/* And back. */
FNN_INLINE void put_back(real *to, ptrdiff_t ld, const real *from, ptrdiff_t padded, ptrdiff_t rows, ptrdiff_t cols) {
    ptrdiff_t c = 0;
    for (; c + VL <= cols; c += VL)
        for (ptrdiff_t r = 0; r < rows; r++) vstore(to + r * ld + c, vload(from + r * padded + c));
    for (ptrdiff_t r = 0; c < cols && r < rows; r++)
        vstore_part(to + r * ld + c, vload(from + r * padded + c), cols - c);
}

void FN(sink_apply_rows)(const weight_grad_sink *sink, ptrdiff_t at, const real *dw, ptrdiff_t ld, ptrdiff_t rows,
                         ptrdiff_t cols) {
    if (ld == cols && sink->ld == cols) { /* one run of memory */
        sink_apply_at(sink, at, dw, rows * cols);
        return;
    }
    const ptrdiff_t padded = sink_whole_vectors(cols), most = TOGETHER / padded;
    if (!sink->updates || (int)sink->update.rule < FNN_CUSTOM || most < 2) {
        for (ptrdiff_t r = 0; r < rows; r++) sink_apply_at(sink, at + r * sink->ld, dw + r * ld, cols);
        return;
    }
    FNN_ALIGNED real run[3][TOGETHER], gradients[TOGETHER];
    real *const kept[] = {sink->w, sink->m, sink->v};
    for (ptrdiff_t count; rows > 0; rows -= count, at += count * sink->ld, dw += count * ld) {
        count = fnn_min(most, rows);
        const real *g = dw;
        if (ld != padded) {
            bring_together(gradients, padded, dw, ld, count, cols);
            g = gradients;
        }
        for (int a = 0; a < 3; a++)
            if (kept[a] != NULL) bring_together(run[a], padded, kept[a] + at, sink->ld, count, cols);
        FN(update_run)(&sink->update, run[0], kept[1] == NULL ? NULL : run[1], kept[2] == NULL ? NULL : run[2], g,
                       count * padded);
        for (int a = 0; a < 3; a++)
            if (kept[a] != NULL) put_back(kept[a] + at, sink->ld, run[a], padded, count, cols);
    }
}
