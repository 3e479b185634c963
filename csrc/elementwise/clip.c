/* Clips gradients before an update. All of them lie in one vector.
 *
 * The squares are added up in double: each task adds its elements in order, then the tasks' sums are added in order.
 */
#include "runtime/kernel.h"
#include "simd/simd_math.h"

enum { GRAIN = 16384 };

typedef struct {
    real *g, limit, factor;
    fnn_partition partition;
    double squares[FNN_MAX_TASKS];
} run;

#define EACH_VECTOR(statements)                                                 \
    ptrdiff_t end = fnn_task_end(&r->partition, task);                          \
    for (ptrdiff_t i = fnn_task_begin(&r->partition, task); i < end; i += VL) { \
        const ptrdiff_t left = fnn_min(VL, end - i);                            \
        vreal g = left == VL ? vload(r->g + i) : vload_part(r->g + i, left);    \
        statements                                                              \
    }
#define STORE(value) (left == VL ? vstore(r->g + i, value) : vstore_part(r->g + i, value, left))

static void squares_task(void *context, int task) {
    run *r = context;
    vsum sum = {0};
    EACH_VECTOR(vsum_add_square(&sum, g);)
    r->squares[task] = vsum_total(&sum);
}

static void scale_task(void *context, int task) {
    const run *r = context;
    EACH_VECTOR(STORE(g * vset(r->factor));)
}

static void clamp_task(void *context, int task) {
    const run *r = context;
    EACH_VECTOR(STORE(vmin(vset(r->limit), vmax(vset(-r->limit), g)));)
}

/* limit / ‖g‖ where squares overflow: of the elements divided by a power of two. 0 where one is infinite. */
static double factor_of_large(const real *g, ptrdiff_t count, double limit) {
    double largest = 0, squares = 0;
    for (ptrdiff_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)g[i]));
    int exponent;
    frexp(largest, &exponent);
    for (ptrdiff_t i = 0; i < count; i++) squares += ldexp((double)g[i], -exponent) * ldexp((double)g[i], -exponent);
    return ldexp(limit / sqrt(squares), -exponent);
}

void FN(clip_norm)(const fnn_op *op) {
    run r = {.g = OUT(0), .partition = fnn_partition_work(op->n[0], 64, GRAIN)};
    fnn_parallel(r.partition.tasks, squares_task, &r);
    double total = 0;
    for (int i = 0; i < r.partition.tasks; i++) total += r.squares[i];
    const double norm = sqrt(total);
    if (!(norm > op->s[0])) return;
    r.factor = (real)(isinf(norm) ? factor_of_large(IN(0), op->n[0], op->s[0]) : op->s[0] / norm);
    fnn_parallel(r.partition.tasks, scale_task, &r);
}

void FN(clip_value)(const fnn_op *op) {
    run r = {.g = OUT(0), .limit = (real)op->s[0], .partition = fnn_partition_work(op->n[0], 64, GRAIN)};
    fnn_parallel(r.partition.tasks, clamp_task, &r);
}
