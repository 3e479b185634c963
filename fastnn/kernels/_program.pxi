# The compiled step as Python sees it. _native.pyx includes this file.


cdef bint _all_numbers(const char *values, ptrdiff_t count, int number) noexcept nogil:
    """Whether none of some int64, float32 or float64 values is negative (int64) or NaN (the others)."""
    cdef ptrdiff_t i
    cdef bint good = True
    if number == cnp.NPY_INT64:
        for i in range(count):
            good &= (<const int64_t *>values)[i] >= 0
    elif number == cnp.NPY_FLOAT32:
        for i in range(count):
            good &= (<const float *>values)[i] == (<const float *>values)[i]
    else:
        for i in range(count):
            good &= (<const double *>values)[i] == (<const double *>values)[i]
    return good


cdef class Program:
    """A compiled step: kernels that are bound to their arrays once and replayed, while some arrays move step by step.

    Parameters
    ----------
    operations : sequence of (Kernel, arguments)
        In the order in which they run. The program keeps the arrays alive.
    stream_arguments : sequence of (operation, argument, stream, stride)
        Before step ``i``, array ``argument`` of ``operation`` is pointed at ``i * stride`` bytes into the array that
        ``run`` gets for ``stream``. The argument ``ROW_INDEX`` is the index by which rows are read.
    gather : int
        Which of `stream_arguments` is the index by which the inputs are gathered, so that the rows of the next step
        are prefetched while a step computes. -1: there is none.
    double_buffers : sequence of (operation, argument, distance)
        Which arguments write or read the gathered inputs, and how many bytes further on the second buffer begins,
        into which the rows of the next step are gathered while a step computes. Empty: there is no second buffer.
    held : sequence of (operation, argument, number, offset, varies)
        Which arguments ``rebind`` points elsewhere: ``offset`` bytes into array ``number`` of those that it gets, whose
        number of rows may differ where ``varies``. The program does not keep the arrays alive with which these
        arguments were bound.
    first_update : int, optional
        The first operation from which on a step must be done to its end. Default: all of it.
    kept : sequence of (operation, argument)
        What operations before that one change, and what a step that is left gets back.
    """

    cdef fnn_program program
    cdef object _keep
    cdef list _held                          # (operation, argument, number, offset, dimension of the rows or -1)
    cdef list _bound                         # the arrays that `rebind` got
    cdef list _copies                        # the memory for what is kept
    cdef int _streams
    cdef int64_t _samples

    def __cinit__(self, operations, stream_arguments=(), int gather=-1, double_buffers=(), held=(),
                  int first_update=0, kept=()):
        cdef int i, letter
        cdef Kernel kernel
        cdef fnn_stream_argument *streamed
        self._keep = list(operations)
        stream_arguments = list(stream_arguments)
        self.program.op_count = len(self._keep)
        self.program.stream_argument_count = len(stream_arguments)
        self.program.ops = <fnn_op *>PyMem_Calloc(len(self._keep) + 1, sizeof(fnn_op))
        streamed = <fnn_stream_argument *>PyMem_Calloc(len(stream_arguments) + 1, sizeof(fnn_stream_argument))
        self.program.stream_arguments = streamed
        self.program.op_seconds = <double *>PyMem_Calloc(2 * len(self._keep) + 1, sizeof(double))
        self.program.samples = &self._samples
        if self.program.ops == NULL or streamed == NULL or self.program.op_seconds == NULL:
            raise MemoryError("Program: no memory for the descriptors")
        for i, (kernel, args) in enumerate(self._keep):
            kernel.bind(&self.program.ops[i], tuple(args))
        self._streams = 0
        for i, (op, arg, stream, stride) in enumerate(stream_arguments):
            if not (0 <= op < self.program.op_count and 0 <= arg <= FNN_ROW_INDEX and 0 <= stream < FNN_MAX_STREAMS):
                raise ValueError(f"Program: stream argument {(op, arg, stream, stride)} does not exist")
            streamed[i].op, streamed[i].arg, streamed[i].stream, streamed[i].stride = op, arg, stream, stride
            self._streams = max(self._streams, stream + 1)
        if not -1 <= gather < len(stream_arguments):
            raise ValueError(f"Program: there is no stream argument {gather} to gather by")
        self.program.gather = gather
        if gather >= 0:
            source = self._keep[stream_arguments[gather][0]][1][0]
            self.program.row_bytes = source.nbytes // max(1, len(source))
            if double_buffers:
                self.double_buffer(streamed[gather].op, list(double_buffers))
        self.program.first_update = first_update
        self.keep(list(kept))
        self._held = []
        for i, arg, number, offset, varies in held:
            kernel = self._keep[i][0]
            letter = kernel.letter[<int>arg][0] if varies and kernel.rank[<int>arg] > 0 else -1
            self._held.append((i, arg, number, offset, letter))
            self._keep[i][1][arg] = None

    cdef int double_buffer(self, int gather, list double_buffers) except -1:
        """Prepare the double buffer of the inputs that operation `gather` writes."""
        cdef int i
        self.program.double_buffer_count = len(double_buffers)
        self.program.double_buffers = <fnn_double_buffer *>PyMem_Calloc(
            len(double_buffers) + 1, sizeof(fnn_double_buffer))
        self.program.ready = <uint8_t *>PyMem_Calloc(self.program.ops[gather].n[2] + 1, 1)
        if self.program.double_buffers == NULL or self.program.ready == NULL:
            raise MemoryError("Program: no memory for the double buffers")
        for i, (op, arg, distance) in enumerate(double_buffers):
            if not (0 <= op < self.program.op_count and 0 <= arg < FNN_MAX_ARRAYS):
                raise ValueError(f"Program: double-buffered argument {(op, arg, distance)} does not exist")
            self.program.double_buffers[i].op, self.program.double_buffers[i].arg = op, arg
            self.program.double_buffers[i].back = <char *>self.program.ops[op].p[arg] + <ptrdiff_t>distance
        return 0

    cdef int keep(self, list kept) except -1:
        """Prepare the copies of what a step changes before its first update."""
        cdef int i
        cdef fnn_kept *entries = <fnn_kept *>PyMem_Calloc(len(kept) + 1, sizeof(fnn_kept))
        if entries == NULL:
            raise MemoryError("Program: no memory for the descriptors")
        self.program.kept = entries
        self._copies = [np.empty_like(self._keep[op][1][arg]) for op, arg in kept]
        for i, (op, arg) in enumerate(kept):
            entries[i].op, entries[i].arg = op, arg
            entries[i].bytes = self._copies[i].nbytes
            entries[i].copy = <char *>cnp.PyArray_DATA(self._copies[i])
        self.program.kept_count = len(kept)
        return 0

    def __dealloc__(self):
        PyMem_Free(<void *>self.program.kept)
        PyMem_Free(self.program.ops)
        PyMem_Free(self.program.double_buffers)
        PyMem_Free(self.program.ready)
        PyMem_Free(<void *>self.program.stream_arguments)
        PyMem_Free(self.program.op_seconds)

    def rebind(self, list arrays):
        """Point the held arguments into other arrays, which the caller has checked; None lets go of all arrays."""
        cdef int i, arg, number, letter
        cdef ptrdiff_t offset
        cdef cnp.ndarray array
        cdef fnn_op *op
        if arrays is not None:
            for array in arrays:
                if not cnp.PyArray_ISCARRAY_RO(array):
                    raise ValueError("Program.rebind: expected C-contiguous, aligned arrays")
            for i, arg, number, offset, letter in self._held:
                array, op = arrays[number], &self.program.ops[i]
                op.p[arg] = <char *>cnp.PyArray_DATA(array) + offset
                if letter >= 0:
                    op.n[letter] = cnp.PyArray_DIM(array, 0)
        self._bound = arrays

    def set_scalar(self, int operation, int position, double value):
        """Give a scalar of an operation another value."""
        self.program.ops[operation].s[position] = value

    cdef int point(self, char **bases, streams) except -1:
        """Store in `bases` the addresses at which the streams begin."""
        cdef int i
        if self._bound is None and self._held:
            raise RuntimeError("Program.run: the program has let go of its arrays")
        if not self._streams <= len(streams) <= FNN_MAX_STREAMS:
            raise ValueError(
                f"Program.run: expected {self._streams} to {FNN_MAX_STREAMS} streams, got {len(streams)}")
        for i, array in enumerate(streams):
            bases[i] = <char *>cnp.PyArray_DATA(array)
        return 0

    def run(self, streams, ptrdiff_t first, ptrdiff_t count, double seconds, watch=None):
        """Replay ``count`` steps from ``first``, for at most about ``seconds``; return how many were done.

        Stops after a step whose value in ``watch`` (float64, one for each step) is not finite. The caller has checked
        that every stream is long enough. A signal whose handler raises an exception ends the first step, if that takes
        long, before its first update; it is then as if that step had not begun.
        """
        cdef char *bases[FNN_MAX_STREAMS]
        cdef double *watched = NULL
        cdef ptrdiff_t done
        self.point(bases, streams)
        if watch is not None:
            watched = <double *>cnp.PyArray_DATA(watch)
        if fnn_scratch() == NULL:
            raise MemoryError("Program.run: no memory for the workspace of this thread")
        with nogil:
            done = fnn_replay(&self.program, bases, first, count, seconds, watched, ask_python)
        raise_pending()
        return done

    def apply(self, cnp.ndarray x, tuple shape, int number, bint numbers_only=False):
        """Run one step from `x` (stream 0) into a new array (stream 1) of `shape` (one or two numbers) and
        NumPy type `number`.

        None where `x` is not C-contiguous and aligned, and for `numbers_only` where a result is NaN or, among integers,
        negative. The caller has checked the shape and dtype of `x`.
        """
        cdef char *bases[2]
        cdef cnp.npy_intp extents[2]
        cdef cnp.ndarray out
        if not cnp.PyArray_ISCARRAY_RO(x) or self._streams != 2 or (self._bound is None and self._held):
            return None
        extents[0], extents[1] = shape[0], shape[len(shape) - 1]
        out = cnp.PyArray_EMPTY(<int>len(shape), extents, number, 0)
        if fnn_scratch() == NULL:
            raise MemoryError("Program.apply: no memory for the workspace of this thread")
        bases[0] = <char *>cnp.PyArray_DATA(x)
        bases[1] = <char *>cnp.PyArray_DATA(out)
        with nogil:
            fnn_replay(&self.program, bases, 0, 1, 1e9, NULL, ask_python)
        raise_pending()
        if numbers_only and not _all_numbers(bases[1], cnp.PyArray_SIZE(out), number):
            return None
        return out

    @property
    def seconds_per_operation(self):
        """Mean seconds of each operation over the sampled steps (NaN before the first)."""
        return [self.program.op_seconds[i] / self._samples if self._samples else float("nan")
                for i in range(self.program.op_count)]

    def forget_seconds(self):
        """Take the mean of ``seconds_per_operation`` over the steps sampled from now on."""
        memset(self.program.op_seconds, 0, self.program.op_count * sizeof(double))
        self._samples = 0


def replay(parts, double seconds):
    """Replay parts ``(program, streams, count, watch)`` in turn, each from step 0, as `Program.run` does.

    Returns how many steps were done in all and the seconds that each part took.
    """
    cdef Program program
    cdef ptrdiff_t i, done, count = len(parts)
    cdef fnn_part *all = <fnn_part *>PyMem_Calloc(count + 1, sizeof(fnn_part))
    if all == NULL or fnn_scratch() == NULL:
        PyMem_Free(all)
        raise MemoryError("replay: no memory for the parts, or for the workspace of this thread")
    try:
        for i, (program, streams, steps, watch) in enumerate(parts):
            program.point(all[i].streams, streams)
            all[i].program, all[i].count = &program.program, steps
            all[i].watch = NULL if watch is None else <double *>cnp.PyArray_DATA(watch)
        with nogil:
            done = fnn_replay_parts(all, count, seconds, ask_python)
        raise_pending()
        return done, [all[i].seconds for i in range(count)]
    finally:
        PyMem_Free(all)
