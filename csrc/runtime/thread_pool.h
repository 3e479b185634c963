/* A thread that leaves the pool to others (runtime/thread_pool.c); apart from fastnn.h, which the kernels include. */
#ifndef FASTNN_RUNTIME_THREAD_POOL_H
#define FASTNN_RUNTIME_THREAD_POOL_H

/* Whether this thread's parallel calls run on it alone from now on; returns what it was before. */
int fnn_set_single_threaded(int alone);

#endif
