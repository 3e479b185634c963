/* What the Python side asks of the pool (runtime/thread_pool.c); this is not in fastnn.h, because no kernel needs it.
 */
#ifndef FASTNN_RUNTIME_THREAD_POOL_H
#define FASTNN_RUNTIME_THREAD_POOL_H

/* Sets whether this thread runs all tasks of its parallel calls itself; returns the setting before. */
int fnn_set_single_threaded(int enabled);

/* Sets how many threads may work at once, whatever fnn_set_num_threads says: more than there are processors only take
 * them from each other. 0: as many as this process may use. Returns what fnn_set_num_threads does. */
int fnn_set_processors(int count);

/* Says whether some processors are slower than others. */
void fnn_set_uneven(int is);

/* How many of at most `threads` threads are worth using for that many multiply-adds, if each of the first
 * FNN_THREAD_GROUP beyond the second, and each group of as many beyond, makes a call longer by `cost` seconds. */
int fnn_threads_worth(int threads, double products, double cost);

#endif
