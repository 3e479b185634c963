/* A parallel call: published to groups of threads, begun task by task, counted by group.
 *
 * A call has as many threads as tasks, or all. It is published under a new version number; workers spin on that number
 * for a bounded time, then sleep on a condition variable. Every thread has its own run of neighbouring tasks, so that
 * it works on the same part of the arrays in every kernel and in every step, and so that what the hardware prefetches
 * at the end of a task is mostly its own. A thread that has been idle for some time takes over tasks that their owner
 * has not begun, so that a call never waits for a thread that sleeps or has lost its processor.
 */
#define _GNU_SOURCE
#include "runtime/thread_team.h"

/* How long a thread spins before it sleeps. Waking a sleeper takes 50 to 200 µs on a virtual machine, and while it
 * sleeps others take over its tasks: a worker that spun for less than the duration of a call that runs without it would
 * sleep through every call.
 */
static const double SPIN_SECONDS = 1e-3;
enum { SPINS_PER_LOOK = 64 }; /* pause instructions, 15 to 60 ns each, between two looks at the clock */
/* So many of them, 2 to 8 µs, pass before a thread without work takes over tasks of another. One that is only a little
 * late is left alone: its part of the arrays would have to come from its caches and to go back there in the next call,
 * for 3 to 30 ns a line, which is longer than the tasks take. */
enum { PATIENCE = 128 };
/* Versions after which old ones are forgotten, so that their order is clear. Then all tasks count as begun in a version
 * between the last call and the next: a thread that is still looking for tasks of the last one must find none. */
enum { REFRESH = 1 << 28 };

/* A parallel call, as a thread has read it. */
typedef struct {
    uint32_t version;
    int tasks, threads;
    fnn_task fn;
    void *context;
    fnn_input_prefetch *prefetch;
    fnn_interruption *interruption;
    fnn_float_mode float_mode;
} call;

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Pauses in spin number `spins` (the first is 1) and returns false when it is time to sleep. `limit` keeps the end of
 * this wait; it is 0 at first. */
static bool still_spins(int spins, double *limit) {
    relax();
    if (spins % SPINS_PER_LOOK != 0) return true;
    const double now = fnn_clock_seconds();
    if (*limit == 0) *limit = now + SPIN_SECONDS;
    return now < *limit;
}

static int first_task(const call *c, int owner) { return (int)((int64_t)c->tasks * owner / c->threads); }
static int groups_of(int threads) { return (threads + FNN_THREAD_GROUP - 1) / FNN_THREAD_GROUP; }

/* Begins one task of thread `owner` and returns its number; -1 if none is left or the call is over. */
static int begin(fnn_team *team, const call *c, int owner) {
    const int first = first_task(c, owner);
    const uint32_t count = (uint32_t)(first_task(c, owner + 1) - first);
    if (count == 0) return -1;
    _Atomic(uint64_t) *begun = &team->shares[owner].begun;
    uint64_t now = atomic_load_explicit(begun, memory_order_acquire);
    for (;;) {
        const int32_t age = (int32_t)((uint32_t)(now >> 32) - c->version); /* below 0: of an earlier call */
        const uint32_t taken = age < 0 ? 0 : (uint32_t)now;
        if (age > 0 || taken >= count) return -1;
        const uint64_t next = ((uint64_t)c->version << 32) + taken + 1;
        if (atomic_compare_exchange_weak_explicit(begun, &now, next, memory_order_acq_rel, memory_order_acquire))
            return first + (int)taken;
    }
}

/* Counts tasks of a group that are finished, before their thread looks for others. */
static void report(fnn_team *team, int number, uint32_t done) {
    atomic_fetch_add(&team->groups[number].finished, done);
    if (!atomic_load(&team->caller_sleeps)) return;
    fnn_mutex_lock(&team->mutex);
    fnn_condition_signal(&team->done);
    fnn_mutex_unlock(&team->mutex);
}

/* Runs the tasks of thread `owner` that have not been begun. */
static void run_share(fnn_team *team, const call *c, int owner) {
    uint32_t done = 0;
    /* what the call points to is there, because it cannot return before a task that was begun is finished */
    for (int task; (task = begin(team, c, owner)) >= 0; done++)
        if (!fnn_is_left()) c->fn(c->context, task);
    if (done > 0) report(team, owner / FNN_THREAD_GROUP, done);
}

