/* Lets a thread leave the pool (runtime/thread_pool.c) to others. This is not in fastnn.h, because no kernel needs it.
 */
#ifndef FASTNN_RUNTIME_THREAD_POOL_H
#define FASTNN_RUNTIME_THREAD_POOL_H

/* Sets whether this thread runs all tasks of its parallel calls itself; returns the setting before. */
int fnn_set_single_threaded(int enabled);

#endif
