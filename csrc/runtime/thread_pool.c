/* The thread pool. A process has one, which is built when it is first needed.
 *
 * A parallel call publishes (function, context, tasks) under a new generation number; workers spin on that number for
 * a bounded time, then sleep on a condition variable. Every thread has its own run of neighbouring tasks, so that it
 * works on the same part of the arrays in every kernel and in every step, and so that what the hardware prefetches at
 * the end of a task is mostly its own. An idle thread takes over tasks that their owner has not begun, so that a call
 * never waits for a thread that sleeps or has lost its processor. If the pool is busy with another caller, or if the
 * call is nested, the calling thread runs all tasks itself. After a fork the child forgets the pool, whose threads it
 * does not have, and builds one of its own when it needs it.
 */
#define _GNU_SOURCE
#include "runtime/input_prefetch.h"
#include "runtime/interruption.h"
#include "runtime/platform.h"
#include "runtime/subnormals.h"
#include "runtime/thread_pool.h"
#include "fastnn.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How long a thread spins before it sleeps. Waking a sleeper takes 50 to 200 µs on a virtual machine, and while it
 * sleeps others take over its tasks: a worker that spun for less than the duration of a call that runs without it would
 * sleep through every call.
 */
static const double SPIN_SECONDS = 1e-3;
enum { RETRY_MS = 1000, THREADS_PER_PROCESSOR = 4, LEAST_LIMIT = 8 };
enum { SPINS_PER_LOOK = 64 }; /* pause instructions, 15 to 60 ns each, between two looks at the clock */

#define LINE __attribute__((aligned(64)))

/* How many of a thread's own tasks have been begun (lower half), in which generation (upper half). */
typedef struct {
    LINE _Atomic(uint64_t) begun;
} share;

typedef struct {
    int threads; /* the caller counts as thread 0 */
    fnn_thread handle[FNN_MAX_THREADS];

    LINE _Atomic(uint32_t) generation;
    void (*fn)(void *, int);
    void *context;
    /* the caller's; atomic because workers without a task read them as well */
    _Atomic(fnn_input_prefetch *) prefetch;
    _Atomic(fnn_interruption *) interruption;
    _Atomic(fnn_float_mode) float_mode;
    atomic_int tasks;
    atomic_bool stop;

    LINE atomic_int finished; /* tasks of this generation; while the pool is being built, workers that are ready */

    LINE atomic_int sleepers;
    atomic_bool caller_sleeps;
    fnn_mutex mutex;
    fnn_condition work, done;

    share shares[FNN_MAX_THREADS];
} pool;

typedef struct {
    pool *pool;
    int index;
} worker_start;

static _Atomic(pool *) the_pool;
static atomic_int wanted;                   /* how many threads were asked for; 0: not decided yet */
static _Atomic(int64_t) retry_at;           /* in ms: no pool could be built, and none is tried before */
static atomic_flag busy = ATOMIC_FLAG_INIT; /* held by the caller whose tasks the pool runs */
static _Thread_local bool inside;           /* this thread runs a task now */
static _Thread_local bool single_threaded;  /* this thread leaves the pool to others */
static fnn_once once = FNN_ONCE;
static fnn_thread_pointer scratch_key;

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

double fnn_seconds(void) { return fnn_clock_seconds(); }

static void forget_pool(void) {
    atomic_store(&the_pool, NULL);
    atomic_store(&retry_at, 0);
    atomic_flag_clear(&busy);
    inside = false;
}

static void initialise(void) {
    fnn_at_fork(forget_pool);
    fnn_thread_pointer_init(&scratch_key);
}

void *fnn_scratch(void) {
    fnn_call_once(&once, initialise);
    void *block = fnn_thread_pointer_get(scratch_key);
    if (block == NULL) {
        block = fnn_aligned_alloc(64, FNN_SCRATCH_BYTES);
        if (block == NULL) return NULL;
        memset(block, 0, FNN_SCRATCH_BYTES); /* so that pages are mapped now and not inside a step */
        if (!fnn_thread_pointer_set(scratch_key, block)) {
            fnn_aligned_free(block);
            return NULL;
        }
    }
    return block;
}

