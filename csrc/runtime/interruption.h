/* Leaving a long call before its end, because of a signal such as Ctrl-C.
 *
 * A thread that begins a call which may be left says how to ask for a reason. While it works it asks now and then, in
 * the loops over tasks (runtime/thread_pool.c) and over the blocks of large matrix products, whose tasks may take many
 * seconds. Once there is a reason, everything that works for the call skips what is left of it. Its results are then of
 * no use, and the caller throws them away.
 */
#ifndef FASTNN_RUNTIME_INTERRUPTION_H
#define FASTNN_RUNTIME_INTERRUPTION_H

#include <stdatomic.h>
#include <stdint.h>

/* Returns whether there is a reason to leave the call. */
typedef int (*fnn_ask)(void);

typedef struct {
    fnn_ask ask; /* only the thread of the caller may ask */
    uint64_t due;
    atomic_int left;
} fnn_interruption;

/* From now on this thread works for a call that may be left; NULL: for one that may not. */
void fnn_interruption_join(fnn_interruption *interruption);
fnn_interruption *fnn_interruption_joined(void);

/* Begins a call of this thread that may be left, and joins it. */
void fnn_interruption_begin(fnn_interruption *interruption, fnn_ask ask);

/* Whether the call that this thread works for is left. The thread that began it asks if it has not for a while. */
int fnn_is_left(void);

#endif
