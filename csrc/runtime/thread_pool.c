/* The thread pool: how many threads there are, their life, and who may use them.
 *
 * A process has one pool, which is built when it is first needed. If it is busy with another caller, or if a call is
 * nested, the calling thread runs all tasks itself. After a fork the child forgets the pool, whose threads it does not
 * have, and builds one of its own when it needs it.
 */
#define _GNU_SOURCE
#include "runtime/thread_pool.h"
#include "runtime/thread_team.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 1000, THREADS_PER_PROCESSOR = 4, LEAST_LIMIT = 8 };
enum { MEASURED_CALLS = 32 };
/* A thread is worth waking for so many multiply-adds. */
enum { THREAD_WORK = 1 << 15 };
/* Fast threads take over what slow ones have not begun: a call ends at most a fourth of a share late. */
enum { TASKS_IF_UNEVEN = 4 };

typedef struct {
    fnn_team team;
    fnn_thread handle[FNN_MAX_THREADS];
    atomic_int ready; /* workers that have their memory */
} pool;

typedef struct {
    pool *pool;
    int index;
} worker_start;

static _Atomic(pool *) the_pool;
static atomic_int wanted;     /* how many threads were asked for; 0: not decided yet */
static atomic_int processors; /* how many threads may work at once; 0: as many as there are */
static atomic_bool uneven;    /* some processors are slower than others */
/* Seconds by which a call becomes longer with each further thread; see fnn_threads_worth. It is no part of a pool,
 * because a thread that asks for it does not hold `busy`: the pool might be destroyed meanwhile. */
static _Atomic(double) call_cost;
static _Atomic(int64_t) retry_at;           /* in ms: no pool could be built, and none is tried before */
static atomic_flag busy = ATOMIC_FLAG_INIT; /* held by the caller whose tasks the pool runs */
static _Thread_local bool inside;           /* this thread runs a task now */
static _Thread_local bool single_threaded;  /* this thread leaves the pool to others */
static fnn_once once = FNN_ONCE;
static fnn_thread_pointer scratch_key;

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

FNN_THREAD_FUNCTION(work, argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    if (fnn_scratch() == NULL) return FNN_THREAD_END;
    inside = true; /* what it runs are tasks */
    atomic_fetch_add(&start.pool->ready, 1);
    fnn_team_work(&start.pool->team, start.index);
    return FNN_THREAD_END;
}

static void nothing(void *context, int task) { (void)context, (void)task; }

/* Seconds of a call of that many threads that do nothing. */
static double empty_call(fnn_team *team, int threads) {
    double least = 1;
    for (int i = 0; i < MEASURED_CALLS; i++) {
        const double start = fnn_seconds();
        fnn_team_run(team, threads, nothing, NULL);
        const double took = fnn_seconds() - start;
        if (took < least) least = took;
    }
    return least;
}

static void destroy(pool *p, int started) {
    fnn_team_stop(&p->team, started);
    for (int i = 1; i < started; i++) fnn_thread_join(p->handle[i]);
    fnn_team_destroy(&p->team);
    fnn_aligned_free(p);
}

