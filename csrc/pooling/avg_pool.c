/* The mean of each window of a plane, and its gradient. Rows of windows stay in the first-level cache, as in
 * pooling/max_pool.c. */
#include "norm/norm_sums.h"
#include "pooling/pool_window.h"

enum { CHUNK = 256, TASK_CELLS = 16384 };

typedef struct {
    const fnn_op *op;
    windows g;
    bool alike; /* all windows have the same number of cells, or count padding as cells */
    fnn_partition partition;
} run;

/* Writes the divisors of the windows first … last-1 of row i. */
static void divisors(const run *r, ptrdiff_t i, ptrdiff_t first, ptrdiff_t last, real *by) {
    const windows *g = &r->g;
    const span rows = window_row_range(g, i);
    if (r->alike) {
        for (ptrdiff_t j = 0; j < last - first; j++) by[j] = (real)(g->size_h * g->size_w);
        return;
    }
    for (ptrdiff_t j = first; j < last; j++) {
        const ptrdiff_t left = j * g->stride_w - g->pad_w;
        const ptrdiff_t cols = fnn_min(g->size_w, g->w - left) - fnn_max(0, -left);
        by[j - first] = (real)((rows.end - rows.begin) * cols);
    }
}

static void any_plane(const run *r, const real *x, real *out) {
    const windows *g = &r->g;
    real sum[CHUNK + VBYTES], by[CHUNK]; /* the last vector may begin at any window */
    for (ptrdiff_t i = 0; i < g->p; i++)
        for (ptrdiff_t first = 0; first < g->q; first += CHUNK) {
            const ptrdiff_t last = fnn_min(g->q, first + CHUNK);
            const span rows = window_row_range(g, i);
            for (ptrdiff_t j = 0; j < last - first + VL; j++) sum[j] = 0;
            for (ptrdiff_t k = rows.begin; k < rows.end; k++)
                for (ptrdiff_t s = 0; s < g->size_w; s++) {
                    const span at = window_column_range(g, s, first, last);
                    const real *cells = x + (i * g->stride_h - g->pad_h + k) * g->w - g->pad_w + s;
                    for (ptrdiff_t j = at.begin; j < at.end; j += VL) {
                        const ptrdiff_t left = at.end - j;
                        const vreal value = load_strided(cells + j * g->stride_w, g->stride_w, left);
                        const vreal total = vload(sum + j - first) + value;
                        vstore_tail(sum + j - first, total, at.end == last ? VL : left);
                    }
                }
            divisors(r, i, first, last, by);
            for (ptrdiff_t j = first; j < last; j++) out[i * g->q + j] = sum[j - first] / by[j - first];
        }
}

static real image_mean(const real *x, ptrdiff_t count) {
    vsum total = {0};
    for (ptrdiff_t j = 0; j < count; j += VL)
        vsum_add(&total, j + VL <= count ? vload(x + j) : vload_part(x + j, count - j));
    return (real)(vsum_total(&total) / (double)count);
}

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t image = r->g.h * r->g.w, plane = r->g.p * r->g.q, end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t k = fnn_task_begin(&r->partition, task); k < end; k++) {
        if (pool_is_global(&r->g)) {
            OUT(1)[k] = image_mean(IN(0) + k * image, image);
        } else {
            any_plane(r, IN(0) + k * image, OUT(1) + k * plane);
        }
    }
}

static void back_plane(const run *r, const real *dout, real *dx) {
    const windows *g = &r->g;
    real share[CHUNK], by[CHUNK];
    memset(dx, 0, (size_t)(g->h * g->w) * sizeof(real));
    for (ptrdiff_t i = 0; i < g->p; i++)
        for (ptrdiff_t first = 0; first < g->q; first += CHUNK) {
            const ptrdiff_t last = fnn_min(g->q, first + CHUNK);
            const span rows = window_row_range(g, i);
            divisors(r, i, first, last, by);
            for (ptrdiff_t j = first; j < last; j++) share[j - first] = dout[i * g->q + j] / by[j - first];
            for (ptrdiff_t k = rows.begin; k < rows.end; k++)
                for (ptrdiff_t s = 0; s < g->size_w; s++) {
                    const span at = window_column_range(g, s, first, last);
                    real *cells = dx + (i * g->stride_h - g->pad_h + k) * g->w - g->pad_w + s;
                    for (ptrdiff_t j = at.begin; j < at.end; j++) cells[j * g->stride_w] += share[j - first];
                }
        }
}

static void backward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t image = r->g.h * r->g.w, plane = r->g.p * r->g.q, end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t k = fnn_task_begin(&r->partition, task); k < end; k++) {
        if (pool_is_global(&r->g)) {
            const real share = IN(0)[k] / (real)image;
            for (ptrdiff_t j = 0; j < image; j++) OUT(1)[k * image + j] = share;
        } else {
            back_plane(r, IN(0) + k * plane, OUT(1) + k * image);
        }
    }
}

static void for_planes(const fnn_op *op, windows g, void (*task)(void *, int)) {
    const bool inside = g.pad_h == 0 && g.pad_w == 0 && (g.p - 1) * g.stride_h + g.size_h <= g.h &&
                        (g.q - 1) * g.stride_w + g.size_w <= g.w;
    run r = {op, g, inside || op->s[6] != 0,
             fnn_partition_work(op->n[0] * op->n[1], 1, fnn_max(1, TASK_CELLS / fnn_max(1, g.h * g.w)))};
    fnn_parallel(r.partition.tasks, task, &r);
}

/* n, c, h, w, p, q */
void FN(avg_pool_forward)(const fnn_op *op) {
    for_planes(op, pool_shape_of(op->n[2], op->n[3], op->n[4], op->n[5], op->s), forward_task);
}

/* n, c, p, q, h, w */
void FN(avg_pool_backward)(const fnn_op *op) {
    for_planes(op, pool_shape_of(op->n[4], op->n[5], op->n[2], op->n[3], op->s), backward_task);
}
