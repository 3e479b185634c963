/* What the C side offers: one calling convention, one table a (instruction set, type), the pool, the replay.
 *
 * Every kernel takes one descriptor. Arrays, dimensions and scalars stand in the order of the kernel's
 * signature (fastnn/kernels/__init__.py); dimensions in the order of their first appearance. The eager path
 * fills a descriptor and runs it; a compiled step is an array of descriptors run in a loop.
 */
#ifndef FASTNN_H
#define FASTNN_H

#include <stddef.h>
#include <stdint.h>

#include "fastnn_generated.h"

enum { FNN_MAX_ARRAYS = 12, FNN_MAX_DIMS = 16, FNN_MAX_SCALARS = 12 };
enum { FNN_ROW_INDEX = FNN_MAX_ARRAYS }; /* the place of an index behind all arrays */

/* dtype codes of arrays marked ":any" */
enum fnn_type {
    FNN_F32,
    FNN_F64,
    FNN_U8,
    FNN_I8,
    FNN_U16,
    FNN_I16,
    FNN_I32,
    FNN_I64,
};

typedef struct fnn_op fnn_op;
typedef void (*fnn_kernel)(const fnn_op *op);

struct fnn_op {
    fnn_kernel run;
    void *p[FNN_MAX_ARRAYS + 1];  /* arrays; NULL where an optional one is absent. At FNN_ROW_INDEX: an index (n), by
                                     which the rows of an array marked @ are read; or NULL, as they lie */
    ptrdiff_t n[FNN_MAX_DIMS];    /* dimensions */
    double s[FNN_MAX_SCALARS];    /* scalars */
    uint8_t type[FNN_MAX_ARRAYS]; /* enum fnn_type */
};

/* A row of the kernel table. */
typedef struct {
    const char *signature; /* as in fastnn/kernels/__init__.py */
    fnn_kernel run;
} fnn_entry;

/* Tables, one a compiled (instruction set, type); the last row has a NULL signature. */
typedef struct {
    const char *name; /* "baseline", "avx2", "avx512", "neon" */
    const fnn_entry *f32, *f64;
    const fnn_entry *probes_f32, *probes_f64; /* runtime/probe.c */
    const int *panel_f32, *panel_f64;         /* columns of a panel of weights (gemm/microkernel.c) */
} fnn_isa;

/* The instruction sets that this library was built with AND this processor can run, best first, NULL-ended. */
const fnn_isa *const *fnn_isas(void);

/* --- threads (runtime/thread_pool.c) --- */

enum { FNN_MAX_THREADS = 256 };

int fnn_get_num_threads(void);
/* 0 on success, otherwise an errno value; the old pool stays in use. */
int fnn_set_num_threads(int count);
/* fn(context, task) for task = 0 … tasks-1; returns when all are done. Each thread has a run of neighbouring tasks, of
 * which an idle one takes those not yet begun. */
void fnn_parallel(int tasks, void (*fn)(void *context, int task), void *context);
/* This thread's workspace (FNN_SCRATCH_BYTES, 64-byte aligned), or NULL when memory is short. A thread that
 * is about to run kernels calls fnn_scratch once and checks it; workers do so before they report ready. */
void *fnn_scratch(void);

/* --- replay (runtime/replay.c) --- */

/* Before step i, array `arg` of operation `op` is pointed at streams[stream] + (i) * stride bytes. */
typedef struct {
    int op, arg, stream;
    ptrdiff_t stride;
} fnn_patch;

/* An argument that points to the inputs of a step; those of the step behind it are brought to `other` meanwhile. */
typedef struct {
    int op, arg;
    char *other;
} fnn_swap;

typedef struct {
    fnn_op *ops;
    int op_count;
    const fnn_patch *patches;
    int patch_count;
    double *op_seconds;  /* per operation, summed over the sampled steps */
    int64_t *samples;    /* how many steps were sampled */
    int gather;          /* the patch of the index by which the inputs are gathered; -1: there is none */
    ptrdiff_t row_bytes; /* of a row of the inputs */
    fnn_swap *swaps;     /* they change places behind every step that is followed by another; may be none */
    int swap_count;
    uint8_t *brought; /* of each of a step's rows: it is in place already */
} fnn_program;

/* Runs steps first … first+count-1. Ends early after `seconds`, or behind the first step whose value in
 * `watch` (watch[step], may be NULL) is not finite. Returns the number of steps done. */
ptrdiff_t fnn_replay(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count, double seconds,
                     const double *watch);

double fnn_seconds(void); /* monotonic clock */

#endif
