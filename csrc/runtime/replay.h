/* Replaying several programs one behind the other; apart from fastnn.h, which the kernels include. */
#ifndef FASTNN_RUNTIME_REPLAY_H
#define FASTNN_RUNTIME_REPLAY_H

#include "fastnn.h"

enum { FNN_MAX_STREAMS = 16 };

/* Steps 0 … count-1 of a program, on streams of their own. */
typedef struct {
    const fnn_program *program;
    char *streams[FNN_MAX_STREAMS];
    const double *watch; /* as fnn_replay takes it */
    ptrdiff_t count;
    double seconds; /* written: what they took */
} fnn_part;

/* Runs parts as fnn_replay does, in their order. Ends early after `seconds`, or behind a step that is watched and not
 * finite. Returns the number of steps done in all. */
ptrdiff_t fnn_replay_parts(fnn_part *parts, ptrdiff_t count, double seconds);

#endif