/* Begins one task of thread `owner` and returns its number; -1 if none is left or the generation is over. */
static int begin(pool *p, int owner, uint32_t generation) {
    _Atomic(uint64_t) *begun = &p->shares[owner].begun;
    uint64_t now = atomic_load_explicit(begun, memory_order_acquire);
    for (;;) {
        const int64_t tasks = atomic_load_explicit(&p->tasks, memory_order_relaxed);
        const int task = (int)(tasks * owner / p->threads + (uint32_t)now);
        if ((uint32_t)(now >> 32) != generation || task >= tasks * (owner + 1) / p->threads) return -1;
        if (atomic_compare_exchange_weak_explicit(begun, &now, now + 1, memory_order_acq_rel, memory_order_acquire))
            return task;
    }
}

/* Runs the tasks of thread `index`, then those that others have not begun. */
static void run_tasks(pool *p, int index, uint32_t generation) {
    inside = true;
    int done = 0;
    for (int i = 0; i < p->threads; i++) {
        const int owner = (index + i) % p->threads;
        /* fn and context stay as they are, because the call cannot return before a task that was begun is finished */
        for (int task; (task = begin(p, owner, generation)) >= 0; done++)
            if (!fnn_is_left()) p->fn(p->context, task);
    }
    inside = false;
    if (done == 0) return;
    const int tasks = atomic_load_explicit(&p->tasks, memory_order_relaxed);
    if (atomic_fetch_add(&p->finished, done) + done == tasks && atomic_load(&p->caller_sleeps)) {
        fnn_mutex_lock(&p->mutex);
        fnn_condition_signal(&p->done);
        fnn_mutex_unlock(&p->mutex);
    }
}

/* Pauses in spin number `spins` (the first is 1) and returns false when it is time to sleep. `limit` keeps the end of
 * this wait; it is 0 at first. */
static bool still_spins(int spins, double *limit) {
    relax();
    if (spins % SPINS_PER_LOOK != 0) return true;
    const double now = fnn_seconds();
    if (*limit == 0) *limit = now + SPIN_SECONDS;
    return now < *limit;
}

FNN_THREAD_FUNCTION(work, argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    pool *p = start.pool;
    if (fnn_scratch() == NULL) return FNN_THREAD_END;
    atomic_fetch_add(&p->finished, 1);
    uint32_t seen = 0;
    fnn_float_mode mode = fnn_get_float_mode();
    for (;;) {
        double limit = 0;
        uint32_t now;
        for (int spins = 1; (now = atomic_load_explicit(&p->generation, memory_order_acquire)) == seen; spins++) {
            if (still_spins(spins, &limit)) continue;
            fnn_mutex_lock(&p->mutex);
            atomic_fetch_add(&p->sleepers, 1);
            while (atomic_load(&p->generation) == seen) fnn_condition_wait(&p->work, &p->mutex);
            atomic_fetch_sub(&p->sleepers, 1);
            fnn_mutex_unlock(&p->mutex);
        }
        seen = now;
        if (atomic_load(&p->stop)) return FNN_THREAD_END;
        fnn_input_prefetch_join(atomic_load_explicit(&p->prefetch, memory_order_relaxed), start.index, p->threads);
        fnn_interruption_join(atomic_load_explicit(&p->interruption, memory_order_relaxed));
        const fnn_float_mode before = mode;
        mode = atomic_load_explicit(&p->float_mode, memory_order_relaxed);
        if (mode != before) fnn_set_float_mode(mode);
        run_tasks(p, start.index, now);
    }
}

/* Returns the new generation. */
static uint32_t publish(pool *p) {
    const uint32_t generation = atomic_load_explicit(&p->generation, memory_order_relaxed) + 1;
    atomic_store_explicit(&p->finished, 0, memory_order_relaxed);
    for (int i = 0; i < p->threads; i++)
        atomic_store_explicit(&p->shares[i].begun, (uint64_t)generation << 32, memory_order_release);
    atomic_store(&p->generation, generation);
    if (atomic_load(&p->sleepers) > 0) {
        fnn_mutex_lock(&p->mutex);
        fnn_condition_broadcast(&p->work);
        fnn_mutex_unlock(&p->mutex);
    }
    return generation;
}

static void await_tasks(pool *p, int tasks) {
    double limit = 0;
    for (int spins = 1; still_spins(spins, &limit); spins++)
        if (atomic_load_explicit(&p->finished, memory_order_acquire) == tasks) return;
    fnn_mutex_lock(&p->mutex);
    atomic_store(&p->caller_sleeps, true);
    while (atomic_load(&p->finished) != tasks) fnn_condition_wait(&p->done, &p->mutex);
    atomic_store(&p->caller_sleeps, false);
    fnn_mutex_unlock(&p->mutex);
}

