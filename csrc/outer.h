/* The weight gradient of few samples, xᵀ · dout, and what becomes of a gradient. */
#ifndef FASTNN_OUTER_H
#define FASTNN_OUTER_H

#include "kernel.h"
#include "tile.h"
#include "update.h"

/* Where a gradient goes: stored in w, added to w, or spent on an update of w (with its state m, v). */
typedef struct {
    real *w, *m, *v;
    bool accumulate; /* w holds a gradient to add to (not with updates) */
    bool updates, decays;
    update update;
} outer_sink;

/* Spend `count` gradients on the parameters from `offset` on. */
FNN_INLINE void outer_spend(const outer_sink *sink, ptrdiff_t offset, const real *dw, ptrdiff_t count) {
    if (sink->updates) {
        real *m = sink->m == NULL ? NULL : sink->m + offset, *v = sink->v == NULL ? NULL : sink->v + offset;
        update_run(&sink->update, sink->w + offset, m, v, dw, count, sink->decays);
    } else {
        memcpy(sink->w + offset, dw, (size_t)count * sizeof(real));
    }
}

/* Up to this many samples their rows of dout stay in registers while w streams by. */
enum { OUTER_MAX_SAMPLES = TILE_ROWS };

/* x (n, d), dout (n, m) → gradient (d, m), element by element one chain over the samples, as gemm_run makes it. */
void FN(outer_run)(ptrdiff_t n, ptrdiff_t d, ptrdiff_t m, const real *x, const real *dout, const outer_sink *sink);

#endif
