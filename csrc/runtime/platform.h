/* What the operating systems do differently: threads, aligned memory, the clock, processors, reads from files.
 *
 * There are two forms, POSIX and Windows. Every function is a line or two around that of the system, so that what is
 * compiled for POSIX is what would stand there without this file.
 */
#ifndef FASTNN_RUNTIME_PLATFORM_H
#define FASTNN_RUNTIME_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#include <io.h>
#include <malloc.h>
#include <process.h>

typedef HANDLE fnn_thread;
typedef SRWLOCK fnn_mutex;
typedef CONDITION_VARIABLE fnn_condition;
typedef INIT_ONCE fnn_once;
typedef DWORD fnn_thread_pointer; /* a pointer that each thread has of its own, freed at its end */

#define FNN_ONCE INIT_ONCE_STATIC_INIT
#define FNN_THREAD_FUNCTION(name, argument) static unsigned __stdcall name(void *argument)
#define FNN_THREAD_END 0

/* Returns false if there is no such thread to be had. */
static inline bool fnn_thread_start(fnn_thread *thread, unsigned(__stdcall *function)(void *), void *argument) {
    *thread = (HANDLE)_beginthreadex(NULL, 0, function, argument, 0, NULL);
    return *thread != NULL;
}
static inline void fnn_thread_join(fnn_thread thread) {
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}
static inline void fnn_thread_yield(void) { SwitchToThread(); }

static inline void fnn_mutex_init(fnn_mutex *mutex) { InitializeSRWLock(mutex); }
static inline void fnn_mutex_destroy(fnn_mutex *mutex) { (void)mutex; }
static inline void fnn_mutex_lock(fnn_mutex *mutex) { AcquireSRWLockExclusive(mutex); }
static inline void fnn_mutex_unlock(fnn_mutex *mutex) { ReleaseSRWLockExclusive(mutex); }

static inline void fnn_condition_init(fnn_condition *condition) { InitializeConditionVariable(condition); }
static inline void fnn_condition_destroy(fnn_condition *condition) { (void)condition; }
static inline void fnn_condition_wait(fnn_condition *condition, fnn_mutex *mutex) {
    SleepConditionVariableSRW(condition, mutex, INFINITE, 0);
}
static inline void fnn_condition_signal(fnn_condition *condition) { WakeConditionVariable(condition); }
static inline void fnn_condition_broadcast(fnn_condition *condition) { WakeAllConditionVariable(condition); }

static inline BOOL CALLBACK fnn_once_call(PINIT_ONCE once, PVOID function, PVOID *context) {
    (void)once, (void)context;
    (*(void (**)(void))function)();
    return TRUE;
}
static inline void fnn_call_once(fnn_once *once, void (*function)(void)) {
    InitOnceExecuteOnce(once, fnn_once_call, &function, NULL);
}

static inline void *fnn_aligned_alloc(size_t alignment, size_t bytes) { return _aligned_malloc(bytes, alignment); }
static inline void fnn_aligned_free(void *memory) { _aligned_free(memory); }

static inline VOID CALLBACK fnn_thread_pointer_end(PVOID pointer) { _aligned_free(pointer); }
static inline void fnn_thread_pointer_init(fnn_thread_pointer *key) { *key = FlsAlloc(fnn_thread_pointer_end); }
static inline void *fnn_thread_pointer_get(fnn_thread_pointer key) { return FlsGetValue(key); }
static inline bool fnn_thread_pointer_set(fnn_thread_pointer key, void *pointer) { return FlsSetValue(key, pointer); }

/* Windows has no fork. */
static inline void fnn_at_fork(void (*in_child)(void)) { (void)in_child; }

static inline double fnn_clock_seconds(void) {
    LARGE_INTEGER count, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    return (double)count.QuadPart / (double)frequency.QuadPart;
}

static inline long fnn_processors(void) { return (long)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS); }
/* Those that this process may use. */
static inline int fnn_usable_processors(void) { return (int)fnn_processors(); }

/* Reads up to `bytes` bytes from byte `offset` of a file; returns how many, 0 at its end, less than 0 on an error. (On
 * Windows the position of the file moves, on which nothing here depends.) */
