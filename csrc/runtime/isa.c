/* Finds which of the compiled instruction sets this processor can run. The build defines FNN_WITH_… for each of
 * them. */
#include "fastnn.h"

#include <stdbool.h>

#define ISA(isa)                                                                     \
    extern const fnn_entry fnn_table_f32_##isa[], fnn_table_f64_##isa[];             \
    extern const fnn_entry fnn_probes_f32_##isa[], fnn_probes_f64_##isa[];           \
    extern const fnn_entry fnn_populations_f32_##isa[], fnn_populations_f64_##isa[]; \
    extern const int fnn_panel_f32_##isa, fnn_panel_f64_##isa;                       \
    static const fnn_isa isa = {#isa,                                                \
                                fnn_table_f32_##isa,                                 \
                                fnn_table_f64_##isa,                                 \
                                fnn_probes_f32_##isa,                                \
                                fnn_probes_f64_##isa,                                \
                                fnn_populations_f32_##isa,                           \
                                fnn_populations_f64_##isa,                           \
                                &fnn_panel_f32_##isa,                                \
                                &fnn_panel_f64_##isa};

#ifdef FNN_WITH_avx512
ISA(avx512)
#endif
#ifdef FNN_WITH_avx2
ISA(avx2)
#endif
#ifdef FNN_WITH_neon
ISA(neon)
#endif
#ifdef FNN_WITH_baseline
ISA(baseline)
#endif
#ifdef FNN_WITH_plain
ISA(plain)
#endif

int fnn_bf16_is_fast(void) {
#ifdef FNN_WITH_avx512
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
#else
    return 0;
#endif
}

const fnn_isa *const *fnn_isas(void) {
    static const fnn_isa *found[5];
    int count = 0;
#ifdef FNN_WITH_avx512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found[count++] = &avx512;
#endif
#ifdef FNN_WITH_avx2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found[count++] = &avx2;
#endif
#ifdef FNN_WITH_neon
    found[count++] = &neon;
#endif
#ifdef FNN_WITH_baseline
    found[count++] = &baseline;
#endif
#ifdef FNN_WITH_plain
    found[count++] = &plain;
#endif
    found[count] = NULL;
    return found;
}
