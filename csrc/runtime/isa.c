/* Finds which of the compiled instruction sets this processor can run. The build defines FNN_WITH_… for each of
 * them. */
#include "fastnn.h"

#include <stdatomic.h>
#include <stdbool.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

#if defined(FNN_WITH_avx512) || defined(FNN_WITH_avx2)
/* What the processor has and the system keeps from one thread to the next. Asked of the processor itself: with
 * __builtin_cpu_supports, a library built by Zig's clang finds nothing at all, because nobody fills the table behind
 * it. (Intel, "Software Developer's Manual", volume 2, CPUID; volume 1, 13.2 and 14.3) */
enum { LEAF_1_ECX_FMA = 1 << 12, LEAF_1_ECX_OSXSAVE = 1 << 27 };
enum { XCR0_AVX = 6, XCR0_AVX512 = 0xE6 };
#define LEAF_7_EBX_AVX2 (1u << 5)
#define LEAF_7_EBX_AVX512 (1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) /* F, DQ, BW, VL */
#define LEAF_7_1_EAX_AVX512_BF16 (1u << 5)

static bool has(unsigned leaf_7_ebx, unsigned state) {
    unsigned a, b, c, d, enabled, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & LEAF_1_ECX_OSXSAVE) || !(c & LEAF_1_ECX_FMA)) return false;
    __asm__("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
    if ((enabled & state) != state || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    return (b & leaf_7_ebx) == leaf_7_ebx;
}

#ifdef FNN_WITH_avx512
static bool is_amd_with_bf16(void) {
    unsigned a, b, c, d;
    if (!has(LEAF_7_EBX_AVX512, XCR0_AVX512) || !__get_cpuid_count(7, 1, &a, &b, &c, &d)) return false;
    const bool bf16 = a & LEAF_7_1_EAX_AVX512_BF16;
    return bf16 && __get_cpuid(0, &a, &b, &c, &d) && c == signature_AMD_ecx;
}
#endif
#endif

/* Every product asks, but the processor is asked once: a virtual machine interrupts a program for each CPUID, for
 * microseconds. */
int fnn_bf16_is_fast(void) {
#ifdef FNN_WITH_avx512
    enum { UNKNOWN, IS_SLOW, IS_FAST };
    static atomic_int known = UNKNOWN;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = is_amd_with_bf16() ? IS_FAST : IS_SLOW;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == IS_FAST;
#else
    return 0;
#endif
}

const fnn_isa *const *fnn_isas(void) {
    static const fnn_isa *found[5];
    int count = 0;
#ifdef FNN_WITH_avx512
    if (has(LEAF_7_EBX_AVX2 | LEAF_7_EBX_AVX512, XCR0_AVX512)) found[count++] = &avx512;
#endif
#ifdef FNN_WITH_avx2
    if (has(LEAF_7_EBX_AVX2, XCR0_AVX)) found[count++] = &avx2;
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
