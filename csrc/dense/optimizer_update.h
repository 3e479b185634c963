/* The parameter updates, on vectors and on runs: one formula for the kernels and for every fused epilogue. */
#ifndef FASTNN_DENSE_OPTIMIZER_UPDATE_H
#define FASTNN_DENSE_OPTIMIZER_UPDATE_H

#include <float.h>
#include <stdbool.h>

#include "fastnn_generated.h"
#include "runtime/custom.h"
#include "simd/simd_math.h"

/* Scalars of one step, combined in double and rounded once. AdamW becomes Adam, without decay and with shrink. */
typedef struct {
    enum update_rule rule;
    bool decays; /* adds decay w to the gradient */
    real rate, decay, momentum, beta1, rest1, beta2, rest2, eps, shrink;
    double numbers[6]; /* of a rule of the user's own: rate, decay, t and its coefficients */
} update;

FNN_INLINE bool update_keeps_m(int rule) { return FNN_RULES_WITH_M >> rule & 1; }
FNN_INLINE bool update_keeps_v(int rule) { return FNN_RULES_WITH_V >> rule & 1; }
FNN_INLINE bool update_decoupled(int rule) { return FNN_RULES_DECOUPLED >> rule & 1; }

/* The scalars of step t (counted from 1); c: the rule's coefficients, as fastnn/kernels/updates.py names them. */
static inline update update_constants(enum update_rule rule, double rate, int64_t t, double decay, const double *c) {
    if ((int)rule >= FNN_CUSTOM) return (update){.rule = rule, .numbers = {rate, decay, (double)t, c[0], c[1], c[2]}};
    const bool decoupled = update_decoupled(rule); /* decay apart from the gradient: w shrinks first */
    update u = {
        .rule = rule,
        .decays = decay != 0 && !decoupled,
        .rate = (real)rate,
        .decay = (real)decay,
        .shrink = decoupled ? (real)(1 - rate * decay) : 1,
    };
    switch (rule) {
        case UPDATE_SGD: break;
        case UPDATE_MOMENTUM:
        case UPDATE_NESTEROV: u.momentum = (real)c[0]; break;
        case UPDATE_RMSPROP:
            u.beta2 = (real)c[0];
            u.rest2 = (real)(1 - c[0]);
            u.eps = (real)c[1];
            break;
        case UPDATE_ADAGRAD: u.eps = (real)c[0]; break;
        case UPDATE_ADAMW: u.rule = UPDATE_ADAM; /* fall through */
        case UPDATE_ADAM: {
            /* the bias corrections 1 - betaᵗ of m and v move into rate and eps */
            const double correction = sqrt(1 - pow(c[1], (double)t));
            u.rate = (real)(rate * correction / (1 - pow(c[0], (double)t)));
            u.eps = (real)(c[2] * correction);
        } /* fall through */
        case UPDATE_LION:
            u.beta1 = (real)c[0];
            u.rest1 = (real)(1 - c[0]);
            u.beta2 = (real)c[1];
            u.rest2 = (real)(1 - c[1]);
            break;
    }
    return u;
}

/* the same, once in every lane */
typedef struct {
    vreal rate, decay, momentum, beta1, rest1, beta2, rest2, eps, shrink;
} update_vectors;

FNN_INLINE update_vectors update_broadcast(const update *u) {
    return (update_vectors){vset(u->rate),  vset(u->decay), vset(u->momentum), vset(u->beta1), vset(u->rest1),
                            vset(u->beta2), vset(u->rest2), vset(u->eps),      vset(u->shrink)};
}

/* dw + decay w; without decay not even 0 w, which is NaN for an infinite w */
FNN_INLINE vreal update_gradient(const update_vectors *u, vreal w, vreal dw, bool decays) {
    return decays ? vfma(u->decay, w, dw) : dw;
}

/* 1, -1, or x itself: 0 or NaN */
FNN_INLINE vreal update_sign(vreal x) { return vselect(x > vset(0), vset(1), vselect(x < vset(0), vset(-1), x)); }

/* What a step keeps of m or v: zero for what is smaller than the smallest normal number. Where a gradient has become
 * exactly zero, the state would otherwise shrink into these numbers, which are slow to compute with, and stay there. */
FNN_INLINE vreal update_kept(vreal state) {
    const real least = sizeof(real) == sizeof(double) ? (real)DBL_MIN : (real)FLT_MIN;
    return (vreal)(vbits(state) & (vbits(vabs(state)) >= vbits(vset(least)))); /* NaN is kept */
}

/* w after a step of the rule, whose state changes in place; g is the gradient, with its decay. */
FNN_INLINE vreal update_step(enum update_rule rule, const update_vectors *u, vreal w, vreal *m, vreal *v, vreal g) {
    switch (rule) {
        case UPDATE_MOMENTUM: *v = update_kept(vfma(u->momentum, *v, u->rate * g)); return w - *v;
        case UPDATE_NESTEROV: {
            const vreal step = u->rate * g;
            *v = update_kept(vfma(u->momentum, *v, step));
            return w - vfma(u->momentum, *v, step);
        }
        case UPDATE_RMSPROP:
            *v = update_kept(vfma(u->beta2, *v, u->rest2 * (g * g)));
            return vfma(-u->rate, g / (vsqrt(*v) + u->eps), w);
        case UPDATE_ADAGRAD: *v = update_kept(vfma(g, g, *v)); return vfma(-u->rate, g / (vsqrt(*v) + u->eps), w);
        case UPDATE_ADAM:
            *m = update_kept(vfma(u->beta1, *m, u->rest1 * g));
            *v = update_kept(vfma(u->beta2, *v, u->rest2 * (g * g)));
            return vfma(-u->rate, *m / (vsqrt(*v) + u->eps), w * u->shrink);
        case UPDATE_LION: {
            const vreal c = vfma(u->beta1, *m, u->rest1 * g);
            *m = update_kept(vfma(u->beta2, *m, u->rest2 * g));
            return vfma(-u->rate, update_sign(c), w * u->shrink);
        }
        default: return vfma(-u->rate, g, w); /* UPDATE_SGD */
    }
}

/* One vector of parameters, or its first `count` elements, by its gradient. m and v are not read where the rule has
 * none. */
FNN_INLINE void update_one(enum update_rule rule, const update_vectors *u, real *w, real *m, real *v, vreal dw,
                           bool decays, bool whole, ptrdiff_t count) {
#define LOAD(p) (whole ? vload(p) : vload_part(p, count))
#define STORE(p, x) (whole ? vstore(p, x) : vstore_part(p, x, count))
    const vreal old = LOAD(w), g = update_gradient(u, old, dw, decays);
    vreal first = update_keeps_m(rule) ? LOAD(m) : vset(0), second = update_keeps_v(rule) ? LOAD(v) : vset(0);
    STORE(w, update_step(rule, u, old, &first, &second, g));
    if (update_keeps_m(rule)) STORE(m, first);
    if (update_keeps_v(rule)) STORE(v, second);
#undef LOAD
#undef STORE
}

/* One step of `count` parameters that lie side by side; m and v may be NULL where the rule does not keep them. */
void FN(update_run)(const update *u, real *w, real *m, real *v, const real *dw, ptrdiff_t count);

#endif
