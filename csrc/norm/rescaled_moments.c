/* Mean and variance of values so large or so small that their sums or squares leave the range of the arrays' type:
 * taken again from the values divided by a power of two, which rounds nothing. */
#include "norm/norm_sums.h"

#define FOR_VALUES(v, statement)                                                \
    for (ptrdiff_t i = 0; i < (v)->runs; i++) {                                 \
        const real *run = (v)->x + i / (v)->lanes * (v)->step + i % (v)->lanes; \
        for (ptrdiff_t j = 0; j < (v)->count; j++) {                            \
            const double x = (double)run[j * (v)->stride];                      \
            statement                                                           \
        }                                                                       \
    }

void FN(norm_rescaled_moments)(const norm_values *v, double *mean, double *var) {
    double largest = 0, sum = 0, squares = 0;
    FOR_VALUES(v, {
        if (!isfinite(x)) return;
        largest = fmax(largest, fabs(x));
    })
    const double count = (double)(v->runs * v->count);
    if (largest == 0 || count == 0) return;
    int exponent;
    frexp(largest, &exponent);
    FOR_VALUES(v, sum += ldexp(x, -exponent);)
    const double centre = sum / count;
    FOR_VALUES(v, squares += (ldexp(x, -exponent) - centre) * (ldexp(x, -exponent) - centre);)
    *mean = ldexp(centre, exponent);
    *var = ldexp(squares / count, 2 * exponent);
    if (squares > 0 && !norm_holds_variance(*var)) *var = -ldexp(sqrt(squares / count), exponent);
}
