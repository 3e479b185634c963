/* Whether this thread computes with subnormal numbers, which are smaller than the smallest normal one.
 *
 * Many processors take more than a hundred cycles for an operation on one. Kernels of sums of products and of soft-max
 * therefore take and write zeros in their place, all others compute with them: fastnn/kernels/signatures.py says which.
 * The mode is set for the duration of a call and restored behind it, and the workers of the pool take over that of the
 * thread they work for. So the bits of a result do not depend on the mode of the process either.
 */
#ifndef FASTNN_RUNTIME_SUBNORMALS_H
#define FASTNN_RUNTIME_SUBNORMALS_H

#include <stdint.h>

/* The processor's floating-point control register. */
typedef uint64_t fnn_float_mode;

#if defined(__x86_64__)
enum { FNN_FLUSHES = 0x8040 }; /* of MXCSR: flush to zero, denormals are zero */
static inline fnn_float_mode fnn_get_float_mode(void) {
    uint32_t mode;
    __asm__ volatile("stmxcsr %0" : "=m"(mode) : : "memory");
    return mode;
}
static inline void fnn_set_float_mode(fnn_float_mode value) {
    const uint32_t mode = (uint32_t)value;
    __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
}
#elif defined(__aarch64__)
enum { FNN_FLUSHES = 1 << 24 }; /* of FPCR: flush to zero */
static inline fnn_float_mode fnn_get_float_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode) : : "memory");
    return mode;
}
static inline void fnn_set_float_mode(fnn_float_mode mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
}
#else
enum { FNN_FLUSHES = 0 }; /* nothing is known of the processor, so its mode stays */
static inline fnn_float_mode fnn_get_float_mode(void) { return 0; }
static inline void fnn_set_float_mode(fnn_float_mode mode) { (void)mode; }
#endif

/* Sets whether subnormal numbers are zeros from now on; returns the mode before, for fnn_restore_float_mode. */
static inline fnn_float_mode fnn_flush_subnormals(int flushes) {
    const fnn_float_mode before = fnn_get_float_mode();
    const fnn_float_mode mode = flushes ? before | FNN_FLUSHES : before & ~(fnn_float_mode)FNN_FLUSHES;
    if (mode != before) fnn_set_float_mode(mode);
    return before;
}

/* Restores a mode after a fnn_flush_subnormals(flushes). */
static inline void fnn_restore_float_mode(fnn_float_mode before, int flushes) {
    if (!(before & FNN_FLUSHES) != !flushes) fnn_set_float_mode(before);
}

#endif
