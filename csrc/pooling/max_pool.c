/* The largest cell of each window of a plane, and the gradient with respect to it.
 *
 * A row of windows stays in the first-level cache while one cell number of all its windows is compared after another;
 * neighbouring windows are neighbouring lanes. A cell wins over the best one so far if !(cell <= best), which holds for
 * a NaN, unless the best is NaN already.
 */
#include "simd/simd_bytes.h"
#include "pooling/argmax4.h"
#include "pooling/pool_window.h"

enum { CHUNK = 256, TASK_CELLS = 16384, MAX_NUMBERED = 256 };

typedef struct {
    const fnn_op *op;
    windows g;
    fnn_partition partition;
} run;

typedef struct {
    uint8_t *bytes; /* one of the two is set, or neither */
    int32_t *words;
} argmax_array;

FNN_INLINE argmax_array argmax_at(const fnn_op *op, int array, ptrdiff_t at) {
    if (op->p[array] == NULL) return (argmax_array){NULL, NULL};
    return op->type[array] == FNN_U8 ? (argmax_array){(uint8_t *)op->p[array] + at, NULL}
                                     : (argmax_array){NULL, (int32_t *)op->p[array] + at};
}

/* --- forward --- */

/* With `last` no window stands behind these, so that whole vectors may be written. (Loading a vector that was written
 * in part would have to wait for the cache.) */
static void step_over(const real *x, ptrdiff_t stride, real *best, rint_t *argmax, rint_t number, ptrdiff_t count,
                      bool last) {
    const vint numbers = (vint){0} + number;
    for (ptrdiff_t j = 0; j < count; j += VL) {
        const ptrdiff_t left = count - j;
        const vreal value = load_strided(x + j * stride, stride, left), old = vload(best + j);
        const vint wins = (~(value <= old)) & (old == old);
        const vreal at = vload((const real *)(argmax + j));
        const vreal largest = vselect(wins, value, old), where = vselect(wins, (vreal)numbers, at);
        if (last || left >= VL) {
            vstore(best + j, largest);
            vstore((real *)(argmax + j), where);
        } else {
            vstore_part(best + j, largest, left);
            vstore_part((real *)(argmax + j), where, left);
        }
    }
}

static void windows_of_row(const windows *g, const real *x, ptrdiff_t i, ptrdiff_t first, ptrdiff_t last, real *best,
                           rint_t *argmax) {
    const span rows = window_row_range(g, i);
    for (ptrdiff_t j = first; j < last; j++) {
        best[j - first] = (real)-INFINITY;
        argmax[j - first] = (rint_t)(rows.begin * g->size_w + fnn_max(0, g->pad_w - j * g->stride_w));
    }
    for (ptrdiff_t r = rows.begin; r < rows.end; r++)
        for (ptrdiff_t s = 0; s < g->size_w; s++) {
            const span at = window_column_range(g, s, first, last);
            if (at.begin >= at.end) continue;
            const real *cells = x + (i * g->stride_h - g->pad_h + r) * g->w + at.begin * g->stride_w - g->pad_w + s;
            step_over(cells, g->stride_w, best + at.begin - first, argmax + at.begin - first,
                      (rint_t)(r * g->size_w + s), at.end - at.begin, at.end == last);
        }
}

static void any_plane(const windows *g, const real *x, real *out, argmax_array to) {
    real best[CHUNK + VBYTES];
    rint_t argmax[CHUNK + VBYTES];
    for (ptrdiff_t i = 0; i < g->p; i++)
        for (ptrdiff_t first = 0; first < g->q; first += CHUNK) {
            const ptrdiff_t last = fnn_min(g->q, first + CHUNK), at = i * g->q + first, count = last - first;
            windows_of_row(g, x, i, first, last, best, argmax);
            memcpy(out + at, best, (size_t)count * sizeof(real));
            if (to.bytes != NULL)
                for (ptrdiff_t j = 0; j < count; j++) to.bytes[at + j] = (uint8_t)argmax[j];
            if (to.words != NULL)
                for (ptrdiff_t j = 0; j < count; j++) to.words[at + j] = (int32_t)argmax[j];
        }
}

