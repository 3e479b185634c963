/* Exponentials and logarithms of runs of numbers, for scripts/sweep_unary.py: kernels use them within other formulas,
 * and none has one as its result. */
#include "simd/simd_math.h"

#define RUN(name, function)                                                                       \
    __attribute__((visibility("default"))) void name(const real *x, real *out, ptrdiff_t count) { \
        for (ptrdiff_t i = 0; i < count; i += VL)                                                 \
            vstore_tail(out + i, function(vload_tail(x + i, count - i)), count - i);              \
    }

RUN(run_exp, vexp)
RUN(run_exp_nonpositive, vexp_nonpositive)
RUN(run_expm1_nonpositive, vexpm1_nonpositive)
RUN(run_log, vlog)
RUN(run_log1p_unit, vlog1p_unit)
