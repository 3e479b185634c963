/* Many networks of one architecture in the lanes of vectors: each lane is a member, so that a vector operation does the
 * same scalar operation of VL networks, and no bit of a member depends on which others there are.
 *
 * Parameters and the optimiser's state are in blocks of LANES members, [block][parameter][member]. A task works on one
 * group of VL members of a block, alone and through all steps of a call, so that their weights stay in its caches. In
 * its workspace an element of an array is one vector.
 */
#ifndef FASTNN_POPULATION_GROUP_H
#define FASTNN_POPULATION_GROUP_H

#include "dense/optimizer_update.h"
#include "runtime/kernel.h"
#include "runtime/philox.h"
#include "simd/simd_math.h"

enum { LANES = FNN_POPULATION_LANES, GROUPS = FNN_POPULATION_LANES * sizeof(real) / VBYTES };

/* The scalars of the kernel. `update_t` is the number of every step for the update, if it is not 0. */
enum {
    SCALAR_TRAINING,
    SCALAR_FIRST,
    SCALAR_UPDATE_T,
    SCALAR_RULE,
    SCALAR_COEFFICIENTS,
    SCALAR_LOSS_KIND = SCALAR_COEFFICIENTS + 3,
};

/* A dense layer, with the activation and the dropout that follow it: a row of the argument `stages`. */
typedef struct {
    ptrdiff_t inputs, units;
    bool bias;
    int kind;
    real alpha;
    double rate;
    uint32_t purpose;
    ptrdiff_t weights; /* the number of its first parameter */
    /* in the workspace; sums, outputs and kept may be the same, and saved, which the derivative needs, is one of them
     */
    real *sums, *outputs, *kept, *saved, *mask, *gradient;
} stage;

/* What a task works on. */
typedef struct {
    const fnn_op *op;
    ptrdiff_t batch, steps, members;
    ptrdiff_t stage_count;
    stage *stages;
    bool shared; /* all members read the same samples, so the inputs are scalars */
    bool training;
    real *x;         /* the inputs of a batch (batch, inputs): vectors, or scalars if they are shared */
    real *w, *m, *v; /* of the group: parameter p is at p * LANES */
    ptrdiff_t member[VBYTES / sizeof(real)]; /* the number of the member of each lane; the last one fills the rest */
    ptrdiff_t lanes;                         /* how many members the group has */
    vint samples; /* of each lane: how many samples of a step count; where it differs, the others have no gradient */
    ptrdiff_t fewest; /* the smallest of them */
    vreal gradient_scale;
    update_vectors update;
    enum update_rule rule;
    bool decays, charges; /* whether any member has weight decay in its gradient, or an L2 term */
    vreal l2;
    vsum squares; /* the sums of the squares of the weights that decay */
} group;

FNN_INLINE const int64_t *index_of(const group *g, ptrdiff_t lane, ptrdiff_t step) {
    const int64_t *index = (const int64_t *)g->op->p[6];
    return index + (g->shared ? 0 : g->member[lane] * g->steps * g->batch) + step * g->batch;
}

/* A number of the member in a lane. */
FNN_INLINE double number_of(const group *g, ptrdiff_t lane, enum member_field field) {
    return ((const double *)g->op->p[8])[g->member[lane] * FNN_MEMBER_FIELDS + (ptrdiff_t)field];
}

#endif