/* Runs the tasks that others have not begun: of the group of thread `index` and the next, or of all. */
static void run_others(fnn_team *team, const call *c, int index) {
    const int groups = groups_of(c->threads), most = index == 0 || groups < 2 ? groups : 2;
    for (int i = 0; i < most; i++) {
        const int number = (index / FNN_THREAD_GROUP + i) % groups, from = number * FNN_THREAD_GROUP;
        const int count = (c->threads < from + FNN_THREAD_GROUP ? c->threads : from + FNN_THREAD_GROUP) - from;
        const int start = i == 0 ? index - from : 0;
        for (int k = 0; k < count; k++) run_share(team, c, from + (start + k) % count);
    }
}

/* Reads the call that is published to thread `index` and returns true if it is one after `seen` that has a share for
 * the thread. */
static bool is_wanted(fnn_team *team, int index, uint32_t seen, call *c) {
    fnn_group *g = &team->groups[index / FNN_THREAD_GROUP];
    c->version =
        atomic_load(&g->version); /* in one order with `asleep`: a sleeper sees the call, or the caller sees it */
    if (c->version == seen || c->version % 2 == 1) return false;
    c->threads = atomic_load_explicit(&g->threads, memory_order_acquire);
    if (index >= c->threads) return false;
    c->tasks = atomic_load_explicit(&g->tasks, memory_order_acquire);
    c->fn = atomic_load_explicit(&g->fn, memory_order_acquire);
    c->context = atomic_load_explicit(&g->context, memory_order_acquire);
    c->prefetch = atomic_load_explicit(&g->prefetch, memory_order_acquire);
    c->interruption = atomic_load_explicit(&g->interruption, memory_order_acquire);
    c->float_mode = atomic_load_explicit(&g->float_mode, memory_order_acquire);
    return atomic_load_explicit(&g->version, memory_order_relaxed) == c->version;
}

/* Wakes the sleepers among the threads from `begin` to `end`; with `leaders` one of each group, which wakes the others.
 * The caller holds the mutex. */
static void wake(fnn_team *team, int from, int end, bool leaders) {
    for (int i = from; i < end; i++) {
        if ((atomic_load(&team->asleep[i / FNN_WORD]) >> i % FNN_WORD & 1) == 0) continue;
        fnn_condition_signal(&team->wake[i]);
        if (leaders) i = i / FNN_THREAD_GROUP * FNN_THREAD_GROUP + FNN_THREAD_GROUP - 1;
    }
}

static void sleep_until_wanted(fnn_team *team, int index, uint32_t seen, call *c) {
    const uint64_t bit = (uint64_t)1 << index % FNN_WORD;
    fnn_mutex_lock(&team->mutex);
    atomic_fetch_or(&team->asleep[index / FNN_WORD], bit);
    while (!is_wanted(team, index, seen, c)) fnn_condition_wait(&team->wake[index], &team->mutex);
    atomic_fetch_and(&team->asleep[index / FNN_WORD], ~bit);
    const int end = index / FNN_THREAD_GROUP * FNN_THREAD_GROUP + FNN_THREAD_GROUP;
    wake(team, index + 1, end < c->threads ? end : c->threads, false);
    fnn_mutex_unlock(&team->mutex);
}

void fnn_team_work(fnn_team *team, int index) {
    call c = {0}, next = {0};
    uint32_t seen = 0;
    fnn_float_mode mode = fnn_get_float_mode();
    for (;;) {
        double limit = 0;
        for (int spins = 1; !is_wanted(team, index, seen, &next); spins++) {
            if (spins == PATIENCE && seen != 0) run_others(team, &c, index);
            if (still_spins(spins, &limit)) continue;
            sleep_until_wanted(team, index, seen, &next);
            break;
        }
        c = next;
        seen = c.version;
        if (atomic_load(&team->stop)) return;
        fnn_input_prefetch_join(c.prefetch, index, team->threads);
        fnn_interruption_join(c.interruption);
        if (c.float_mode != mode) fnn_set_float_mode(mode = c.float_mode);
        run_share(team, &c, index);
    }
}

