/* Parameter updates over whole arrays: one pass, each task a run of parameters. */
#include "dense/optimizer_update.h"
#include "runtime/kernel.h"

enum { GRAIN = 16384 };

typedef struct {
    update constants;
    fnn_cut cut;
    bool decays;
    real *w, *m, *v;
    const real *dw;
} run;

static void update_task(void *context, int task) {
    const run *r = context;
    ptrdiff_t begin = fnn_cut_begin(&r->cut, task), count = fnn_cut_end(&r->cut, task) - begin;
#define AT(p) ((p) == NULL ? NULL : (p) + begin)
    update_run(&r->constants, r->w + begin, AT(r->m), AT(r->v), r->dw + begin, count, r->decays);
#undef AT
}

static void update_all(run r, ptrdiff_t count) {
    r.cut = fnn_cut_work(count, 64, GRAIN);
    fnn_parallel(r.cut.tasks, update_task, &r);
}

static double rate_of(const void *p) { return *(const double *)p; }

void FN(sgd_update)(const fnn_op *op) {
    double decay = op->s[0];
    run r = {.constants = sgd_constants(rate_of(op->p[2]), decay), .decays = decay != 0, .w = OUT(0), .dw = IN(1)};
    update_all(r, op->n[0]);
}

/* w, v, dw, rate; … */
static void with_one_state(const fnn_op *op, update constants) {
    run r = {.constants = constants, .decays = constants.decay != 0, .w = OUT(0), .v = OUT(1), .dw = IN(2)};
    update_all(r, op->n[0]);
}

void FN(momentum_update)(const fnn_op *op) {
    with_one_state(op, momentum_constants(rate_of(op->p[3]), op->s[0], op->s[1]));
}

void FN(nesterov_update)(const fnn_op *op) {
    with_one_state(op, nesterov_constants(rate_of(op->p[3]), op->s[0], op->s[1]));
}

void FN(rmsprop_update)(const fnn_op *op) {
    with_one_state(op, rmsprop_constants(rate_of(op->p[3]), op->s[0], op->s[1], op->s[2]));
}

void FN(adagrad_update)(const fnn_op *op) {
    with_one_state(op, adagrad_constants(rate_of(op->p[3]), op->s[0], op->s[1]));
}

/* w, m, v, dw, rate, t; beta1, beta2, eps, decay */
static void with_two_states(const fnn_op *op, update (*constants)(double, int64_t, double, double, double, double)) {
    const double *s = op->s;
    update u = constants(rate_of(op->p[4]), *(const int64_t *)op->p[5], s[0], s[1], s[2], s[3]);
    run r = {.constants = u, .decays = u.decay != 0, .w = OUT(0), .m = OUT(1), .v = OUT(2), .dw = IN(3)};
    update_all(r, op->n[0]);
}

void FN(adam_update)(const fnn_op *op) { with_two_states(op, adam_constants); }
void FN(adamw_update)(const fnn_op *op) { with_two_states(op, adamw_constants); }
