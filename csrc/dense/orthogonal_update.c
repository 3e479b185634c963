/* Muon: a step along the matrix with orthogonal rows or columns that is nearest to the mean of the gradients.
 *
 * x is that mean over its norm. x becomes p(x xᵀ) x five times over, where p(s) = a + b s + c s² takes its singular
 * values to near 1. The products have the order of sums of gemm/gemm.h; the squares of the norm are added up in double,
 * task by task.
 */
#include "dense/optimizer_update.h"
#include "gemm/gemm.h"

enum { GRAIN = 16384 };

typedef struct {
    real *w, *m, *x; /* x: the mean, then the matrix that is nearest to it */
    const real *dw;
    real momentum, rest, factor, shrink;
    double *squares; /* one for each task */
    fnn_partition partition;
} run;

static void mean_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    const vreal momentum = vset(r->momentum), rest = vset(r->rest);
    vsum squares = {0};
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += VL) {
        const ptrdiff_t left = fnn_min(VL, end - i);
        const vreal new = rest * vload_part(r->dw + i, left);
        const vreal m = update_kept(vfma(momentum, vload_part(r->m + i, left), new));
        const vreal x = vfma(momentum, m, new);
        vstore_part(r->m + i, m, left);
        vstore_part(r->x + i, x, left);
        vsum_add_square(&squares, x);
    }
    r->squares[task] = vsum_total(&squares);
}

static void scale_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += VL) {
        const ptrdiff_t left = fnn_min(VL, end - i);
        vstore_part(r->x + i, vset(r->factor) * vload_part(r->x + i, left), left);
    }
}

static void step_task(void *context, int task) {
    const run *r = context;
    const ptrdiff_t end = fnn_task_end(&r->partition, task);
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += VL) {
        const ptrdiff_t left = fnn_min(VL, end - i);
        const vreal w = vset(r->shrink) * vload_part(r->w + i, left);
        vstore_part(r->w + i, vfma(vset(-r->factor), vload_part(r->x + i, left), w), left);
    }
}

/* c (m × n) = a (m × k) b (k × n); each of a and b may be the transpose of what is stored. */
static void product(ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const real *a, bool a_turned, const real *b, bool b_turned,
                    real *c) {
    const gemm g = {
        .m = m,
        .n = n,
        .k = k,
        .a = a,
        .a_row = a_turned ? 1 : k,
        .a_col = a_turned ? m : 1,
        .b = b,
        .b_row = b_turned ? 1 : n,
        .b_col = b_turned ? k : 1,
        .c = c,
        .ldc = n,
    };
    FN(gemm_run)(&g);
}

/* q = a + b s + c q, where q holds s² (size × size) */
static void polynomial(ptrdiff_t size, const real *s, real *q) {
    const vreal cubic = vset((real)FNN_ORTHOGONAL_CUBIC), quintic = vset((real)FNN_ORTHOGONAL_QUINTIC);
    for (ptrdiff_t i = 0; i < size * size; i += VL) {
        const ptrdiff_t left = fnn_min(VL, size * size - i);
        vstore_part(q + i, vfma(cubic, vload_part(s + i, left), quintic * vload_part(q + i, left)), left);
    }
    for (ptrdiff_t i = 0; i < size; i++) q[i * size + i] += (real)FNN_ORTHOGONAL_LINEAR;
}

/* w[d,m], mw[d,m], dw[d,m], work, rate; decay, momentum */
void FN(orthogonal_update)(const fnn_op *op) {
    const ptrdiff_t d = op->n[0], m = op->n[1], size = fnn_min(d, m);
    const bool tall = d > m;
    const double rate = *(const double *)op->p[4], decay = op->s[0], momentum = op->s[1];
    double squares[FNN_MAX_TASKS];
    if (d * m == 0) return;
    run r = {
        .w = OUT(0),
        .m = OUT(1),
        .x = OUT(3),
        .dw = IN(2),
        .momentum = (real)momentum,
        .rest = (real)(1 - momentum),
        .shrink = (real)(1 - rate * decay),
        .squares = squares,
        .partition = fnn_partition_work(d * m, 64, GRAIN),
    };
    real *other = r.x + d * m, *square = other + d * m, *sum = square + size * size;
    fnn_parallel(r.partition.tasks, mean_task, &r);
    double total = 0;
    for (int task = 0; task < r.partition.tasks; task++) total += squares[task];
    const double norm = sqrt(total);
    r.factor = (real)(1 / (norm < FNN_ORTHOGONAL_LEAST_NORM ? FNN_ORTHOGONAL_LEAST_NORM : norm)); /* NaN stays */
    fnn_parallel(r.partition.tasks, scale_task, &r);
    for (int step = 0; step < FNN_ORTHOGONAL_STEPS; step++) {
        product(size, size, d + m - size, r.x, tall, r.x, !tall, square);
        product(size, size, size, square, false, square, false, sum);
        polynomial(size, square, sum);
        if (tall)
            product(d, m, m, r.x, false, sum, false, other);
        else
            product(d, m, d, sum, false, r.x, false, other);
        real *last = r.x;
        r.x = other;
        other = last;
    }
    r.factor = (real)(rate * FNN_ORTHOGONAL_SCALE * sqrt((double)fnn_max(d, m)));
    fnn_parallel(r.partition.tasks, step_task, &r);
}
