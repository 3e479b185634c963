/* Asking for memory before it is needed: into the second cache, for the first has work to do and few lines in flight.
 */
#ifndef FASTNN_RUNTIME_PREFETCH_H
#define FASTNN_RUNTIME_PREFETCH_H

#include <stddef.h>

enum { FNN_CACHE_LINE = 64 }; /* bytes */

static inline void fnn_prefetch(const void *line) { __builtin_prefetch(line, 0, 2); }

static inline void fnn_prefetch_range(const void *p, ptrdiff_t bytes) {
    for (ptrdiff_t i = 0; i < bytes; i += FNN_CACHE_LINE) fnn_prefetch((const char *)p + i);
}

#endif
