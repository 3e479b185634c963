/* Parameter updates over whole arrays: one pass, each task a run of parameters. */
#include "dense/optimizer_update.h"
#include "runtime/kernel.h"

enum { GRAIN = 16384 };

FNN_INLINE void update_run_as(enum update_rule rule, const update *constants, real *w, real *m, real *v, const real *dw,
                              ptrdiff_t count) {
    const update_vectors u = update_broadcast(constants);
    const bool decays = constants->decays;
    ptrdiff_t i = 0;
#define AT(p) ((p) == NULL ? NULL : (p) + i)
    for (; i + VL <= count; i += VL) update_one(rule, &u, w + i, AT(m), AT(v), vload(dw + i), decays, true, VL);
    if (i < count) update_one(rule, &u, w + i, AT(m), AT(v), vload_part(dw + i, count - i), decays, false, count - i);
#undef AT
}

void FN(update_run)(const update *u, real *w, real *m, real *v, const real *dw, ptrdiff_t count) {
    if ((int)u->rule >= FNN_CUSTOM) {
        ((fnn_custom_update)fnn_get_custom((int)u->rule, REAL_IS_DOUBLE, FNN_CUSTOM_FORWARD))(w, m, v, dw, count,
                                                                                              u->numbers);
        return;
    }
#define RUN(rule) update_run_as(rule, u, w, m, v, dw, count)
#define UPDATE_CASE(rule, call)                                                \
    case rule: /* AdamW has become Adam, so it needs no instance of its own */ \
        if (rule != UPDATE_ADAMW) call(rule);                                  \
        break;
    switch (u->rule) { FNN_UPDATE_RULES(UPDATE_CASE, RUN) }
#undef UPDATE_CASE
#undef RUN
}

typedef struct {
    update constants;
    fnn_partition partition;
    real *w, *m, *v;
    const real *dw;
} run;

static void update_task(void *context, int task) {
    const run *r = context;
    ptrdiff_t begin = fnn_task_begin(&r->partition, task), count = fnn_task_end(&r->partition, task) - begin;
#define AT(p) ((p) == NULL ? NULL : (p) + begin)
    FN(update_run)(&r->constants, r->w + begin, AT(r->m), AT(r->v), r->dw + begin, count);
#undef AT
}

/* w, m?, v?, dw, rate, t; rule, decay, c0, c1, c2 */
void FN(update)(const fnn_op *op) {
    const double rate = *(const double *)op->p[4], *s = op->s;
    const int64_t t = *(const int64_t *)op->p[5];
    run r = {
        .constants = update_constants((enum update_rule)s[0], rate, t, s[1], s + 2),
        .partition = fnn_partition_work(op->n[0], 64, GRAIN),
        .w = OUT(0),
        .m = OUT(1),
        .v = OUT(2),
        .dw = IN(3),
    };
    fnn_parallel(r.partition.tasks, update_task, &r);
}