static inline ptrdiff_t fnn_read_at(int file, void *out, size_t bytes, int64_t offset) {
    OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)((uint64_t)offset >> 32)};
    const DWORD most = bytes < 1u << 30 ? (DWORD)bytes : 1u << 30;
    DWORD got = 0;
    if (ReadFile((HANDLE)_get_osfhandle(file), out, most, &got, &at)) return (ptrdiff_t)got;
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : -1;
}

#else

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

typedef pthread_t fnn_thread;
typedef pthread_mutex_t fnn_mutex;
typedef pthread_cond_t fnn_condition;
typedef pthread_once_t fnn_once;
typedef pthread_key_t fnn_thread_pointer; /* a pointer that each thread has of its own, freed at its end */

#define FNN_ONCE PTHREAD_ONCE_INIT
#define FNN_THREAD_FUNCTION(name, argument) static void *name(void *argument)
#define FNN_THREAD_END NULL

/* Returns false if there is no such thread to be had. */
static inline bool fnn_thread_start(fnn_thread *thread, void *(*function)(void *), void *argument) {
    return pthread_create(thread, NULL, function, argument) == 0;
}
static inline void fnn_thread_join(fnn_thread thread) { pthread_join(thread, NULL); }
static inline void fnn_thread_yield(void) { sched_yield(); }

static inline void fnn_mutex_init(fnn_mutex *mutex) { pthread_mutex_init(mutex, NULL); }
static inline void fnn_mutex_destroy(fnn_mutex *mutex) { pthread_mutex_destroy(mutex); }
static inline void fnn_mutex_lock(fnn_mutex *mutex) { pthread_mutex_lock(mutex); }
static inline void fnn_mutex_unlock(fnn_mutex *mutex) { pthread_mutex_unlock(mutex); }

static inline void fnn_condition_init(fnn_condition *condition) { pthread_cond_init(condition, NULL); }
static inline void fnn_condition_destroy(fnn_condition *condition) { pthread_cond_destroy(condition); }
static inline void fnn_condition_wait(fnn_condition *condition, fnn_mutex *mutex) {
    pthread_cond_wait(condition, mutex);
}
static inline void fnn_condition_signal(fnn_condition *condition) { pthread_cond_signal(condition); }
static inline void fnn_condition_broadcast(fnn_condition *condition) { pthread_cond_broadcast(condition); }

static inline void fnn_call_once(fnn_once *once, void (*function)(void)) { pthread_once(once, function); }

/* posix_memalign, because macOS has aligned_alloc since 10.15 only */
static inline void *fnn_aligned_alloc(size_t alignment, size_t bytes) {
    void *memory;
    return posix_memalign(&memory, alignment, bytes) == 0 ? memory : NULL;
}
static inline void fnn_aligned_free(void *memory) { free(memory); }

static inline void fnn_thread_pointer_init(fnn_thread_pointer *key) { pthread_key_create(key, fnn_aligned_free); }
static inline void *fnn_thread_pointer_get(fnn_thread_pointer key) { return pthread_getspecific(key); }
static inline bool fnn_thread_pointer_set(fnn_thread_pointer key, void *pointer) {
    return pthread_setspecific(key, pointer) == 0;
}

static inline void fnn_at_fork(void (*in_child)(void)) { pthread_atfork(NULL, NULL, in_child); }

static inline double fnn_clock_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline long fnn_processors(void) { return sysconf(_SC_NPROCESSORS_ONLN); }
/* Those that this process may use. */
static inline int fnn_usable_processors(void) {
#if defined(CPU_COUNT) /* Linux, where a source asks for it by _GNU_SOURCE */
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
    return (int)fnn_processors();
}

/* Reads up to `bytes` bytes from byte `offset` of a file; returns how many, 0 at its end, less than 0 on an error. */
static inline ptrdiff_t fnn_read_at(int file, void *out, size_t bytes, int64_t offset) {
    return pread(file, out, bytes, (off_t)offset);
}

#endif
#endif