static void image_plane(ptrdiff_t count, const real *x, real *out, argmax_array to) {
    real best = (real)-INFINITY;
    ptrdiff_t argmax = 0;
    vreal lanes = vset(best);
    unsigned strange = 0;
    ptrdiff_t j = 0;
    for (; j + VL <= count; j += VL) {
        const vreal value = vload(x + j);
        strange |= ~vequal_bits(value, value);
        lanes = vmax(value, lanes);
    }
    for (ptrdiff_t i = 0; i < VL; i++) best = lanes[i] > best ? lanes[i] : best;
    strange &= (1u << VL) - 1;
    for (; j < count; j++) {
        best = x[j] > best ? x[j] : best;
        strange |= x[j] != x[j];
    }
    if (strange) {
        while (x[argmax] == x[argmax]) argmax++;
    } else {
        while (x[argmax] != best) argmax++;
    }
    *out = x[argmax];
    if (to.bytes != NULL) *to.bytes = (uint8_t)argmax;
    if (to.words != NULL) *to.words = (int32_t)argmax;
}

FNN_INLINE void quarters(const real *top, const real *bottom, ptrdiff_t cells, bool whole, vreal *best, vint *argmax) {
    vreal cell[4];
    for (int r = 0; r < 2; r++) {
        const real *x = r == 0 ? top : bottom;
        const vreal low = whole ? vload(x) : vload_part(x, fnn_min(VL, cells));
        const vreal high = whole ? vload(x + VL) : vload_part(x + VL, fnn_max(0, cells - VL));
        const vreal held = vopaque(low), behind = vopaque(high);
        cell[2 * r] = VSHUFFLE(held, behind, EVEN_LANES);
        cell[2 * r + 1] = VSHUFFLE(held, behind, ODD_LANES);
    }
    *best = vargmax4(cell, argmax);
}

/* Computes row i of a plane's windows. With `whole`, cells may be read and windows written beyond the end of the row.
 */
FNN_INLINE void quarter_row(const real *x, real *out, uint8_t *bytes, ptrdiff_t q, ptrdiff_t w, const bool whole) {
    for (ptrdiff_t j = 0; j < q; j += VL) {
        const ptrdiff_t count = fnn_min(VL, q - j);
        vreal best;
        vint argmax;
        quarters(x + 2 * j, x + w + 2 * j, 2 * count, whole, &best, &argmax);
        if (whole) {
            vstore(out + j, best);
            if (bytes != NULL) vstore_bytes(bytes + j, argmax);
        } else {
            vstore_part(out + j, best, count);
            if (bytes != NULL) vstore_bytes_part(bytes + j, argmax, count);
        }
    }
}

/* `room` is the number of planes, counted from x and out, whose cells this call may read and whose windows it may write
 * more than once, since writing beyond the end of a row writes the beginning of the next. */
static void quarter_plane(const windows *g, const real *x, real *out, uint8_t *bytes, ptrdiff_t room) {
    const ptrdiff_t p = g->p, q = g->q, w = g->w, wide = (q + VL - 1) / VL * VL;
    const ptrdiff_t cells = room * g->h * w - w - 2 * wide, argmax_array = room * p * q - wide;
    ptrdiff_t i = 0;
    for (; i < p && 2 * i * w <= cells && i * q <= argmax_array; i++)
        quarter_row(x + 2 * i * w, out + i * q, bytes == NULL ? NULL : bytes + i * q, q, w, true);
    for (; i < p; i++) quarter_row(x + 2 * i * w, out + i * q, bytes == NULL ? NULL : bytes + i * q, q, w, false);
}

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const windows *g = &r->g;
    const ptrdiff_t image = g->h * g->w, plane = g->p * g->q, end = fnn_task_end(&r->partition, task);
    const bool quarter = pool_is_2x2(g) && (op->p[2] == NULL || op->type[2] == FNN_U8);
    for (ptrdiff_t k = fnn_task_begin(&r->partition, task); k < end; k++) {
        const argmax_array to = argmax_at(op, 2, k * plane);
        if (quarter) {
            quarter_plane(g, IN(0) + k * image, OUT(1) + k * plane, to.bytes, end - k);
        } else if (pool_is_global(g)) {
            image_plane(image, IN(0) + k * image, OUT(1) + k * plane, to);
        } else {
            any_plane(g, IN(0) + k * image, OUT(1) + k * plane, to);
        }
    }
}

