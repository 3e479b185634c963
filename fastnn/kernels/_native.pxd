# cython: language_level=3
# The C side (csrc/fastnn.h) as Cython sees it; _native.pyx gets these names without an import.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, uint8_t

cdef extern from "runtime/thread_pool.h" nogil:
    int fnn_set_single_threaded(int enabled)
    int fnn_set_processors(int count)
    void fnn_set_uneven(int is_uneven)
    int fnn_threads_worth(int threads, double products, double cost)

cdef extern from "runtime/interruption.h" nogil:
    ctypedef int (*fnn_ask)() noexcept nogil

cdef extern from "fastnn.h" nogil:
    enum: FNN_MAX_ARRAYS, FNN_MAX_DIMS, FNN_MAX_SCALARS
    enum: FNN_ROW_INDEX
    enum: FNN_F32, FNN_F64, FNN_U8, FNN_I8, FNN_U16, FNN_I16, FNN_I32, FNN_I64
    ctypedef struct fnn_op
    ctypedef void (*fnn_kernel)(const fnn_op *op) noexcept
    ctypedef struct fnn_op:
        fnn_kernel run
        void *p[FNN_MAX_ARRAYS + 1]
        ptrdiff_t n[FNN_MAX_DIMS]
        double s[FNN_MAX_SCALARS]
        uint8_t type[FNN_MAX_ARRAYS]
        uint8_t flushes
    ctypedef struct fnn_entry:
        const char *signature
        fnn_kernel run
        int flushes
    ctypedef struct fnn_isa:
        const char *name
        const fnn_entry *f32
        const fnn_entry *f64
        const fnn_entry *probes_f32
        const fnn_entry *probes_f64
        const fnn_entry *populations_f32
        const fnn_entry *populations_f64
        const int *panel_f32
        const int *panel_f64
    ctypedef struct fnn_stream_argument:
        int op
        int arg
        int stream
        ptrdiff_t stride
    ctypedef struct fnn_double_buffer:
        int op
        int arg
        char *back
    ctypedef struct fnn_kept:
        int op
        int arg
        size_t bytes
        char *copy
    ctypedef struct fnn_program:
        fnn_op *ops
        int op_count
        const fnn_stream_argument *stream_arguments
        int stream_argument_count
        double *op_seconds
        int64_t *samples
        int gather
        ptrdiff_t row_bytes
        fnn_double_buffer *double_buffers
        int double_buffer_count
        uint8_t *ready
        int first_update
        const fnn_kept *kept
        int kept_count
    const fnn_isa *const *fnn_isas()
    int fnn_bf16_is_fast()
    enum: FNN_TILES_NONE, FNN_TILES_EMULATED, FNN_TILES_AMX
    int fnn_has_amx()
    int fnn_use_tiles(int how)
    int fnn_get_num_threads()
    int fnn_set_num_threads(int count)
    void *fnn_scratch()
    double fnn_seconds()
    ptrdiff_t fnn_replay(const fnn_program *program, char *const *streams, ptrdiff_t first, ptrdiff_t count,
                         double seconds, const double *watch, fnn_ask ask)
    int fnn_run(const fnn_op *op, fnn_ask ask)

cdef extern from "runtime/replay.h" nogil:
    enum: FNN_MAX_STREAMS
    ctypedef struct fnn_part:
        const fnn_program *program
        char *streams[FNN_MAX_STREAMS]
        const double *watch
        ptrdiff_t count
        double seconds
    ptrdiff_t fnn_replay_parts(fnn_part *parts, ptrdiff_t count, double seconds, fnn_ask ask)

cdef extern from "runtime/custom.h" nogil:
    ctypedef void (*fnn_custom_function)()
    void fnn_set_custom(int number, int is_double, int place, fnn_custom_function function)

cdef extern from "runtime/file_rows.h" nogil:
    ptrdiff_t fnn_read_rows(int file, const int64_t *index, ptrdiff_t rows, ptrdiff_t width, int64_t start, char *out)
