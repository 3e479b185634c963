/* PReLU: the input above zero, a learned slope times it below; one slope for each channel.
 *
 * The gradient of a slope is a sum over samples and pixels, in the order of memory: vectors add up short chains, which
 * go over into double. Where all elements have one slope, each task adds up a run of them and the sums of the tasks are
 * added in order. Otherwise a channel, or a vector of columns, is one task's. */
#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum { CHAIN = 64, GRAIN = 16384 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
    double sums[FNN_MAX_TASKS];
} run;

FNN_INLINE vreal vprelu(vreal x, vreal slope) { return vselect(x > vset(0), x, slope * x); }
FNN_INLINE vreal vprelu_grad(vreal d, vreal x, vreal slope) { return vselect(x > vset(0), d, slope * d); }
FNN_INLINE vreal vslope_grad(vreal d, vreal x) { return vselect(x > vset(0), vset(0), d * x); }

/* --- forward: x[n,c,s], w[c], out[n,c,s] --- */

FNN_INLINE void forward_run(const real *x, real *out, real slope, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i += VL)
        vstore_tail(out + i, vprelu(vload_tail(x + i, count - i), vset(slope)), count - i);
}

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t c = op->n[1], s = op->n[2], end = fnn_task_end(&r->partition, task);
    ptrdiff_t begin = fnn_task_begin(&r->partition, task);
    if (c == 1) {
        forward_run(IN(0) + begin, OUT(2) + begin, IN(1)[0], end - begin);
        return;
    }
    for (ptrdiff_t i = begin; i < end; i++) { /* rows of c slopes, or channels of s pixels */
        if (s > 1) {
            forward_run(IN(0) + i * s, OUT(2) + i * s, IN(1)[i % c], s);
        } else {
            for (ptrdiff_t j = 0; j < c; j += VL) {
                const vreal x = vload_tail(IN(0) + i * c + j, c - j), slope = vload_tail(IN(1) + j, c - j);
                vstore_tail(OUT(2) + i * c + j, vprelu(x, slope), c - j);
            }
        }
    }
}

void FN(prelu_forward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], c = op->n[1], s = op->n[2];
    const ptrdiff_t count = c == 1 ? n * s : s > 1 ? n * c : n, each = c == 1 ? 1 : s > 1 ? s : c;
    run r = {op, fnn_partition_work(count, c == 1 ? 64 : 1, fnn_max(1, GRAIN / fnn_max(1, each))), {0}};
    fnn_parallel(r.partition.tasks, forward_task, &r);
}

/* --- backward: dout, x, w, dx, dw; beta --- */

/* dx of a run, and what it adds to the gradient of its slope. */
FNN_INLINE void backward_run(const fnn_op *op, ptrdiff_t at, real slope, ptrdiff_t count, vsum *sum) {
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part = {0};
        for (ptrdiff_t i = j; i < end; i += VL) {
            const vreal d = vload_tail(IN(0) + at + i, end - i), x = vload_tail(IN(1) + at + i, end - i);
            part += end - i < VL ? vfirst(vslope_grad(d, x), end - i) : vslope_grad(d, x);
            if (op->p[3] != NULL) vstore_tail(OUT(3) + at + i, vprelu_grad(d, x, vset(slope)), end - i);
        }
        vsum_add(sum, part);
    }
}

static void shared_task(void *context, int task) {
    run *r = context;
    const ptrdiff_t begin = fnn_task_begin(&r->partition, task), end = fnn_task_end(&r->partition, task);
    vsum sum = {0};
    backward_run(r->op, begin, ((const real *)r->op->p[2])[0], end - begin, &sum);
    r->sums[task] = vsum_total(&sum);
}

FNN_INLINE void store_slope_grad(const fnn_op *op, ptrdiff_t k, double gradient) {
    fnn_store_param_grad(op->p[4] == NULL ? NULL : OUT(4) + k, gradient, op->s[0]);
}

static void channel_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t c = op->n[1], s = op->n[2], end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t k = fnn_task_begin(&r->partition, task); k < end; k++) {
        vsum sum = {0};
        for (ptrdiff_t i = 0; i < op->n[0]; i++) backward_run(op, (i * c + k) * s, IN(2)[k], s, &sum);
        store_slope_grad(op, k, vsum_total(&sum));
    }
}

static void columns_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t n = op->n[0], c = op->n[1], end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t first = fnn_task_begin(&r->partition, task); first < end; first += VL) {
        const ptrdiff_t cols = fnn_min(VL, end - first);
        const vreal slope = vload_tail(IN(2) + first, cols);
        vsum sum = {0};
        for (ptrdiff_t j = 0; j < n; j += CHAIN) {
            vreal part = {0};
            for (ptrdiff_t i = j; i < fnn_min(n, j + CHAIN); i++) {
                const ptrdiff_t at = i * c + first;
                const vreal d = vload_tail(IN(0) + at, cols), x = vload_tail(IN(1) + at, cols);
                part += vslope_grad(d, x);
                if (op->p[3] != NULL) vstore_tail(OUT(3) + at, vprelu_grad(d, x, slope), cols);
            }
            vsum_add(&sum, part);
        }
        for (ptrdiff_t k = 0; k < cols; k++) store_slope_grad(op, first + k, vsum_lane(&sum, k));
    }
}

void FN(prelu_backward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], c = op->n[1], s = op->n[2], columns = fnn_max(1, GRAIN / fnn_max(1, n * s));
    run r = {.op = op};
    if (c == 1) {
        r.partition = fnn_partition_work(n * s, 64, GRAIN);
        fnn_parallel(r.partition.tasks, shared_task, &r);
        double total = 0;
        for (int i = 0; i < r.partition.tasks; i++) total += r.sums[i];
        store_slope_grad(op, 0, total);
    } else {
        r.partition = fnn_partition_work(c, s == 1 ? VL : 1, columns);
        fnn_parallel(r.partition.tasks, s == 1 ? columns_task : channel_task, &r);
    }
}
