/* Activations with learned numbers, one of each for every channel or for all elements: PReLU, which is the input above
 * zero and a learned slope times it below, and functions of the user's own.
 *
 * The gradient of a number is a sum over samples and pixels, in the order of memory: vectors add up short chains, which
 * go over into double. Where all elements have the same numbers, each task adds up a run of them and the sums of the
 * tasks are added in order. Otherwise a channel, or some columns, are one task's. */
#include "runtime/custom.h"
#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum { CHAIN = 64, GRAIN = 16384, LEARNED = 3, CUSTOM_RUN = 512 };

typedef struct {
    const fnn_op *op;
    fnn_partition partition;
    double (*sums)[LEARNED]; /* of each task, where all elements have the same numbers */
} run;

FNN_INLINE vreal vprelu(vreal x, vreal slope) { return vselect(x > vset(0), x, slope * x); }
FNN_INLINE vreal vprelu_grad(vreal d, vreal x, vreal slope) { return vselect(x > vset(0), d, slope * d); }
FNN_INLINE vreal vslope_grad(vreal d, vreal x) { return vselect(x > vset(0), vset(0), d * x); }

/* --- forward: x[n,c,s], w, w2, w3[c], out[n,c,s]; learned_kind --- */

FNN_INLINE int forward_kind(const fnn_op *op) { return (int)op->s[0]; }

/* The user's function of elements from `at` on, with the numbers of channel k, or from k on those of a channel each. */
static void custom_forward(const fnn_op *op, ptrdiff_t at, ptrdiff_t k, bool along, ptrdiff_t count) {
    const real *w[LEARNED];
    for (int i = 0; i < LEARNED; i++) w[i] = op->p[1 + i] == NULL ? NULL : IN(1 + i) + k;
    ((fnn_custom_learned_forward)fnn_get_custom(forward_kind(op), REAL_IS_DOUBLE, FNN_CUSTOM_FORWARD))(
        IN(0) + at, w[0], w[1], w[2], OUT(4) + at, count, along);
}

static void forward_run(const fnn_op *op, ptrdiff_t at, ptrdiff_t k, ptrdiff_t count) {
    if (forward_kind(op) >= FNN_CUSTOM) {
        custom_forward(op, at, k, false, count);
        return;
    }
    const real *x = IN(0) + at, slope = IN(1)[k];
    for (ptrdiff_t i = 0; i < count; i += VL)
        vstore_tail(OUT(4) + at + i, vprelu(vload_tail(x + i, count - i), vset(slope)), count - i);
}

static void forward_row(const fnn_op *op, ptrdiff_t at, ptrdiff_t c) {
    if (forward_kind(op) >= FNN_CUSTOM) {
        custom_forward(op, at, 0, true, c);
        return;
    }
    for (ptrdiff_t j = 0; j < c; j += VL) {
        const vreal x = vload_tail(IN(0) + at + j, c - j), slope = vload_tail(IN(1) + j, c - j);
        vstore_tail(OUT(4) + at + j, vprelu(x, slope), c - j);
    }
}

static void forward_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t c = op->n[1], s = op->n[2], end = fnn_task_end(&r->partition, task);
    ptrdiff_t begin = fnn_task_begin(&r->partition, task);
    if (c == 1) {
        forward_run(op, begin, 0, end - begin);
        return;
    }
    for (ptrdiff_t i = begin; i < end; i++) { /* rows of c elements, or channels of s pixels */
        if (s > 1)
            forward_run(op, i * s, i % c, s);
        else
            forward_row(op, i * c, c);
    }
}

void FN(learned_activation_forward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], c = op->n[1], s = op->n[2];
    const ptrdiff_t count = c == 1 ? n * s : s > 1 ? n * c : n, each = c == 1 ? 1 : s > 1 ? s : c;
    run r = {.op = op, .partition = fnn_partition_work(count, c == 1 ? 64 : 1, fnn_max(1, GRAIN / fnn_max(1, each)))};
    fnn_parallel(r.partition.tasks, forward_task, &r);
}

/* --- backward: dout, x, w, w2, w3, dx, dw, dw2, dw3; beta, learned_kind --- */

FNN_INLINE int backward_kind(const fnn_op *op) { return (int)op->s[1]; }
FNN_INLINE bool has_number(const fnn_op *op, int i) { return op->p[2 + i] != NULL; }

/* What the user's function adds to the gradients of elements from `at` on, at most CUSTOM_RUN of them, and their dx. */
static void custom_backward(const fnn_op *op, ptrdiff_t at, ptrdiff_t k, bool along, ptrdiff_t count,
                            real parts[LEARNED][CUSTOM_RUN]) {
    FNN_ALIGNED real unused[CUSTOM_RUN];
    const real *w[LEARNED];
    for (int i = 0; i < LEARNED; i++) w[i] = has_number(op, i) ? IN(2 + i) + k : NULL;
    ((fnn_custom_learned_backward)fnn_get_custom(backward_kind(op), REAL_IS_DOUBLE, FNN_CUSTOM_BACKWARD))(
        IN(0) + at, IN(1) + at, w[0], w[1], w[2], op->p[5] == NULL ? unused : OUT(5) + at, parts[0], parts[1], parts[2],
        count, along);
}

static void custom_backward_run(const fnn_op *op, ptrdiff_t at, ptrdiff_t k, ptrdiff_t count, vsum *sums) {
    FNN_ALIGNED real parts[LEARNED][CUSTOM_RUN];
    for (ptrdiff_t j = 0; j < count; j += CUSTOM_RUN) {
        const ptrdiff_t length = fnn_min(CUSTOM_RUN, count - j);
        custom_backward(op, at + j, k, false, length, parts);
        for (int l = 0; l < LEARNED && has_number(op, l); l++)
            for (ptrdiff_t i = 0; i < length; i += VL) vsum_add(&sums[l], vload_tail(parts[l] + i, length - i));
    }
}