/* Returns NULL if the threads or their memory are not available. */
static pool *build(int threads) {
    pool *p = fnn_aligned_alloc(64, (sizeof(pool) + 63) / 64 * 64);
    if (p == NULL) return NULL;
    memset(p, 0, sizeof *p);
    fnn_team_init(&p->team, threads);
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
    while (started == threads && atomic_load(&p->ready) != threads - 1 && fnn_seconds() < limit) fnn_thread_yield();
    if (started < threads || atomic_load(&p->ready) != threads - 1) {
        destroy(p, started);
        return NULL;
    }
    if (threads > 2) {
        const int most = threads < FNN_THREAD_GROUP ? threads : FNN_THREAD_GROUP;
        atomic_store(&call_cost, fmax(0, (empty_call(&p->team, most) - empty_call(&p->team, 2)) / (most - 2)));
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
    const long there = fnn_processors(), said = atomic_load(&processors), count = there > said ? there : said;
    return count < 2 ? LEAST_LIMIT : (int)(count * THREADS_PER_PROCESSOR);
}

static int clamp_threads(long count) {
    return (int)(count < 1 ? 1 : count > FNN_MAX_THREADS ? FNN_MAX_THREADS : count);
}

int fnn_get_num_threads(void) { return clamp_threads(atomic_load(&wanted)); }

/* How many of `count` threads may work at once. */
static int at_once(int count) {
    int most = atomic_load(&processors);
    if (most == 0) {
        most = fnn_usable_processors();
        atomic_store(&processors, most);
    }
    return most < count ? most : count;
}

int fnn_set_num_threads(int count) {
    fnn_call_once(&once, initialise);
    while (inside || atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
        if (inside) return EBUSY;
        fnn_thread_yield();
    }
    const int most = most_threads();
    atomic_store(&wanted, clamp_threads(count < most ? count : most));
    pool *old = atomic_load(&the_pool);
    if (old != NULL && old->team.threads != at_once(fnn_get_num_threads())) {
        atomic_store(&the_pool, NULL);
        destroy(old, old->team.threads);
    }
    atomic_store(&retry_at, 0);
    atomic_flag_clear_explicit(&busy, memory_order_release);
    return 0;
}

int fnn_set_processors(int count) {
    atomic_store(&processors, count);
    return fnn_set_num_threads(fnn_get_num_threads());
}

/* Seconds of a call, beyond those of one with two threads. */
static double cost_of(int threads, double cost) {
    if (threads <= FNN_THREAD_GROUP) return cost * (threads - 2);
    /* the caller is no reader of the first group's line, so that another group has half a step more */
    return cost * (FNN_THREAD_GROUP - 1.5 + (threads - 1) / FNN_THREAD_GROUP);
}

int fnn_threads_worth(int threads, double products, double cost) {
    const double most = fmin(threads, products / THREAD_WORK);
    if (most < 2) return 1;
    const int end = (int)most;
    int best = 2;
    double least = INFINITY;
    /* whole groups, and what there is: a group that is not whole costs as much */
    for (int w = 2; w <= end; w = w < FNN_THREAD_GROUP || w == end ? w + 1
                                  : w + FNN_THREAD_GROUP < end     ? w + FNN_THREAD_GROUP
                                                                   : end) {
        const double seconds = products / (FNN_THREAD_SPEED * 1e9) / w + cost_of(w, cost);
        if (seconds < least) {
            least = seconds;
            best = w;
        }
    }
    return best;
}

int fnn_threads_for(double products) {
    const int threads = fnn_get_num_threads();
    if (threads == 1) return 1;
    const int worth = fnn_threads_worth(threads, products, atomic_load_explicit(&call_cost, memory_order_relaxed));
    if (worth == 1 || !atomic_load_explicit(&uneven, memory_order_relaxed)) return worth;
    return (int)fmin(worth * TASKS_IF_UNEVEN, products / THREAD_WORK);
}

void fnn_set_uneven(int is) { atomic_store(&uneven, is != 0); }

int fnn_set_single_threaded(int enabled) {
    const int before = single_threaded;
    single_threaded = enabled != 0;
    return before;
}

void fnn_parallel(int tasks, void (*fn)(void *context, int task), void *context) {
    const int threads = single_threaded ? 1 : at_once(fnn_get_num_threads());
    if (tasks > 1 && threads > 1 && !inside && !atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
        pool *p = atomic_load(&the_pool);
        if (p == NULL || p->team.threads != threads) {
            fnn_call_once(&once, initialise);
            p = build_again(threads);
            atomic_store(&the_pool, p);
        }
        if (p != NULL) {
            inside = true;
            fnn_team_run(&p->team, tasks, fn, context);
            inside = false;
        }
        atomic_flag_clear_explicit(&busy, memory_order_release);
        if (p != NULL) return;
    }
    for (int task = 0; task < tasks && !fnn_is_left(); task++) fn(context, task);
}
