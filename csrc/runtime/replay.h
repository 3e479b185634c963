/* Replays several programs in turn. This is not in fastnn.h, because no kernel needs it. */
#ifndef FASTNN_RUNTIME_REPLAY_H
#define FASTNN_RUNTIME_REPLAY_H

#include "fastnn.h"

enum { FNN_MAX_STREAMS = 16 };

/* The steps 0 … count-1 of a program, on streams of their own. */
typedef struct {
    const fnn_program *program;
    char *streams[FNN_MAX_STREAMS];
    const double *watch; /* as in fnn_replay */
    ptrdiff_t count;
    double seconds; /* written: the time that they took */
} fnn_part;

/* Runs the parts in their order, each as fnn_replay does, and returns the number of steps done in all. It ends early
 * when `seconds` have passed, or after a step whose watched value is not finite; the first step of all may be left. */
ptrdiff_t fnn_replay_parts(fnn_part *parts, ptrdiff_t count, double seconds, int (*ask)(void));

#endif