/* --- backward --- */

static void back_any_plane(const windows *g, const ptrdiff_t *offset, const real *dout, argmax_array from, real *dx) {
    memset(dx, 0, (size_t)(g->h * g->w) * sizeof(real));
    for (ptrdiff_t i = 0; i < g->p; i++) {
        real *row = dx + (i * g->stride_h - g->pad_h) * g->w - g->pad_w;
        for (ptrdiff_t j = 0; j < g->q; j++, dout++) {
            if (from.bytes != NULL) {
                row[j * g->stride_w + offset[*from.bytes++]] += *dout;
            } else {
                const ptrdiff_t number = *from.words++;
                row[j * g->stride_w + number / g->size_w * g->w + number % g->size_w] += *dout;
            }
        }
    }
}

static void back_quarter_plane(const windows *g, const real *dout, const uint8_t *argmax, real *dx, ptrdiff_t room) {
    for (ptrdiff_t i = 0; i < g->p; i++) {
        real *row = dx + 2 * i * g->w;
        for (ptrdiff_t j = 0; j < g->q; j += VL) {
            const ptrdiff_t count = fnn_min(VL, g->q - j), at = i * g->q + j, cells = 2 * count;
            const bool all = room - at >= VL;
            const vint wide = all ? vload_bytes(argmax + at) : vload_bytes_part(argmax + at, count);
            const vreal d = all ? vload(dout + at) : vload_part(dout + at, count);
            for (rint_t r = 0; r < 2; r++) {
                const vreal even = vselect(wide == (vint){0} + 2 * r, d, (vreal){0});
                const vreal odd = vselect(wide == (vint){0} + (2 * r + 1), d, (vreal){0});
                const vreal low = VSHUFFLE(even, odd, INTERLEAVE_LOW), high = VSHUFFLE(even, odd, INTERLEAVE_HIGH);
                real *to = row + r * g->w + 2 * j;
                if (cells >= VL) {
                    vstore(to, low);
                    vstore_part(to + VL, high, cells - VL);
                } else {
                    vstore_part(to, low, cells);
                }
            }
        }
        for (ptrdiff_t j = 2 * g->q; j < g->w; j++) row[j] = row[g->w + j] = 0;
    }
    memset(dx + 2 * g->p * g->w, 0, (size_t)((g->h - 2 * g->p) * g->w) * sizeof(real));
}

static void backward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const windows *g = &r->g;
    const ptrdiff_t image = g->h * g->w, plane = g->p * g->q, end = fnn_task_end(&r->partition, task);
    ptrdiff_t offset[MAX_NUMBERED];
    for (ptrdiff_t i = 0; i < MAX_NUMBERED; i++) offset[i] = i / g->size_w * g->w + i % g->size_w;
    for (ptrdiff_t k = fnn_task_begin(&r->partition, task); k < end; k++) {
        const argmax_array from = argmax_at(op, 1, k * plane);
        if (pool_is_2x2(g) && from.bytes != NULL) {
            back_quarter_plane(g, IN(0) + k * plane, from.bytes, OUT(2) + k * image, (end - k) * plane);
        } else {
            back_any_plane(g, offset, IN(0) + k * plane, from, OUT(2) + k * image);
        }
    }
}

static void for_planes(const fnn_op *op, windows g, void (*task)(void *, int)) {
    run r = {op, g, fnn_partition_work(op->n[0] * op->n[1], 1, fnn_max(1, TASK_CELLS / fnn_max(1, g.h * g.w)))};
    fnn_parallel(r.partition.tasks, task, &r);
}

/* n, c, h, w, p, q */
void FN(max_pool_forward)(const fnn_op *op) {
    for_planes(op, pool_shape_of(op->n[2], op->n[3], op->n[4], op->n[5], op->s), forward_task);
}

/* n, c, p, q, h, w */
void FN(max_pool_backward)(const fnn_op *op) {
    for_planes(op, pool_shape_of(op->n[4], op->n[5], op->n[2], op->n[3], op->s), backward_task);
}
