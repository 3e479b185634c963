/* Local response normalisation: VL pixels at a time, channel after channel. Sums over the window are taken anew for
 * each channel: one that slides would carry its rounding errors along. */
#include "norm/norm_sums.h"

enum { TASK_ELEMENTS = 8192 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition; /* vectors of pixels of all samples */
    ptrdiff_t n, c, s, vectors;
} run;

/* scale^-power; without a logarithm for the power that everybody uses */
FNN_INLINE vreal inverse_power(vreal scale, double power) {
    if (power == 0.75) {
        const vreal root = vsqrt(scale);
        return vset(1) / (root * vsqrt(root));
    }
    return vexp(vset((real)-power) * vlog(scale));
}

/* --- forward: x, out, scale; size, alpha, power, k --- */

static void forward_pixels(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const ptrdiff_t size = (ptrdiff_t)op->s[0], before = size / 2, after = (size - 1) / 2;
    const real *x = IN(0) + at;
    for (ptrdiff_t k = 0; k < r->c; k++) {
        vreal sum = {0};
        for (ptrdiff_t j = fnn_max(0, k - before); j <= fnn_min(r->c - 1, k + after); j++) {
            const vreal value = vload_tail(x + j * r->s, left);
            sum = vfma(value, value, sum);
        }
        const vreal scale = vfma(vset((real)op->s[1]), sum, vset((real)op->s[3]));
        const vreal out = vload_tail(x + k * r->s, left) * inverse_power(scale, op->s[2]);
        vstore_tail(OUT(1) + at + k * r->s, out, left);
        if (op->p[2] != NULL) vstore_tail(OUT(2) + at + k * r->s, scale, left);
    }
}

/* --- backward: dout, x, scale, dx; size, alpha, power --- */

FNN_INLINE vreal inner(const fnn_op *op, ptrdiff_t at, ptrdiff_t left, vreal *direct) {
    vreal scale = left >= VL ? vload(IN(2) + at) : vload_part_or(IN(2) + at, left, vset(1));
    *direct = vload_tail(IN(0) + at, left) * inverse_power(scale, op->s[2]);
    return *direct * vload_tail(IN(1) + at, left) / scale;
}

static void backward_pixels(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const ptrdiff_t size = (ptrdiff_t)op->s[0], before = (size - 1) / 2, after = size / 2;
    const vreal factor = vset((real)(-2 * op->s[1] * op->s[2]));
    const ptrdiff_t room = FNN_SCRATCH_BYTES / VBYTES;
    real *kept = fnn_scratch(); /* what each channel adds to its neighbours, of the last `room` channels */
    ptrdiff_t done = 0;
    vreal unused;
    for (ptrdiff_t k = 0; k < r->c; k++) {
        const ptrdiff_t first = fnn_max(0, k - before), last = fnn_min(r->c - 1, k + after);
        for (; done <= last; done++) vstore(kept + done % room * VL, inner(op, at + done * r->s, left, &unused));
        vreal sum = {0}, direct;
        for (ptrdiff_t j = first; j <= last; j++)
            sum += j + room > last ? vload(kept + j % room * VL) : inner(op, at + j * r->s, left, &unused);
        inner(op, at + k * r->s, left, &direct);
        const vreal x = vload_tail(IN(1) + at + k * r->s, left);
        vstore_tail(OUT(3) + at + k * r->s, vfma(factor * x, sum, direct), left);
    }
}

/* --- all pixels --- */

typedef struct {
    run r;
    void (*fn)(const run *r, ptrdiff_t at, ptrdiff_t left);
} work;

static void some(void *context, int task) {
    const work *w = context;
    const run *r = &w->r;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t v = fnn_task_begin(&r->partition, task); v < end; v++) {
        const ptrdiff_t pixel = v % r->vectors * VL;
        w->fn(r, v / r->vectors * r->c * r->s + pixel, r->s - pixel);
    }
}

static void for_pixels(const fnn_op *op, void (*fn)(const run *r, ptrdiff_t at, ptrdiff_t left)) {
    run r = {op, {0}, op->n[0], op->n[1], op->n[2], (op->n[2] + VL - 1) / VL};
    r.partition = fnn_partition_work(r.n * r.vectors, 1, fnn_max(1, TASK_ELEMENTS / fnn_max(1, r.c * VL)));
    work w = {r, fn};
    fnn_parallel(r.partition.tasks, some, &w);
}

void FN(local_response_norm_forward)(const fnn_op *op) { for_pixels(op, forward_pixels); }
void FN(local_response_norm_backward)(const fnn_op *op) { for_pixels(op, backward_pixels); }
