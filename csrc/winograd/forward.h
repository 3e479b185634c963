/* The forward sweep of Winograd's algorithm with images innermost: what it is made of, and its form for few channels.
 */
#ifndef FASTNN_WINOGRAD_FORWARD_H
#define FASTNN_WINOGRAD_FORWARD_H

#include "winograd/transforms.h"

typedef struct {
    const real *x, *u, *b;
    real *out;
    ptrdiff_t groups, c, h, w;                         /* groups of images */
    ptrdiff_t parts, blocks, k, f, p, q, pad_h, pad_w; /* parts: groups of channels, k of each; blocks of u */
    int kind;
    real alpha;
    winograd_line rows, cols;
    /* of many channels */
    ptrdiff_t most;                      /* tiles of a task at most */
    ptrdiff_t tasks[WINOGRAD_KINDS + 1]; /* before those of each kind of tile */
} winograd_forward_work;

/* False, and nothing done, where there are too many channels for it. */
bool FN(winograd_few_run)(const winograd_forward_work *wk);

#endif
