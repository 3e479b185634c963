/* A thread that leaves the pool to others (pool.c); apart from fastnn.h, which the kernels include. */
#ifndef FNN_ALONE_H
#define FNN_ALONE_H

/* Whether this thread's parallel calls run on it alone from now on; returns what it was before. */
int fnn_stay_alone(int alone);

#endif
