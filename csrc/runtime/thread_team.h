/* The threads of a pool and what they exchange in a parallel call (runtime/thread_team.c).
 *
 * What threads exchange are cache lines, and a line goes from one core to the next in turn. Threads are therefore in
 * groups, each with a line on which a call is published to it and one on which its finished tasks are counted: a call
 * costs a number of transfers in turn that grows with the number of groups and the size of one, not with the number of
 * threads. A worker takes over tasks of its own group and of the next one, the caller those of all.
 */
#ifndef FASTNN_RUNTIME_THREAD_TEAM_H
#define FASTNN_RUNTIME_THREAD_TEAM_H

#include "runtime/input_prefetch.h"
#include "runtime/interruption.h"
#include "runtime/platform.h"
#include "runtime/subnormals.h"
#include "fastnn.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { FNN_GROUPS = (FNN_MAX_THREADS + FNN_THREAD_GROUP - 1) / FNN_THREAD_GROUP };
enum { FNN_WORD = 64, FNN_WORDS = (FNN_MAX_THREADS + FNN_WORD - 1) / FNN_WORD };

#define FNN_LINE __attribute__((aligned(64)))

typedef void (*fnn_task)(void *context, int task);

/* The threads whose numbers differ only by less than FNN_THREAD_GROUP, and the call that is published to them. The
 * fields are atomic because a worker that is late may read them while the next call is written; it then sees another
 * version. */
typedef struct {
    FNN_LINE _Atomic(uint32_t) version; /* odd while the fields are being written */
    atomic_int tasks, threads;
    _Atomic(fnn_float_mode) float_mode;
    _Atomic(fnn_task) fn;
    _Atomic(void *) context;
    _Atomic(fnn_input_prefetch *) prefetch;
    _Atomic(fnn_interruption *) interruption;
    FNN_LINE _Atomic(uint32_t) finished; /* tasks of the shares of this group, of all calls together */
} fnn_group;

/* How many of a thread's own tasks have been begun (lower half), in which version (upper half). */
typedef struct {
    FNN_LINE _Atomic(uint64_t) begun;
} fnn_share;

typedef struct {
    int threads;                                  /* the caller counts as thread 0 */
    uint32_t expected[FNN_GROUPS];                /* of `finished`, when the call that runs will be over */
    FNN_LINE _Atomic(uint64_t) asleep[FNN_WORDS]; /* a bit for each thread */
    atomic_bool caller_sleeps, stop;
    fnn_mutex mutex;
    fnn_condition wake[FNN_MAX_THREADS], done;
    fnn_group groups[FNN_GROUPS];
    fnn_share shares[FNN_MAX_THREADS];
} fnn_team;

/* The memory is zero before. */
void fnn_team_init(fnn_team *team, int threads);
void fnn_team_destroy(fnn_team *team);
/* What thread `index` > 0 does until the team is stopped. */
void fnn_team_work(fnn_team *team, int index);
/* Ends the work of the first `threads` threads. */
void fnn_team_stop(fnn_team *team, int threads);
/* Runs the tasks on as many threads as there are tasks, or all, one of which is the caller; only one caller at a time.
 */
void fnn_team_run(fnn_team *team, int tasks, fnn_task fn, void *context);

#endif
