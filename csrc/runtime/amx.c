/* Whether there is AMX, and how products in its tile registers are computed. */
#define _GNU_SOURCE /* syscall */
#include "fastnn.h"

#include <stdatomic.h>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux asks for each use of a large register state: it makes the frames of signals larger, for which a thread's signal
 * stack may be too small. (arch/x86/include/uapi/asm/prctl.h; the kernel's documentation, "Using XSTATE features in
 * user space applications") */
enum { ARCH_GET_XCOMP_SUPP = 0x1021, ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
enum { CPUID_7_EDX_AMX_BF16 = 1 << 22, CPUID_7_EDX_AMX_TILE = 1 << 24 };

int fnn_has_amx(void) {
    const unsigned both = CPUID_7_EDX_AMX_BF16 | CPUID_7_EDX_AMX_TILE;
    unsigned a, b, c, d;
    uint64_t supported = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & both) == both &&
           syscall(SYS_arch_prctl, ARCH_GET_XCOMP_SUPP, &supported) == 0 && (supported >> XFEATURE_XTILEDATA & 1);
}

/* The permission is the process's, for all its threads, and stays. */
static int may_use_amx(void) {
    return fnn_has_amx() && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#else
int fnn_has_amx(void) { return 0; }
static int may_use_amx(void) { return 0; }
#endif

static atomic_int tiles = FNN_TILES_NONE;

int fnn_use_tiles(int how) {
    const int found = how == FNN_TILES_AMX && !may_use_amx() ? FNN_TILES_NONE : how;
    atomic_store_explicit(&tiles, found, memory_order_relaxed);
    return found;
}

int fnn_tiles(void) { return atomic_load_explicit(&tiles, memory_order_relaxed); }
