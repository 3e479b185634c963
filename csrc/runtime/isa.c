/* Which of the instruction sets that were compiled can this processor run? */
#include "fastnn.h"

#include <stdbool.h>

#define TABLE(isa)                                                         \
    extern const fnn_entry fnn_table_f32_##isa[], fnn_table_f64_##isa[];   \
    extern const fnn_entry fnn_probes_f32_##isa[], fnn_probes_f64_##isa[]; \
    extern const int fnn_panel_f32_##isa, fnn_panel_f64_##isa;
#if !defined(__aarch64__)
TABLE(baseline)
#endif
#if defined(__x86_64__)
TABLE(avx2)
TABLE(avx512)
#elif defined(__aarch64__)
TABLE(neon)
#endif

#define ISA(isa)                                      \
    static const fnn_isa isa = {#isa,                 \
                                fnn_table_f32_##isa,  \
                                fnn_table_f64_##isa,  \
                                fnn_probes_f32_##isa, \
                                fnn_probes_f64_##isa, \
                                &fnn_panel_f32_##isa, \
                                &fnn_panel_f64_##isa};
#if defined(__x86_64__)
ISA(avx512)
ISA(avx2)
#elif defined(__aarch64__)
ISA(neon)
#endif
#if !defined(__aarch64__)
ISA(baseline)
#endif

const fnn_isa *const *fnn_isas(void) {
    static const fnn_isa *found[4];
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found[count++] = &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found[count++] = &avx2;
#elif defined(__aarch64__)
    found[count++] = &neon;
#endif
#if !defined(__aarch64__)
    found[count++] = &baseline;
#endif
    found[count] = NULL;
    return found;
}
