/* When a thread asks whether its call is to be left. */
#define _POSIX_C_SOURCE 200809L
#include "runtime/interruption.h"
#include "runtime/platform.h"

#include "fastnn.h"

#include <stddef.h>

/* Asking takes a microsecond, reading the clock a tenth of that; the processor's own counter some nanoseconds, so that
 * every task can afford it. Its unit is known roughly, which will do. */
#if defined(__x86_64__)
static const uint64_t TICKS = 1 << 28; /* at 2 to 5 GHz */
static uint64_t ticks(void) { return __builtin_ia32_rdtsc(); }
#else
static const uint64_t TICKS = 100 * 1000 * 1000; /* nanoseconds */
static uint64_t ticks(void) { return (uint64_t)(fnn_clock_seconds() * 1e9); }
#endif

static _Thread_local struct {
    fnn_interruption *interruption;
    int asks; /* whether this thread began the call */
} mine;

void fnn_interruption_join(fnn_interruption *interruption) {
    mine.interruption = interruption;
    mine.asks = 0;
}

fnn_interruption *fnn_interruption_joined(void) { return mine.interruption; }

void fnn_interruption_begin(fnn_interruption *interruption, fnn_ask ask) {
    interruption->ask = ask;
    interruption->due = ticks() + TICKS;
    atomic_init(&interruption->left, 0);
    mine.interruption = interruption;
    mine.asks = 1;
}

int fnn_is_left(void) {
    fnn_interruption *i = mine.interruption;
    if (i == NULL) return 0;
    if (atomic_load_explicit(&i->left, memory_order_relaxed)) return 1;
    if (!mine.asks) return 0;
    const uint64_t now = ticks();
    if (now < i->due) return 0;
    i->due = now + TICKS;
    if (!i->ask()) return 0;
    atomic_store_explicit(&i->left, 1, memory_order_relaxed);
    return 1;
}
