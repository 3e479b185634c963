/* Steps of a population: of training, or of evaluation. A task takes groups of members, one after the other, through
 * all steps of the call. */
#include "population/inputs.h"
#include "population/layers.h"
#include "population/scores.h"

/* w, m, v, stages, x, y, index, rates, members, loss, correct, work;
 * training, first, update_t, rule, c0, c1, c2, loss_kind
 * dimensions g, p, l, (columns of stages), r, d, c, j, n, k, s, a, z */
enum {
    BLOCK_DIM,
    PARAMETER_DIM,
    STAGE_DIM,
    ROW_DIM,
    INPUT_DIM,
    TARGET_DIM,
    ORDER_DIM,
    PLACE_DIM,
    MEMBER_DIM,
    STEP_DIM,
    TASK_DIM,
    WORK_DIM
};
enum { MOST_STAGES = FNN_POPULATION_STAGES, MOST_LANES = VBYTES / sizeof(real) };

static stage stage_of(const double *row, real *work, bool training) {
    return (stage){
        .inputs = (ptrdiff_t)row[STAGE_INPUTS],
        .units = (ptrdiff_t)row[STAGE_UNITS],
        .bias = row[STAGE_BIAS] != 0,
        .kind = (int)row[STAGE_KIND],
        .alpha = (real)row[STAGE_ALPHA],
        .rate = row[STAGE_RATE],
        .purpose = (uint32_t)row[STAGE_PURPOSE],
        .weights = (ptrdiff_t)row[STAGE_WEIGHTS],
        .sums = work + (ptrdiff_t)row[STAGE_SUMS] * VL,
        .outputs = work + (ptrdiff_t)row[STAGE_OUTPUTS] * VL,
        .kept = work + (ptrdiff_t)row[training ? STAGE_KEPT : STAGE_OUTPUTS] * VL,
        .saved = work + (ptrdiff_t)row[STAGE_SAVED] * VL,
        .mask = work + (ptrdiff_t)row[STAGE_MASK] * VL,
        .gradient = work + (ptrdiff_t)row[STAGE_GRADIENT] * VL,
    };
}

/* The scalars of step t of each lane, side by side. Neighbours often have the same rate and decay. */
static void prepare_update(group *g, ptrdiff_t step, int64_t t) {
    const fnn_op *op = g->op;
    const double *rates = (const double *)op->p[7];
    const enum update_rule rule = (enum update_rule)op->s[SCALAR_RULE];
    struct {
        real rate[MOST_LANES], decay[MOST_LANES], momentum[MOST_LANES], beta1[MOST_LANES], rest1[MOST_LANES];
        real beta2[MOST_LANES], rest2[MOST_LANES], eps[MOST_LANES], shrink[MOST_LANES];
    } lanes;
    update u = {0};
    double rate = 0, decay = 0;
    g->decays = false;
    for (ptrdiff_t lane = 0; lane < VL; lane++) {
        const double next_rate = rates[g->member[lane] * g->steps + step];
        const double next_decay = number_of(g, lane, MEMBER_DECAY);
        if (lane == 0 || next_rate != rate || next_decay != decay) {
            rate = next_rate;
            decay = next_decay;
            u = update_constants(rule, rate, t, decay, op->s + SCALAR_COEFFICIENTS);
        }
        g->decays |= u.decays;
        lanes.rate[lane] = u.rate, lanes.decay[lane] = u.decay, lanes.momentum[lane] = u.momentum;
        lanes.beta1[lane] = u.beta1, lanes.rest1[lane] = u.rest1, lanes.beta2[lane] = u.beta2;
        lanes.rest2[lane] = u.rest2, lanes.eps[lane] = u.eps, lanes.shrink[lane] = u.shrink;
    }
    g->rule = u.rule;
    g->update = (update_vectors){vload(lanes.rate),  vload(lanes.decay), vload(lanes.momentum),
                                 vload(lanes.beta1), vload(lanes.rest1), vload(lanes.beta2),
                                 vload(lanes.rest2), vload(lanes.eps),   vload(lanes.shrink)};
}