static void destroy(pool *p, int started) {
    atomic_store(&p->stop, true);
    publish(p);
    for (int i = 1; i < started; i++) fnn_thread_join(p->handle[i]);
    fnn_condition_destroy(&p->work);
    fnn_condition_destroy(&p->done);
    fnn_mutex_destroy(&p->mutex);
    fnn_aligned_free(p);
}

/* Returns NULL if the threads or their memory are not available. */
static pool *build(int threads) {
    pool *p = fnn_aligned_alloc(64, (sizeof(pool) + 63) / 64 * 64);
    if (p == NULL) return NULL;
    memset(p, 0, sizeof *p);
    p->threads = threads;
    fnn_mutex_init(&p->mutex);
    fnn_condition_init(&p->work);
    fnn_condition_init(&p->done);
    int started = 1;
    for (; started < threads; started++) {
        worker_start *start = malloc(sizeof *start);
        if (start == NULL) break;
        *start = (worker_start){p, started};
        if (!fnn_thread_start(&p->handle[started], work, start)) {
            free(start);
            break;
        }
    }
    /* every worker must have its workspace before the pool is used */
    double limit = fnn_seconds() + 10;
    while (started == threads && atomic_load(&p->finished) != threads - 1 && fnn_seconds() < limit) fnn_thread_yield();
    if (started < threads || atomic_load(&p->finished) != threads - 1) {
        destroy(p, started);
        return NULL;
    }
    return p;
}

/* The same, but NULL without an attempt within RETRY_MS of one that failed: it takes longer than most calls. */
static pool *build_again(int threads) {
    const int64_t now = (int64_t)(fnn_seconds() * 1e3);
    if (now < atomic_load(&retry_at)) return NULL;
    pool *p = build(threads);
    if (p == NULL) atomic_store(&retry_at, now + RETRY_MS);
    return p;
}

/* More threads than this only get into each other's way; results do not depend on their number. */
static int most_threads(void) {
    const long processors = fnn_processors();
    return processors < 2 ? LEAST_LIMIT : (int)(processors * THREADS_PER_PROCESSOR);
}

static int clamp_threads(long count) {
    return (int)(count < 1 ? 1 : count > FNN_MAX_THREADS ? FNN_MAX_THREADS : count);
}

int fnn_get_num_threads(void) { return clamp_threads(atomic_load(&wanted)); }

int fnn_set_num_threads(int count) {
    fnn_call_once(&once, initialise);
    while (inside || atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
        if (inside) return EBUSY;
        fnn_thread_yield();
    }
    pool *old = atomic_load(&the_pool);
    if (old != NULL && old->threads != count) {
        atomic_store(&the_pool, NULL);
        destroy(old, old->threads);
    }
    const int most = most_threads();
    atomic_store(&wanted, clamp_threads(count < most ? count : most));
    atomic_store(&retry_at, 0);
    atomic_flag_clear_explicit(&busy, memory_order_release);
    return 0;
}

int fnn_set_single_threaded(int enabled) {
    const int before = single_threaded;
    single_threaded = enabled != 0;
    return before;
}

void fnn_parallel(int tasks, void (*fn)(void *context, int task), void *context) {
    int threads = single_threaded ? 1 : fnn_get_num_threads();
    if (tasks > 1 && threads > 1 && !inside && !atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
        pool *p = atomic_load(&the_pool);
        if (p == NULL || p->threads != threads) {
            fnn_call_once(&once, initialise);
            p = build_again(threads);
            atomic_store(&the_pool, p);
        }
        if (p != NULL) {
            p->fn = fn;
            p->context = context;
            atomic_store_explicit(&p->prefetch, fnn_input_prefetch_joined(), memory_order_relaxed);
            atomic_store_explicit(&p->interruption, fnn_interruption_joined(), memory_order_relaxed);
            atomic_store_explicit(&p->float_mode, fnn_get_float_mode(), memory_order_relaxed);
            atomic_store_explicit(&p->tasks, tasks, memory_order_relaxed);
            run_tasks(p, 0, publish(p));
            await_tasks(p, tasks);
            atomic_flag_clear_explicit(&busy, memory_order_release);
            return;
        }
        atomic_flag_clear_explicit(&busy, memory_order_release);
    }
    for (int task = 0; task < tasks && !fnn_is_left(); task++) fn(context, task);
}
