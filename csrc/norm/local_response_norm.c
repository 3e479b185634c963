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

/* The numbers below which the squares of all x are finite are `limit`, and `unit` is the power of two that brings all
 * others there. */
#if REAL_IS_DOUBLE
static const real unit = 0x1p-560, limit = DBL_MAX;
#else
static const real unit = 0x1p-72f, limit = FLT_MAX;
#endif

/* --- forward: x, out, scale; size, alpha, power, k --- */

/* The square root of the scale of channels first … last, whose scale itself overflows. */
static vreal root_scale(const run *r, const real *x, ptrdiff_t first, ptrdiff_t last, ptrdiff_t left) {
    const fnn_op *op = r->op;
    vreal sum = {0};
    for (ptrdiff_t j = first; j <= last; j++) {
        const vreal value = vload_tail(x + j * r->s, left) * vset(unit);
        sum = vfma(value, value, sum);
    }
    return vsqrt(vfma(vset((real)op->s[1]), sum, vset((real)op->s[3] * unit * unit))) / vset(unit);
}

static void forward_pixels(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const ptrdiff_t size = (ptrdiff_t)op->s[0], before = size / 2, after = (size - 1) / 2;
    const real *x = IN(0) + at;
    for (ptrdiff_t k = 0; k < r->c; k++) {
        const ptrdiff_t first = fnn_max(0, k - before), last = fnn_min(r->c - 1, k + after);
        vreal sum = {0};
        for (ptrdiff_t j = first; j <= last; j++) {
            const vreal value = vload_tail(x + j * r->s, left);
            sum = vfma(value, value, sum);
        }
        vreal scale = vfma(vset((real)op->s[1]), sum, vset((real)op->s[3]));
        const vreal here = vload_tail(x + k * r->s, left);
        vreal out = here * inverse_power(scale, op->s[2]);
        if (vless_bits(vset(limit), scale) != 0) {
            const vreal root = root_scale(r, x, first, last, left), power = inverse_power(root, op->s[2]);
            const vint over = (vint)(scale > vset(limit)) & (vint)(root <= vset(limit));
            out = vselect(over, here * power * power, out);
            scale = vselect(over, -root, scale); /* minus its root in its place */
        }
        vstore_tail(OUT(1) + at + k * r->s, out, left);
        if (op->p[2] != NULL) vstore_tail(OUT(2) + at + k * r->s, scale, left);
    }
}

/* --- backward: dout, x, scale, dx; size, alpha, power --- */

/* What a channel adds to its neighbours, and what it has itself. `over` gets the pixels whose scale overflowed; what
 * those add is divided by unit², and is in `far`, because it would underflow. */
typedef struct {
    vreal near, far, direct;
} shares;

FNN_INLINE shares shares_of(const fnn_op *op, ptrdiff_t at, ptrdiff_t left, vint *over) {
    const vreal scale = left >= VL ? vload(IN(2) + at) : vload_part_or(IN(2) + at, left, vset(1));
    const vreal d = vload_tail(IN(0) + at, left), x = vload_tail(IN(1) + at, left);
    const vreal direct = d * inverse_power(scale, op->s[2]);
    shares s = {direct * x / scale, {0}, direct};
    if (vless_bits(scale, vset(0)) == 0) return s;
    const vint here = (vint)(scale < vset(0)); /* minus its root stands in its place */
    const vreal root = vselect(here, -scale, vset(1)), power = inverse_power(root, op->s[2]);
    *over |= here;
    s.near = vselect(here, vset(0), s.near);
    s.far = vselect(here, d * (power / vset(unit)) * (x / root) * (power / vset(unit) / root), vset(0));
    s.direct = vselect(here, d * power * power, s.direct);
    return s;
}

FNN_INLINE ptrdiff_t first_behind(const run *r, ptrdiff_t k) {
    return fnn_max(0, k - ((ptrdiff_t)r->op->s[0] - 1) / 2);
}
FNN_INLINE ptrdiff_t last_behind(const run *r, ptrdiff_t k) {
    return fnn_min(r->c - 1, k + (ptrdiff_t)r->op->s[0] / 2);
}
FNN_INLINE vreal share_factor(const fnn_op *op) { return vset((real)(-2 * op->s[1] * op->s[2])); }

/* Pixels of which a scale overflowed. */
static __attribute__((noinline)) void backward_overflowed(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    vint unused;
    for (ptrdiff_t k = 0; k < r->c; k++) {
        shares sum = {{0}, {0}, {0}};
        for (ptrdiff_t j = first_behind(r, k); j <= last_behind(r, k); j++) {
            const shares s = shares_of(op, at + j * r->s, left, &unused);
            sum.near += s.near, sum.far += s.far;
        }
        const vreal x = share_factor(op) * vload_tail(IN(1) + at + k * r->s, left);
        const vreal dx = vfma(x, sum.near, shares_of(op, at + k * r->s, left, &unused).direct);
        vstore_tail(OUT(3) + at + k * r->s, vfma(x * vset(unit) * vset(unit), sum.far, dx), left);
    }
}

static void backward_pixels(const run *r, ptrdiff_t at, ptrdiff_t left) {
    const fnn_op *op = r->op;
    const vreal factor = share_factor(op);
    const ptrdiff_t room = FNN_SCRATCH_BYTES / VBYTES;
    real *kept = fnn_scratch(); /* what each channel adds to its neighbours, of the last `room` channels */
    ptrdiff_t done = 0;
    vint over = {0};
    for (ptrdiff_t k = 0; k < r->c; k++) {
        const ptrdiff_t first = first_behind(r, k), last = last_behind(r, k);
        for (; done <= last; done++) vstore(kept + done % room * VL, shares_of(op, at + done * r->s, left, &over).near);
        vreal sum = {0};
        for (ptrdiff_t j = first; j <= last; j++)
            sum += j + room > last ? vload(kept + j % room * VL) : shares_of(op, at + j * r->s, left, &over).near;
        const vreal direct = shares_of(op, at + k * r->s, left, &over).direct;
        const vreal x = vload_tail(IN(1) + at + k * r->s, left);
        vstore_tail(OUT(3) + at + k * r->s, vfma(factor * x, sum, direct), left);
    }
    if (vless_bits(vselect(over, vset(0), vset(1)), vset(1)) != 0) backward_overflowed(r, at, left);
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
