/* The parameter updates, on vectors and on runs: one formula for the kernels and for every fused epilogue. */
#ifndef FASTNN_DENSE_OPTIMIZER_UPDATE_H
#define FASTNN_DENSE_OPTIMIZER_UPDATE_H

#include <stdbool.h>

#include "simd/simd.h"

/* Which state a rule keeps: sgd none, adam m and v, the others v. AdamW is adam without decay and with shrink. The
 * first three have strips of their own in dense/weight_grad_rank_k.c. */
enum update_rule {
    UPDATE_SGD,
    UPDATE_MOMENTUM,
    UPDATE_ADAM,
    UPDATE_NESTEROV,
    UPDATE_RMSPROP,
    UPDATE_ADAGRAD,
};

/* Scalars of one step, combined in double and rounded once. */
typedef struct {
    enum update_rule rule;
    real rate, decay, momentum, beta1, rest1, beta2, rest2, eps, shrink;
} update;

FNN_INLINE update sgd_constants(double rate, double decay) {
    return (update){.rule = UPDATE_SGD, .rate = (real)rate, .decay = (real)decay};
}

FNN_INLINE update momentum_constants(double rate, double momentum, double decay) {
    return (update){.rule = UPDATE_MOMENTUM, .rate = (real)rate, .decay = (real)decay, .momentum = (real)momentum};
}

/* The bias corrections 1 - betaᵗ of m and v move into rate and eps. */
static inline update adam_constants(double rate, int64_t t, double beta1, double beta2, double eps, double decay) {
    double correction = sqrt(1 - pow(beta2, (double)t));
    return (update){.rule = UPDATE_ADAM,
                    .rate = (real)(rate * correction / (1 - pow(beta1, (double)t))),
                    .decay = (real)decay,
                    .beta1 = (real)beta1,
                    .rest1 = (real)(1 - beta1),
                    .beta2 = (real)beta2,
                    .rest2 = (real)(1 - beta2),
                    .eps = (real)(eps * correction),
                    .shrink = 1};
}

/* Decay apart from the gradient: w shrinks first. */
static inline update adamw_constants(double rate, int64_t t, double beta1, double beta2, double eps, double decay) {
    update u = adam_constants(rate, t, beta1, beta2, eps, 0);
    u.shrink = (real)(1 - rate * decay);
    return u;
}

FNN_INLINE update nesterov_constants(double rate, double momentum, double decay) {
    update u = momentum_constants(rate, momentum, decay);
    u.rule = UPDATE_NESTEROV;
    return u;
}

FNN_INLINE update rmsprop_constants(double rate, double rho, double eps, double decay) {
    return (update){.rule = UPDATE_RMSPROP,
                    .rate = (real)rate,
                    .decay = (real)decay,
                    .beta2 = (real)rho,
                    .rest2 = (real)(1 - rho),
                    .eps = (real)eps};
}

FNN_INLINE update adagrad_constants(double rate, double eps, double decay) {
    return (update){.rule = UPDATE_ADAGRAD, .rate = (real)rate, .decay = (real)decay, .eps = (real)eps};
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

/* w after the step */
FNN_INLINE vreal update_sgd(const update_vectors *u, vreal w, vreal g) { return vfma(-u->rate, g, w); }

FNN_INLINE vreal update_momentum(const update_vectors *u, vreal w, vreal *v, vreal g) {
    *v = vfma(u->momentum, *v, u->rate * g);
    return w - *v;
}

FNN_INLINE vreal update_adam(const update_vectors *u, vreal w, vreal *m, vreal *v, vreal g) {
    *m = vfma(u->beta1, *m, u->rest1 * g);
    *v = vfma(u->beta2, *v, u->rest2 * (g * g));
    return vfma(-u->rate, *m / (vsqrt(*v) + u->eps), w * u->shrink);
}

FNN_INLINE vreal update_nesterov(const update_vectors *u, vreal w, vreal *v, vreal g) {
    vreal step = u->rate * g;
    *v = vfma(u->momentum, *v, step);
    return w - vfma(u->momentum, *v, step);
}

FNN_INLINE vreal update_rmsprop(const update_vectors *u, vreal w, vreal *v, vreal g) {
    *v = vfma(u->beta2, *v, u->rest2 * (g * g));
    return vfma(-u->rate, g / (vsqrt(*v) + u->eps), w);
}

FNN_INLINE vreal update_adagrad(const update_vectors *u, vreal w, vreal *v, vreal g) {
    *v = vfma(g, g, *v);
    return vfma(-u->rate, g / (vsqrt(*v) + u->eps), w);
}

/* One vector of parameters, or its first `count` elements, by its gradient. */
FNN_INLINE void update_one(enum update_rule rule, const update_vectors *u, real *w, real *m, real *v, vreal dw,
                           bool decays, bool whole, ptrdiff_t count) {
#define LOAD(p) (whole ? vload(p) : vload_part(p, count))
#define STORE(p, x) (whole ? vstore(p, x) : vstore_part(p, x, count))
    vreal old = LOAD(w), g = update_gradient(u, old, dw, decays);
    if (rule == UPDATE_SGD) {
        STORE(w, update_sgd(u, old, g));
    } else if (rule == UPDATE_ADAM) {
        vreal first = LOAD(m), second = LOAD(v);
        STORE(w, update_adam(u, old, &first, &second, g));
        STORE(m, first);
        STORE(v, second);
    } else {
        vreal state = LOAD(v);
        STORE(w, rule == UPDATE_MOMENTUM   ? update_momentum(u, old, &state, g)
                 : rule == UPDATE_NESTEROV ? update_nesterov(u, old, &state, g)
                 : rule == UPDATE_RMSPROP  ? update_rmsprop(u, old, &state, g)
                                           : update_adagrad(u, old, &state, g));
        STORE(v, state);
    }
#undef LOAD
#undef STORE
}

FNN_INLINE void update_run_as(enum update_rule rule, const update *constants, real *w, real *m, real *v, const real *dw,
                              ptrdiff_t count, bool decays) {
    update_vectors u = update_broadcast(constants);
    ptrdiff_t i = 0;
#define AT(p) ((p) == NULL ? NULL : (p) + i)
    for (; i + VL <= count; i += VL) update_one(rule, &u, w + i, AT(m), AT(v), vload(dw + i), decays, true, VL);
    if (i < count) update_one(rule, &u, w + i, AT(m), AT(v), vload_part(dw + i, count - i), decays, false, count - i);
#undef AT
}

/* One step of `count` parameters that lie side by side; m and v may be NULL where the rule does not keep
 * them. `decays`: add the decay term. */
static inline void update_run(const update *u, real *w, real *m, real *v, const real *dw, ptrdiff_t count,
                              bool decays) {
    switch (u->rule) {
        case UPDATE_SGD: update_run_as(UPDATE_SGD, u, w, m, v, dw, count, decays); break;
        case UPDATE_MOMENTUM: update_run_as(UPDATE_MOMENTUM, u, w, m, v, dw, count, decays); break;
        case UPDATE_ADAM: update_run_as(UPDATE_ADAM, u, w, m, v, dw, count, decays); break;
        case UPDATE_NESTEROV: update_run_as(UPDATE_NESTEROV, u, w, m, v, dw, count, decays); break;
        case UPDATE_RMSPROP: update_run_as(UPDATE_RMSPROP, u, w, m, v, dw, count, decays); break;
        case UPDATE_ADAGRAD: update_run_as(UPDATE_ADAGRAD, u, w, m, v, dw, count, decays); break;
    }
}

#endif
