/* The losses of a group of members, lane by lane. A lane adds up the losses of its samples in their order, in double.
 */
#include "population/scores.h"

#include "loss/lanes.h"

/* How the outputs of one sample are scored. */
typedef struct {
    const group *g;
    const int64_t *index[VBYTES / sizeof(real)];
    ptrdiff_t cols;
    vint counts; /* lanes in which the sample counts: all bits, or none */
    vsum *loss;
    vint *correct;
} scores;

FNN_INLINE vint ones_where(vint mask) { return mask & 1; }

/* What the sample adds in the lanes in which it counts. */
FNN_INLINE vreal counted(const scores *s, vreal v) { return vselect(s->counts, v, vset(0)); }

static void cross_entropy(const scores *s, ptrdiff_t sample, real *z, real *gradient) {
    const int64_t *labels = (const int64_t *)s->g->op->p[5];
    real found[VBYTES / sizeof(real)];
    for (ptrdiff_t lane = 0; lane < VL; lane++) found[lane] = (real)labels[s->index[lane][sample]];
    const vreal label = vload(found);
    real *e = gradient != NULL ? gradient : z;
    if (e != z) memcpy(e, z, (size_t)(s->cols * VL) * sizeof(real));
    const lanes_softmax softmax = lanes_exp(e, s->cols, label);
    const vreal loss = vlog(softmax.total) - (softmax.at_label - softmax.max);
    vsum_add(s->loss, counted(s, loss));
    *s->correct += ones_where((softmax.first == label) & (loss == loss) & s->counts);
    if (gradient == NULL) return;
    const vreal inverse = vset(1) / softmax.total, scale = s->g->gradient_scale;
    lanes_cross_entropy_grad(e, s->cols, label, inverse, inverse * scale, scale);
}

FNN_INLINE vreal target_of(const scores *s, ptrdiff_t sample, ptrdiff_t col) {
    const real *targets = (const real *)s->g->op->p[5];
    real found[VBYTES / sizeof(real)];
    for (ptrdiff_t lane = 0; lane < VL; lane++) found[lane] = targets[s->index[lane][sample] * s->cols + col];
    return vload(found);
}

static void squared_error(const scores *s, ptrdiff_t sample, real *z, real *gradient) {
    for (ptrdiff_t j = 0; j < s->cols; j++) {
        const vreal difference = vload(z + j * VL) - target_of(s, sample, j);
        vsum_add_square(s->loss, counted(s, difference));
        if (gradient != NULL) vstore(gradient + j * VL, difference * (vset(2) * s->g->gradient_scale));
    }
}

static void binary_cross_entropy(const scores *s, ptrdiff_t sample, real *z, real *gradient) {
    vint right = (vint){0} - 1;
    vreal total = vset(0);
    for (ptrdiff_t j = 0; j < s->cols; j++) {
        const vreal x = vload(z + j * VL), t = target_of(s, sample, j);
        vreal slope;
        total += binary_loss(x, t, &slope);
        right &= ~((x > vset(0)) ^ (t > vset((real)0.5)));
        if (gradient != NULL) vstore(gradient + j * VL, slope * s->g->gradient_scale);
    }
    vsum_add(s->loss, counted(s, total));
    *s->correct += ones_where(right & (total == total) & s->counts);
}

void FN(population_loss)(const group *g, ptrdiff_t step, vsum *loss, vint *correct) {
    const stage *last = &g->stages[g->stage_count - 1];
    const enum population_loss kind = (enum population_loss)g->op->s[SCALAR_LOSS_KIND];
    scores s = {.g = g, .cols = last->units, .loss = loss, .correct = correct};
    for (ptrdiff_t lane = 0; lane < VL; lane++) s.index[lane] = index_of(g, lane, step);
    for (ptrdiff_t i = 0; i < g->batch; i++) {
        s.counts = (vint){0} + (rint_t)i < g->samples;
        real *z = last->kept + i * s.cols * VL, *gradient = g->training ? last->gradient + i * s.cols * VL : NULL;
        switch (kind) {
            case SOFTMAX_CROSS_ENTROPY: cross_entropy(&s, i, z, gradient); break;
            case SQUARED_ERROR: squared_error(&s, i, z, gradient); break;
            case BINARY_CROSS_ENTROPY: binary_cross_entropy(&s, i, z, gradient); break;
        }
        for (ptrdiff_t j = 0; gradient != NULL && i >= g->fewest && j < s.cols; j++)
            vstore(gradient + j * VL, counted(&s, vload(gradient + j * VL)));
    }
}
