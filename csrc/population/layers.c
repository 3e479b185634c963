/* The dense layers of a group of members: forward, and backward with the update of each weight as soon as its gradient
 * is known. The gradient of a bias is the sum of its column in the order of the samples.
 */
#include "population/layers.h"

#include "elementwise/activation.h"
#include "population/product.h"

/* --- forward --- */

typedef struct {
    real *out;
    const real *bias; /* NULL: there is none */
    ptrdiff_t cols;
} store;

static void store_tile(void *context, const product_tile *t) {
    const store *s = context;
    for (int j = 0; j < t->cols; j++) {
        const vreal bias = s->bias == NULL ? vset(0) : vload(s->bias + (t->col + j) * LANES);
        for (int i = 0; i < t->rows; i++) {
            const vreal v = t->v[i * t->cols + j];
            vstore(s->out + ((t->row + i) * s->cols + t->col + j) * VL, s->bias == NULL ? v : v + bias);
        }
    }
}

/* The inputs of a stage as the operand whose element (sample, input) is given. */
static product_operand inputs_of(const group *g, ptrdiff_t number) {
    const ptrdiff_t inputs = g->stages[number].inputs;
    if (number > 0) return (product_operand){g->stages[number - 1].kept, inputs * VL, VL, false};
    return g->shared ? (product_operand){g->x, inputs, 1, true} : (product_operand){g->x, inputs * VL, VL, false};
}

FNN_INLINE product_operand transposed(product_operand a) { return (product_operand){a.p, a.inner, a.outer, a.scalars}; }

static void keep(const group *g, const stage *s, const real *from, real *to) {
    const vreal factor = vset((real)(s->rate < 1 ? 1 / (1 - s->rate) : 0));
    const ptrdiff_t count = g->batch * s->units;
    for (ptrdiff_t i = 0; i < count; i++) {
        const vint mask = (vint)vload(s->mask + i * VL);
        vstore(to + i * VL, vselect(mask, vload(from + i * VL) * factor, vset(0)));
    }
}

void FN(population_forward)(const group *g) {
    for (ptrdiff_t l = 0; l < g->stage_count; l++) {
        const stage *s = &g->stages[l];
        const real *w = g->w + s->weights * LANES;
        const ptrdiff_t count = g->batch * s->units * VL;
        store to = {s->sums, s->bias ? w + s->inputs * s->units * LANES : NULL, s->units};
        product(g->batch, s->units, s->inputs, inputs_of(g, l), (product_operand){w, LANES, s->units * LANES, false},
                store_tile, &to);
        if (s->kind != IDENTITY || s->sums != s->outputs)
            FN(activate_run)(s->kind, s->alpha, s->sums, s->outputs, count);
        if (s->rate > 0 && g->training) keep(g, s, s->outputs, s->kept);
    }
}

/* --- backward --- */

typedef struct {
    group *g;
    real *w, *m, *v;
    ptrdiff_t cols;
} change;

/* What a run of steps needs, in variables of its own that no store can change. */
typedef struct {
    update_vectors update;
    vreal l2;
    vsum squares;
    bool decays, charges;
} step_numbers;

FNN_INLINE step_numbers numbers_of(const group *g, bool weights) {
    step_numbers n = {g->update, g->l2, {{{0}}}, weights && g->decays, weights && g->charges};
    if (!weights) n.update.shrink = vset(1);
    return n;
}

/* One step for a vector of a parameter. */
FNN_INLINE void change_one(enum update_rule rule, step_numbers *n, real *w, real *m, real *v, vreal gradient) {
    vreal weight = vload(w), state_m = {0}, state_v = {0};
    if (update_keeps_m((int)rule)) state_m = vload(m);
    if (update_keeps_v((int)rule)) state_v = vload(v);
    if (n->charges) {
        vsum_add_square(&n->squares, weight);
        gradient = vselect(n->l2 == vset(0), gradient, vfma(n->l2, weight, gradient));
    }
    if (n->decays) {
        const vreal decayed = update_gradient(&n->update, weight, gradient, true);
        gradient = vselect(n->update.decay == vset(0), gradient, decayed);
    }
    vstore(w, update_step(rule, &n->update, weight, &state_m, &state_v, gradient));
    if (update_keeps_m((int)rule)) vstore(m, state_m);
    if (update_keeps_v((int)rule)) vstore(v, state_v);
}

FNN_INLINE void change_tile(enum update_rule rule, const change *c, const product_tile *t) {
    step_numbers n = numbers_of(c->g, true);
    for (int i = 0; i < t->rows; i++)
        for (int j = 0; j < t->cols; j++) {
            const ptrdiff_t at = ((t->row + i) * c->cols + t->col + j) * LANES;
            change_one(rule, &n, c->w + at, c->m + at, c->v + at, t->v[i * t->cols + j]);
        }
    for (int i = 0; n.charges && i < HALVES; i++) c->g->squares.half[i] += n.squares.half[i];
}

#define RULE_CASE(rule, call) \
    case rule: call(rule); break;

static void change_tile_by_rule(void *context, const product_tile *t) {
    const change *c = context;
    switch (c->g->rule) {
#define CHANGE(rule) change_tile(rule, c, t)
        FNN_UPDATE_RULES(RULE_CASE, CHANGE)
#undef CHANGE
    }
}

FNN_INLINE void change_bias(enum update_rule rule, group *g, const stage *s, ptrdiff_t begin) {
    step_numbers n = numbers_of(g, false);
    for (ptrdiff_t j = 0; j < s->units; j++) {
        vreal sum = vset(0);
        for (ptrdiff_t i = 0; i < g->batch; i++) sum += vload(s->gradient + (i * s->units + j) * VL);
        const ptrdiff_t at = (begin + j) * LANES;
        change_one(rule, &n, g->w + at, g->m + at, g->v + at, sum);
    }
}

/* Multiplies the gradient of a stage's outputs by the derivatives of its dropout and its activation. */
static void through(const group *g, const stage *s) {
    if (s->rate > 0) keep(g, s, s->gradient, s->gradient);
    const ptrdiff_t count = g->batch * s->units * VL;
    FN(activate_grad_block)(s->kind, s->alpha, s->gradient, count, s->saved, count, 1, count);
}

void FN(population_backward)(group *g) {
    through(g, &g->stages[g->stage_count - 1]);
    for (ptrdiff_t l = g->stage_count - 1; l >= 0; l--) {
        const stage *s = &g->stages[l];
        const ptrdiff_t first = s->weights * LANES;
        const product_operand gradient = {s->gradient, s->units * VL, VL, false};
        if (l > 0) { /* before the weights change */
            const stage *below = &g->stages[l - 1];
            store to = {below->gradient, NULL, s->inputs};
            product(g->batch, s->inputs, s->units, gradient,
                    (product_operand){g->w + first, s->units * LANES, LANES, false}, store_tile, &to);
            through(g, below);
        }
        change c = {g, g->w + first, g->m + first, g->v + first, s->units};
        product(s->inputs, s->units, g->batch, transposed(inputs_of(g, l)), transposed(gradient), change_tile_by_rule,
                &c);
        if (!s->bias) continue;
        switch (g->rule) {
#define CHANGE(rule) change_bias(rule, g, s, s->weights + s->inputs * s->units)
            FNN_UPDATE_RULES(RULE_CASE, CHANGE)
#undef CHANGE
        }
    }
}
