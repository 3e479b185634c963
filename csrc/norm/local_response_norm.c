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

/* A scale that overflows has minus its square root in its place. It takes values near the end of the range, so the
 * channels of such a pixel are done a second time, and all others pay one comparison. */
#if REAL_IS_DOUBLE
static const real unit = 0x1p-560, limit = DBL_MAX; /* x unit has a square that does not overflow */
#else
static const real unit = 0x1p-72f, limit = FLT_MAX;
#endif

/* --- forward: x, out, scale; size, alpha, power, k --- */

FNN_INLINE ptrdiff_t window_first(const run *r, ptrdiff_t k) { return fnn_max(0, k - (ptrdiff_t)r->op->s[0] / 2); }
FNN_INLINE ptrdiff_t window_last(const run *r, ptrdiff_t k) {
    return fnn_min(r->c - 1, k + ((ptrdiff_t)r->op->s[0] - 1) / 2);
}

/* Σ (x factor)² of a channel's window */
FNN_INLINE vreal sum_window(const run *r, const real *x, ptrdiff_t k, ptrdiff_t left, vreal factor) {
    vreal sum = {0};
    for (ptrdiff_t j = window_first(r, k); j <= window_last(r, k); j++) {
        const vreal value = vload_tail(x + j * r->s, left) * factor;
        sum = vfma(value, value, sum);
    }
    return sum;
}

static __attribute__((noinline)) void forward_overflowed(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const real *x = IN(0) + at;
    const vreal alpha = vset((real)op->s[1]), one = vset(1);
    for (ptrdiff_t k = 0; k < r->c; k++) {
        const vreal scale = vfma(alpha, sum_window(r, x, k, left, one), vset((real)op->s[3]));
        const vreal sum = sum_window(r, x, k, left, vset(unit)), least = vset((real)op->s[3] * unit * unit);
        const vreal root = vsqrt(vfma(alpha, sum, least)) / vset(unit), power = inverse_power(root, op->s[2]);
        const vint over = (vint)(scale > vset(limit)) & (vint)(root <= vset(limit));
        const vreal here = vload_tail(x + k * r->s, left);
        vstore_tail(OUT(1) + at + k * r->s, vselect(over, here * power * power, here * inverse_power(scale, op->s[2])),
                    left);
        if (op->p[2] != NULL) vstore_tail(OUT(2) + at + k * r->s, vselect(over, -root, scale), left);
    }
}

static void forward_pixels(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const ptrdiff_t size = (ptrdiff_t)op->s[0], before = size / 2, after = (size - 1) / 2;
    const real *x = IN(0) + at;
    vreal largest = {0};
    for (ptrdiff_t k = 0; k < r->c; k++) {
        vreal sum = {0};
        for (ptrdiff_t j = fnn_max(0, k - before); j <= fnn_min(r->c - 1, k + after); j++) {
            const vreal value = vload_tail(x + j * r->s, left);
            sum = vfma(value, value, sum);
        }
        const vreal scale = vfma(vset((real)op->s[1]), sum, vset((real)op->s[3]));
        const vreal out = vload_tail(x + k * r->s, left) * inverse_power(scale, op->s[2]);
        largest = vmax(scale, largest);
        vstore_tail(OUT(1) + at + k * r->s, out, left);
        if (op->p[2] != NULL) vstore_tail(OUT(2) + at + k * r->s, scale, left);
    }
    if (vless_bits(vset(limit), largest) != 0) forward_overflowed(r, at, left);
}

/* --- backward: dout, x, scale, dx; size, alpha, power --- */

FNN_INLINE vreal load_scale(const fnn_op *op, ptrdiff_t at, ptrdiff_t left) {
    return left >= VL ? vload(IN(2) + at) : vload_part_or(IN(2) + at, left, vset(1));
}

FNN_INLINE vreal inner(const fnn_op *op, ptrdiff_t at, ptrdiff_t left, vreal *direct) {
    const vreal scale = load_scale(op, at, left);
    *direct = vload_tail(IN(0) + at, left) * inverse_power(scale, op->s[2]);
    return *direct * vload_tail(IN(1) + at, left) / scale;
}

/* What a channel adds to its neighbours, and what it has itself. What those add whose scale overflowed is in `far`,
 * divided by unit², because it would underflow. */
typedef struct {
    vreal near, far, direct;
} shares;

FNN_INLINE shares shares_of(const fnn_op *op, ptrdiff_t at, ptrdiff_t left) {
    const vreal scale = load_scale(op, at, left), d = vload_tail(IN(0) + at, left), x = vload_tail(IN(1) + at, left);
    const vint over = (vint)(scale < vset(0));
    const vreal root = vselect(over, -scale, vset(1)), power = inverse_power(root, op->s[2]);
    vreal direct;
    const vreal near = inner(op, at, left, &direct);
    return (shares){
        vselect(over, vset(0), near),
        vselect(over, d * (power / vset(unit)) * (x / root) * (power / vset(unit) / root), vset(0)),
        vselect(over, d * power * power, direct),
    };
}

static __attribute__((noinline)) void backward_overflowed(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const ptrdiff_t size = (ptrdiff_t)op->s[0], before = (size - 1) / 2, after = size / 2;
    const vreal factor = vset((real)(-2 * op->s[1] * op->s[2]));
    for (ptrdiff_t k = 0; k < r->c; k++) {
        vreal near = {0}, far = {0};
        for (ptrdiff_t j = fnn_max(0, k - before); j <= fnn_min(r->c - 1, k + after); j++) {
            const shares s = shares_of(op, at + j * r->s, left);
            near += s.near, far += s.far;
        }
        const vreal x = factor * vload_tail(IN(1) + at + k * r->s, left);
        const vreal dx = vfma(x, near, shares_of(op, at + k * r->s, left).direct);
        vstore_tail(OUT(3) + at + k * r->s, vfma(x * vset(unit) * vset(unit), far, dx), left);
    }
}

static void backward_pixels(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const ptrdiff_t size = (ptrdiff_t)op->s[0], before = (size - 1) / 2, after = size / 2;
    const vreal factor = vset((real)(-2 * op->s[1] * op->s[2]));
    const ptrdiff_t room = FNN_SCRATCH_BYTES / VBYTES;
    real *kept = fnn_scratch(); /* what each channel adds to its neighbours, of the last `room` channels */
    ptrdiff_t done = 0;
    vreal unused, least = vset(1);
    for (ptrdiff_t k = 0; k < r->c; k++) {
        const ptrdiff_t first = fnn_max(0, k - before), last = fnn_min(r->c - 1, k + after);
        for (; done <= last; done++) vstore(kept + done % room * VL, inner(op, at + done * r->s, left, &unused));
        vreal sum = {0}, direct;
        for (ptrdiff_t j = first; j <= last; j++)
            sum += j + room > last ? vload(kept + j % room * VL) : inner(op, at + j * r->s, left, &unused);
        inner(op, at + k * r->s, left, &direct);
        const vreal x = vload_tail(IN(1) + at + k * r->s, left);
        least = vmin(load_scale(op, at + k * r->s, left), least);
        vstore_tail(OUT(3) + at + k * r->s, vfma(factor * x, sum, direct), left);
    }
    if (vless_bits(least, vset(0)) != 0) backward_overflowed(r, at, left);
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
