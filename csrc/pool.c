/* The thread pool: one, of our own, built when first needed.
 *
 * A parallel call publishes (function, context, tasks) under a new generation number; workers spin on it for a
 * bounded time, then sleep on a condition variable. Task t runs on thread t mod threads, always: a thread meets
 * the same part of the weights step after step. A second caller, or a nested call, runs its tasks alone.
 * After fork the child forgets the pool, whose threads it does not have, and builds its own when it needs one.
 */
#define _GNU_SOURCE
#include "fastnn.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A spin iteration is one pause instruction: 20 to 60 ns. */
enum { WORKER_SPINS = 2000, CALLER_SPINS = 4000 };

#define LINE __attribute__((aligned(64)))

typedef struct {
    int threads; /* the caller counts as thread 0 */
    pthread_t handle[FNN_MAX_THREADS];

    LINE atomic_uint generation; /* odd steps never skipped: a worker runs each generation once */
    void (*fn)(void *, int);
    void *context;
    int tasks;
    bool stop;

    LINE atomic_int unfinished; /* workers that have not finished this generation */

    LINE atomic_int sleepers;
    atomic_bool caller_sleeps;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
} pool;

typedef struct {
    pool *pool;
    int index;
} worker_start;

static _Atomic(pool *) the_pool;
static atomic_int wanted;                    /* threads asked for; 0: not decided yet */
static atomic_flag busy = ATOMIC_FLAG_INIT;  /* held by the caller whose tasks the pool runs */
static _Thread_local bool inside;            /* this thread runs a task now */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

double fnn_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void forget_pool(void) {
    atomic_store(&the_pool, NULL);
    atomic_flag_clear(&busy);
    inside = false;
}

static void initialise(void) {
    pthread_atfork(NULL, NULL, forget_pool);
    pthread_key_create(&scratch_key, free);
}

void *fnn_scratch(void) {
    pthread_once(&once, initialise);
    void *block = pthread_getspecific(scratch_key);
    if (block == NULL) {
        block = aligned_alloc(64, FNN_SCRATCH_BYTES);
        if (block == NULL) return NULL;
        memset(block, 0, FNN_SCRATCH_BYTES); /* page faults now, not inside a step */
        if (pthread_setspecific(scratch_key, block) != 0) {
            free(block);
            return NULL;
        }
    }
    return block;
}

static void run_share(const pool *p, int index) {
    inside = true;
    for (int task = index; task < p->tasks; task += p->threads) p->fn(p->context, task);
    inside = false;
}

static void *work(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    pool *p = start.pool;
    bool ready = fnn_scratch() != NULL;
    atomic_fetch_sub_explicit(&p->unfinished, ready ? 1 : 0, memory_order_release);
    if (!ready) return NULL;
    unsigned seen = 0;
    for (;;) {
        int spins = 0;
        while (atomic_load_explicit(&p->generation, memory_order_acquire) == seen) {
            if (++spins < WORKER_SPINS) {
                relax();
                continue;
            }
            pthread_mutex_lock(&p->mutex);
            atomic_fetch_add(&p->sleepers, 1);
            while (atomic_load(&p->generation) == seen) pthread_cond_wait(&p->work, &p->mutex);
            atomic_fetch_sub(&p->sleepers, 1);
            pthread_mutex_unlock(&p->mutex);
        }
        seen++;
        if (p->stop) return NULL;
        run_share(p, start.index);
        if (atomic_fetch_sub_explicit(&p->unfinished, 1, memory_order_seq_cst) == 1 &&
            atomic_load(&p->caller_sleeps)) {
            pthread_mutex_lock(&p->mutex);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->mutex);
        }
    }
}

static void publish(pool *p) {
    atomic_store_explicit(&p->unfinished, p->threads - 1, memory_order_relaxed);
    atomic_fetch_add(&p->generation, 1);
    if (atomic_load(&p->sleepers) > 0) {
        pthread_mutex_lock(&p->mutex);
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->mutex);
    }
}

static void await_workers(pool *p) {
    for (int spins = 0; spins < CALLER_SPINS; spins++) {
        if (atomic_load_explicit(&p->unfinished, memory_order_acquire) == 0) return;
        relax();
    }
    pthread_mutex_lock(&p->mutex);
    atomic_store(&p->caller_sleeps, true);
    while (atomic_load(&p->unfinished) != 0) pthread_cond_wait(&p->done, &p->mutex);
    atomic_store(&p->caller_sleeps, false);
    pthread_mutex_unlock(&p->mutex);
}

static void destroy(pool *p, int started) {
    p->stop = true;
    publish(p);
    for (int i = 1; i < started; i++) pthread_join(p->handle[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

/* NULL when the threads or their memory cannot be had. */
static pool *build(int threads) {
    pool *p = aligned_alloc(64, (sizeof(pool) + 63) / 64 * 64);
    if (p == NULL) return NULL;
    memset(p, 0, sizeof *p);
    p->threads = threads;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    atomic_store(&p->unfinished, threads - 1);
    int started = 1;
    for (; started < threads; started++) {
        worker_start *start = malloc(sizeof *start);
        if (start == NULL) break;
        *start = (worker_start){p, started};
        if (pthread_create(&p->handle[started], NULL, work, start) != 0) {
            free(start);
            break;
        }
    }
    /* every worker has its workspace before the pool is used */
    double limit = fnn_seconds() + 10;
    while (started == threads && atomic_load(&p->unfinished) != 0 && fnn_seconds() < limit) sched_yield();
    if (started < threads || atomic_load(&p->unfinished) != 0) {
        destroy(p, started);
        return NULL;
    }
    return p;
}

static int clamp_threads(long count) { return (int)(count < 1 ? 1 : count > FNN_MAX_THREADS ? FNN_MAX_THREADS : count); }

int fnn_get_num_threads(void) { return clamp_threads(atomic_load(&wanted)); }

int fnn_set_num_threads(int count) {
    pthread_once(&once, initialise);
    while (inside || atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
        if (inside) return EBUSY;
        sched_yield();
    }
    pool *old = atomic_load(&the_pool);
    if (old != NULL && old->threads != count) {
        atomic_store(&the_pool, NULL);
        destroy(old, old->threads);
    }
    atomic_store(&wanted, clamp_threads(count));
    atomic_flag_clear_explicit(&busy, memory_order_release);
    return 0;
}

void fnn_parallel(int tasks, void (*fn)(void *context, int task), void *context) {
    int threads = fnn_get_num_threads();
    if (tasks > 1 && threads > 1 && !inside && !atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
        pool *p = atomic_load(&the_pool);
        if (p == NULL || p->threads != threads) {
            pthread_once(&once, initialise);
            p = build(threads);
            atomic_store(&the_pool, p);
        }
        if (p != NULL) {
            p->fn = fn;
            p->context = context;
            p->tasks = tasks;
            publish(p);
            run_share(p, 0);
            await_workers(p);
            atomic_flag_clear_explicit(&busy, memory_order_release);
            return;
        }
        atomic_flag_clear_explicit(&busy, memory_order_release);
    }
    for (int task = 0; task < tasks; task++) fn(context, task);
}