static void find_members(group *g, ptrdiff_t first) {
    real l2[VBYTES / sizeof(real)], scale[VBYTES / sizeof(real)];
    g->lanes = fnn_min(VL, g->members - first);
    g->charges = false;
    g->fewest = g->batch;
    for (ptrdiff_t lane = 0; lane < VL; lane++) {
        g->member[lane] = fnn_min(first + lane, g->members - 1);
        l2[lane] = (real)number_of(g, lane, MEMBER_L2);
        g->charges |= l2[lane] != 0;
        scale[lane] = (real)number_of(g, lane, MEMBER_GRADIENT_SCALE);
        const ptrdiff_t samples = (ptrdiff_t)number_of(g, lane, MEMBER_SAMPLES);
        g->samples[lane] = (rint_t)samples;
        g->fewest = fnn_min(g->fewest, samples);
    }
    g->l2 = vload(l2);
    g->gradient_scale = vload(scale);
}

static void run_step(group *g, ptrdiff_t step) {
    const fnn_op *op = g->op;
    const int64_t t = (int64_t)op->s[SCALAR_FIRST] + step;
    double *losses = (double *)op->p[9];
    int64_t *rights = (int64_t *)op->p[10];
    vsum loss = {0};
    vint correct = {0};
    memset(&g->squares, 0, sizeof g->squares);
    FN(population_gather)(g, step);
    for (ptrdiff_t l = 0; g->training && l < g->stage_count; l++)
        if (g->stages[l].rate > 0) FN(population_mask)(g, &g->stages[l], t);
    FN(population_forward)(g);
    FN(population_loss)(g, step, &loss, &correct);
    if (g->training) {
        prepare_update(g, step, op->s[SCALAR_UPDATE_T] > 0 ? (int64_t)op->s[SCALAR_UPDATE_T] : t);
        FN(population_backward)(g);
    }
    for (ptrdiff_t lane = 0; lane < g->lanes; lane++) {
        const ptrdiff_t at = g->member[lane] * g->steps + step;
        const double l2 = number_of(g, lane, MEMBER_L2);
        losses[at] = number_of(g, lane, MEMBER_LOSS_SCALE) * vsum_lane(&loss, lane);
        if (l2 != 0) losses[at] += l2 / 2 * vsum_lane(&g->squares, lane);
        rights[at] = correct[lane];
    }
}

static void run_groups(void *context, int task) {
    const fnn_op *op = context;
    const ptrdiff_t members = op->n[MEMBER_DIM], steps = op->n[STEP_DIM], parameters = op->n[PARAMETER_DIM] * LANES;
    real *work = OUT(11) + task * op->n[WORK_DIM] * LANES;
    stage stages[MOST_STAGES];
    group g = {
        .op = op,
        .batch = op->n[PLACE_DIM] / steps,
        .steps = steps,
        .members = members,
        .stage_count = op->n[STAGE_DIM],
        .stages = stages,
        .shared = op->n[ORDER_DIM] == 1 && members > 1,
        .training = op->s[SCALAR_TRAINING] != 0,
        .x = work,
    };
    for (ptrdiff_t l = 0; l < g.stage_count; l++)
        stages[l] = stage_of((const double *)op->p[3] + l * FNN_STAGE_FIELDS, work, g.training);
    const fnn_balanced even = fnn_balance((members + VL - 1) / VL, op->n[TASK_DIM]);
    const ptrdiff_t end = fnn_balanced_begin(&even, task + 1);
    for (ptrdiff_t i = fnn_balanced_begin(&even, task); i < end; i++) {
        const ptrdiff_t at = i / GROUPS * parameters + i % GROUPS * VL;
        g.w = OUT(0) + at;
        /* what the rule does not keep is never touched */
        g.m = op->p[1] == NULL ? g.w : OUT(1) + at;
        g.v = op->p[2] == NULL ? g.w : OUT(2) + at;
        find_members(&g, i * VL);
        for (ptrdiff_t step = 0; step < steps; step++) run_step(&g, step);
    }
}

/* `index` has one row if all members read the same samples. A step has n / s of its places. The number of tasks is that
 * of the workspaces. */
void FN(population_steps)(const fnn_op *op) {
    if (op->n[STEP_DIM] == 0 || op->n[MEMBER_DIM] == 0) return;
    fnn_parallel((int)op->n[TASK_DIM], run_groups, (void *)op);
}
