/* What the C side offers: one calling convention, a kernel table for each instruction set and type, the thread pool
 * and the replay of compiled steps.
 *
 * Every kernel takes one descriptor. Arrays and scalars stand in the order of the kernel's signature
 * (fastnn/kernels/signatures.py), dimensions in the order of their first appearance there. The eager path fills a
 * descriptor and runs it; a compiled step is an array of descriptors that a loop runs.
 */
#ifndef FASTNN_H
#define FASTNN_H

#include <stddef.h>
#include <stdint.h>

#include "fastnn_generated.h"

enum { FNN_MAX_ARRAYS = 12, FNN_MAX_DIMS = 16, FNN_MAX_SCALARS = 12 };
enum { FNN_ROW_INDEX = FNN_MAX_ARRAYS }; /* the position of a row index, behind all arrays */

/* The dtypes of arrays whose signature says ":any". */
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
    void *p[FNN_MAX_ARRAYS + 1];  /* arrays; NULL where an optional one is absent. At FNN_ROW_INDEX: the index (n) by
                                     which the rows of an array marked @ are read, or NULL to read them in order */
    ptrdiff_t n[FNN_MAX_DIMS];    /* dimensions */
    double s[FNN_MAX_SCALARS];    /* scalars */
    uint8_t type[FNN_MAX_ARRAYS]; /* enum fnn_type */
    uint8_t flushes;              /* whether subnormal numbers are zeros in this call (runtime/subnormals.h) */
};

/* A row of the kernel table. */
typedef struct {
    const char *signature; /* as in fastnn/kernels/signatures.py */
    fnn_kernel run;
    int flushes; /* as in an operation */
} fnn_entry;

/* The tables of one instruction set, one for each type; the last row of a table has a NULL signature. */
typedef struct {
    const char *name; /* "baseline", "avx2", "avx512", "neon" */
    const fnn_entry *f32, *f64;
    const fnn_entry *probes_f32, *probes_f64;           /* runtime/probe.c */
    const fnn_entry *populations_f32, *populations_f64; /* population/population.c */
    const int *panel_f32, *panel_f64;                   /* columns of a panel of weights (gemm/microkernel.c) */
} fnn_isa;

/* The instruction sets that this library was built with and that this processor can run, best first; NULL ends the
 * list. */
const fnn_isa *const *fnn_isas(void);

/* Whether this processor multiplies pairs of bf16 numbers faster than floats: those of AMD that can at all. On Intel's
 * the dot product has half the speed of the multiply-add. */
int fnn_bf16_is_fast(void);

/* --- the tile registers of AMX (runtime/amx.c) --- */

enum { FNN_TILES_NONE, FNN_TILES_EMULATED, FNN_TILES_AMX };

/* Whether this processor and its system have AMX with products of bf16. */
int fnn_has_amx(void);
/* Chooses how products that may be rounded are computed: not in tiles; by functions that compute what the instructions
 * do; or by these, for which the system is asked the first time. Returns what is in use from now on: FNN_TILES_NONE
 * where the system refuses. */
int fnn_use_tiles(int how);
int fnn_tiles(void);

/* --- threads (runtime/thread_pool.c) --- */

int fnn_get_num_threads(void);
/* Returns 0, or an errno value if the old pool stays in use. */
int fnn_set_num_threads(int count);
/* Into how many tasks to cut that many multiply-adds (runtime/thread_pool.c); no result depends on it. */
int fnn_threads_for(double products);
/* Calls fn(context, task) for task = 0 … tasks-1 and returns when all are done. Each thread has a run of neighbouring
 * tasks; idle threads take over those that are not begun yet. */
void fnn_parallel(int tasks, void (*fn)(void *context, int task), void *context);
/* Returns this thread's workspace (FNN_SCRATCH_BYTES, 64-byte aligned), or NULL if there is no memory. A thread calls
 * fnn_scratch once and checks the result before it runs kernels; workers do so before they report ready. */
void *fnn_scratch(void);

/* --- replay (runtime/replay.c) --- */

/* An argument that moves with a stream: before step i, array `arg` of operation `op` is pointed at streams[stream] +
 * i * stride bytes. */
typedef struct {
    int op, arg, stream;
    ptrdiff_t stride;
} fnn_stream_argument;

/* An argument that points to one half of a double buffer. While a step works on that half, the inputs of the next step
 * are gathered into the other half, `back`. */
typedef struct {
    int op, arg;
    char *back;
} fnn_double_buffer;

/* An argument whose array keeps something from step to step, and memory for a copy of it. */
typedef struct {
    int op, arg;
    size_t bytes;
    char *copy;
} fnn_kept;

typedef struct {
    fnn_op *ops;
    int op_count;
    const fnn_stream_argument *stream_arguments;
    int stream_argument_count;
    double *op_seconds;  /* for each operation, summed over the sampled steps; then as many for one step */
    int64_t *samples;    /* how many steps were sampled */
    int gather;          /* which stream argument is the index by which the inputs are gathered; -1: there is none */
    ptrdiff_t row_bytes; /* the size of a row of the inputs */
    fnn_double_buffer *double_buffers; /* swapped after every step that is followed by another */
    int double_buffer_count;           /* may be 0 */
    uint8_t *ready;                    /* for each row of a step: whether it has been gathered already */
    int first_update;                  /* the first operation from which on a step must be done to its end */
    const fnn_kept *kept;              /* what operations before that one change and a step that is left gets back */
    int kept_count;
} fnn_program;

/* Runs the steps first … first+count-1 and returns how many were done. It ends early when `seconds` have passed, or
 * after the first step for which watch[step] is not finite (watch may be NULL).
 *
 * The first step may take long; it is left, as if it had never begun, when `ask` returns other than 0 before anything
 * is updated (runtime/interruption.h). ask may be NULL. */
ptrdiff_t fnn_replay(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count, double seconds,
                     const double *watch, int (*ask)(void));

/* Runs one operation. Where it may be left, returns whether it was, because `ask` returned other than 0. */
int fnn_run(const fnn_op *op, int (*ask)(void));

double fnn_seconds(void); /* monotonic clock */

#endif