/* dx of a run, and what it adds to the gradients of its numbers. */
static void backward_run(const fnn_op *op, ptrdiff_t at, ptrdiff_t k, ptrdiff_t count, vsum *sums) {
    if (backward_kind(op) >= FNN_CUSTOM) {
        custom_backward_run(op, at, k, count, sums);
        return;
    }
    const vreal slope = vset(IN(2)[k]);
    for (ptrdiff_t j = 0; j < count; j += CHAIN * VL) {
        const ptrdiff_t end = fnn_min(count, j + CHAIN * VL);
        vreal part = {0};
        for (ptrdiff_t i = j; i < end; i += VL) {
            const vreal d = vload_tail(IN(0) + at + i, end - i), x = vload_tail(IN(1) + at + i, end - i);
            part += end - i < VL ? vfirst(vslope_grad(d, x), end - i) : vslope_grad(d, x);
            if (op->p[5] != NULL) vstore_tail(OUT(5) + at + i, vprelu_grad(d, x, slope), end - i);
        }
        vsum_add(sums, part);
    }
}

FNN_INLINE void store_grad(const fnn_op *op, int number, ptrdiff_t k, double gradient) {
    fnn_store_param_grad(op->p[6 + number] == NULL ? NULL : OUT(6 + number) + k, gradient, op->s[0]);
}

static void shared_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t begin = fnn_task_begin(&r->partition, task), end = fnn_task_end(&r->partition, task);
    vsum sums[LEARNED] = {0};
    backward_run(r->op, begin, 0, end - begin, sums);
    for (int l = 0; l < LEARNED; l++) r->sums[task][l] = vsum_total(&sums[l]);
}

static void channel_task(void *context, int task) {
    const run *r = context;
    const fnn_op *op = r->op;
    const ptrdiff_t c = op->n[1], s = op->n[2], end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t k = fnn_task_begin(&r->partition, task); k < end; k++) {
        vsum sums[LEARNED] = {0};
        for (ptrdiff_t i = 0; i < op->n[0]; i++) backward_run(op, (i * c + k) * s, k, s, sums);
        for (int l = 0; l < LEARNED; l++) store_grad(op, l, k, vsum_total(&sums[l]));
    }
}

static void prelu_columns(const fnn_op *op, ptrdiff_t begin, ptrdiff_t end) {
    const ptrdiff_t n = op->n[0], c = op->n[1];
    for (ptrdiff_t first = begin; first < end; first += VL) {
        const ptrdiff_t cols = fnn_min(VL, end - first);
        const vreal slope = vload_tail(IN(2) + first, cols);
        vsum sum = {0};
        for (ptrdiff_t j = 0; j < n; j += CHAIN) {
            vreal part = {0};
            for (ptrdiff_t i = j; i < fnn_min(n, j + CHAIN); i++) {
                const ptrdiff_t at = i * c + first;
                const vreal d = vload_tail(IN(0) + at, cols), x = vload_tail(IN(1) + at, cols);
                part += vslope_grad(d, x);
                if (op->p[5] != NULL) vstore_tail(OUT(5) + at, vprelu_grad(d, x, slope), cols);
            }
            vsum_add(&sum, part);
        }
        for (ptrdiff_t k = 0; k < cols; k++) store_grad(op, 0, first + k, vsum_lane(&sum, k));
    }
}

static void custom_columns(const fnn_op *op, ptrdiff_t begin, ptrdiff_t end) {
    FNN_ALIGNED real parts[LEARNED][CUSTOM_RUN];
    double sums[LEARNED][CUSTOM_RUN];
    const ptrdiff_t c = op->n[1];
    for (ptrdiff_t first = begin; first < end; first += CUSTOM_RUN) {
        const ptrdiff_t cols = fnn_min(CUSTOM_RUN, end - first);
        memset(sums, 0, sizeof sums);
        for (ptrdiff_t i = 0; i < op->n[0]; i++) {
            custom_backward(op, i * c + first, first, true, cols, parts);
            for (int l = 0; l < LEARNED && has_number(op, l); l++)
                for (ptrdiff_t k = 0; k < cols; k++) sums[l][k] += (double)parts[l][k];
        }
        for (int l = 0; l < LEARNED; l++)
            for (ptrdiff_t k = 0; k < cols; k++) store_grad(op, l, first + k, sums[l][k]);
    }
}

static void columns_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t begin = fnn_task_begin(&r->partition, task), end = fnn_task_end(&r->partition, task);
    (backward_kind(r->op) >= FNN_CUSTOM ? custom_columns : prelu_columns)(r->op, begin, end);
}

void FN(learned_activation_backward)(const fnn_op *op) {
    const ptrdiff_t n = op->n[0], c = op->n[1], s = op->n[2], columns = fnn_max(1, GRAIN / fnn_max(1, n * s));
    run r = {.op = op};
    if (c == 1) {
        double sums[FNN_MAX_TASKS][LEARNED];
        r.sums = sums;
        r.partition = fnn_partition_work(n * s, 64, GRAIN);
        fnn_parallel(r.partition.tasks, shared_task, &r);
        for (int l = 0; l < LEARNED; l++) {
            double total = 0;
            for (int i = 0; i < r.partition.tasks; i++) total += sums[i][l];
            store_grad(op, l, 0, total);
        }
    } else {
        r.partition = fnn_partition_work(c, s == 1 ? VL : 1, columns);
        fnn_parallel(r.partition.tasks, s == 1 ? columns_task : channel_task, &r);
    }
}
