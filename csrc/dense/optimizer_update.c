/* Parameter updates over whole arrays: one pass, each task a run of parameters. */
#include "dense/optimizer_update.h"
#include "runtime/kernel.h"

enum { GRAIN = 16384 };

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
    update_run(&r->constants, r->w + begin, AT(r->m), AT(r->v), r->dw + begin, count);
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
