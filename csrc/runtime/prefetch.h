/* Prefetching: into the second-level cache, because the first is busy with the computation and allows only few
 * outstanding lines. */
#ifndef FASTNN_RUNTIME_PREFETCH_H
#define FASTNN_RUNTIME_PREFETCH_H

#include <stddef.h>

enum { FNN_CACHE_LINE = 64 }; /* bytes */

static inline void fnn_prefetch(const void *line) { __builtin_prefetch(line, 0, 2); }

static inline void fnn_prefetch_range(const void *p, ptrdiff_t bytes) {
    for (ptrdiff_t i = 0; i < bytes; i += FNN_CACHE_LINE) fnn_prefetch((const char *)p + i);
}

#endif