/* Gives the call its version and tells the threads that have a share in it. */
static void publish(fnn_team *team, call *c) {
    const int groups = groups_of(c->threads);
    c->version = atomic_load_explicit(&team->groups[0].version, memory_order_relaxed) + 2;
    if (c->version % REFRESH == 0)
        for (int i = 0; i < team->threads; i++) atomic_store(&team->shares[i].begun, (uint64_t)(c->version - 1) << 32);
    for (int i = 0; i < groups; i++) {
        fnn_group *g = &team->groups[i];
        const int end = (i + 1) * FNN_THREAD_GROUP;
        team->expected[i] +=
            (uint32_t)(first_task(c, end < c->threads ? end : c->threads) - first_task(c, i * FNN_THREAD_GROUP));
        atomic_store_explicit(&g->version, c->version - 1, memory_order_relaxed);
        atomic_store_explicit(&g->threads, c->threads, memory_order_release);
        atomic_store_explicit(&g->tasks, c->tasks, memory_order_release);
        atomic_store_explicit(&g->fn, c->fn, memory_order_release);
        atomic_store_explicit(&g->context, c->context, memory_order_release);
        atomic_store_explicit(&g->prefetch, c->prefetch, memory_order_release);
        atomic_store_explicit(&g->interruption, c->interruption, memory_order_release);
        atomic_store_explicit(&g->float_mode, c->float_mode, memory_order_release);
        atomic_store(&g->version, c->version);
    }
    uint64_t asleep = 0;
    for (int i = 0; i * FNN_WORD < c->threads; i++) {
        const int here = c->threads - i * FNN_WORD;
        asleep |= atomic_load(&team->asleep[i]) & (here < FNN_WORD ? ((uint64_t)1 << here) - 1 : ~(uint64_t)0);
    }
    if (asleep != 0) {
        fnn_mutex_lock(&team->mutex);
        wake(team, 1, c->threads, true);
        fnn_mutex_unlock(&team->mutex);
    }
}

static bool is_finished(fnn_team *team, int groups) {
    for (int i = 0; i < groups; i++)
        if (atomic_load(&team->groups[i].finished) != team->expected[i]) return false;
    return true;
}

static void await_tasks(fnn_team *team, const call *c) {
    const int groups = groups_of(c->threads);
    for (int spins = 1; spins < PATIENCE; spins++) {
        if (is_finished(team, groups)) return;
        relax();
    }
    run_others(team, c, 0);
    double limit = 0;
    for (int spins = 1; still_spins(spins, &limit); spins++)
        if (is_finished(team, groups)) return;
    fnn_mutex_lock(&team->mutex);
    atomic_store(&team->caller_sleeps, true);
    while (!is_finished(team, groups)) fnn_condition_wait(&team->done, &team->mutex);
    atomic_store(&team->caller_sleeps, false);
    fnn_mutex_unlock(&team->mutex);
}

void fnn_team_run(fnn_team *team, int tasks, fnn_task fn, void *context) {
    call c = {
        .tasks = tasks,
        .threads = tasks < team->threads ? tasks : team->threads,
        .fn = fn,
        .context = context,
        .prefetch = fnn_input_prefetch_joined(),
        .interruption = fnn_interruption_joined(),
        .float_mode = fnn_get_float_mode(),
    };
    publish(team, &c);
    run_share(team, &c, 0);
    await_tasks(team, &c);
}

void fnn_team_init(fnn_team *team, int threads) {
    team->threads = threads;
    fnn_mutex_init(&team->mutex);
    fnn_condition_init(&team->done);
    for (int i = 1; i < threads; i++) fnn_condition_init(&team->wake[i]);
}

void fnn_team_destroy(fnn_team *team) {
    for (int i = 1; i < team->threads; i++) fnn_condition_destroy(&team->wake[i]);
    fnn_condition_destroy(&team->done);
    fnn_mutex_destroy(&team->mutex);
}

void fnn_team_stop(fnn_team *team, int threads) {
    atomic_store(&team->stop, true);
    publish(team, &(call){.threads = threads});
}
