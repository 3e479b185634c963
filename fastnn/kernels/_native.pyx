# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# cython: freethreading_compatible=True
"""The native backend: binds arrays to the descriptors of C kernels, runs these, and replays programs of them.

One binding serves every kernel. It follows the signature (fastnn/kernels/signatures.py), so no kernel has a wrapper of
its own.

A free-threaded Python keeps its lock off: kernels do not change after the import, a program has one user at a time
(fastnn/program/warm.py), and what threads share in C is atomic or behind a mutex.
"""

cimport cython
from cpython.exc cimport PyErr_Occurred
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset
cimport numpy as cnp

import os

import numpy as np

from fastnn.kernels.signature import DTYPES, parse

ROW_INDEX = FNN_ROW_INDEX  # the position of a row index, behind all arrays of a kernel

cnp.import_array()

cdef extern from "Python.h":
    int handle_signals "PyErr_CheckSignals"()  # without `except`, so that the exception of a handler stays in place


cdef int ask_python() noexcept nogil:
    """Whether a signal, such as that of Ctrl-C, has raised an exception; raise_pending raises it."""
    with gil:
        return handle_signals()


cdef int raise_pending() except -1:
    """Raise the exception of `ask_python`, if there is one."""
    return -1 if PyErr_Occurred() != NULL else 0


# the dtype that an argument must have: that of the call, or any
cdef enum: REAL = -1, ANY = -2

cdef dict TYPE_CODES = {
    np.dtype(np.float32).num: FNN_F32, np.dtype(np.float64).num: FNN_F64,
    np.dtype(np.uint8).num: FNN_U8, np.dtype(np.int8).num: FNN_I8,
    np.dtype(np.uint16).num: FNN_U16, np.dtype(np.int16).num: FNN_I16,
    np.dtype(np.int32).num: FNN_I32, np.dtype(np.int64).num: FNN_I64,
}


cdef ptrdiff_t row_stride(cnp.ndarray a):
    """Elements from row to row; -1 if rows overlap, are not contiguous or are not aligned."""
    cdef ptrdiff_t item = cnp.PyArray_ITEMSIZE(a), rows = cnp.PyArray_DIM(a, 0), cols = cnp.PyArray_DIM(a, 1)
    cdef ptrdiff_t stride = cnp.PyArray_STRIDE(a, 0)
    if not cnp.PyArray_ISBEHAVED_RO(a) or (cols > 1 and cnp.PyArray_STRIDE(a, 1) != item):
        return -1
    if rows <= 1:
        return cols
    return stride // item if stride % item == 0 and stride >= cols * item else -1


cdef class Kernel:
    """A kernel of one instruction set. It is called with the arguments of its signature."""

    cdef readonly object signature
    cdef fnn_kernel f32, f64
    cdef bint flushes, may_be_left
    cdef int panel_f32, panel_f64            # columns in a panel of weights
    cdef int arrays, scalars, dims
    cdef tuple defaults                      # the values of the last scalars
    cdef bint spaced                         # the row and panel strides shared by spaced arrays follow the dims
    cdef int rank[FNN_MAX_ARRAYS]            # -1: any shape, seen as one run of elements
    cdef int letter[FNN_MAX_ARRAYS][8]       # index of each dimension in dims; -s: must be s
    cdef int dtype[FNN_MAX_ARRAYS]           # numpy type number, REAL or ANY
    cdef bint optional[FNN_MAX_ARRAYS]
    cdef bint writes[FNN_MAX_ARRAYS]
    cdef bint may_space[FNN_MAX_ARRAYS]

    def __cinit__(self, signature):
        self.signature = signature
        arrays = signature.arrays
        self.arrays = len(arrays)
        self.scalars = len(signature.scalars)
        self.dims = len(signature.dims)
        self.defaults = signature.defaults
        self.may_be_left = signature.may_be_left
        self.spaced = any(a.spaced for a in arrays)
        if self.arrays > FNN_MAX_ARRAYS or self.dims + 2 * self.spaced > FNN_MAX_DIMS or self.scalars > FNN_MAX_SCALARS:
            raise ValueError(f"Kernel: {signature.name} has more arguments than a descriptor holds")
        if any(len(a.dims) > 8 for a in arrays):
            raise ValueError(f"Kernel: {signature.name} has an array of more than 8 dimensions")
        numbers = {"real": REAL, "any": ANY} | {name: np.dtype(t).num for name, t in DTYPES.items()}
        for i, a in enumerate(arrays):
            self.may_space[i] = a.spaced
            self.dtype[i] = numbers[a.dtype]
            self.optional[i] = a.optional
            self.writes[i] = a.writes
            self.rank[i] = -1 if a.dims == ("*",) else len(a.dims)
            for j, d in enumerate(a.dims):
                self.letter[i][j] = -int(d) if d.isdigit() else signature.dims.index(d)

    cdef int bind(self, fnn_op *op, tuple args) except -1:
        """Fill the descriptor; raise ValueError if an argument does not fit the signature."""
        cdef int i, j, d, number, missing, real = -1, columns = -1
        cdef ptrdiff_t extent, spacing, width = 0, count = 0
        cdef bint panels
        cdef cnp.ndarray a
        memset(op, 0, sizeof(fnn_op))
        for d in range(self.dims + 2 * self.spaced):
            op.n[d] = -1
        missing = self.arrays + self.scalars - len(args)
        if not 0 <= missing <= len(self.defaults):
            raise ValueError(f"{self.signature.name}: expected {self.arrays + self.scalars} arguments, "
                             f"got {len(args)}")
        if missing > 0:
            args = args + self.defaults[len(self.defaults) - missing:]
        for i in range(self.arrays):
            if args[i] is None:
                if not self.optional[i]:
                    self._refuse(i, args[i])
                continue
            if not isinstance(args[i], np.ndarray):
                self._refuse(i, args[i])
            a = args[i]
            number = cnp.PyArray_TYPE(a)
            if self.dtype[i] == REAL:
                if real < 0:
                    if number != cnp.NPY_FLOAT32 and number != cnp.NPY_FLOAT64:
                        self._refuse(i, a)
                    real = number
                    width = self.panel_f32 if real == cnp.NPY_FLOAT32 else self.panel_f64
                if number != real:
                    self._refuse(i, a)
            elif self.dtype[i] == ANY:
                if number not in TYPE_CODES:
                    self._refuse(i, a)
                op.type[i] = TYPE_CODES[number]
            elif number != self.dtype[i]:
                self._refuse(i, a)
            if self.writes[i] and not cnp.PyArray_ISWRITEABLE(a):
                self._refuse(i, a)
            panels = self.may_space[i] and cnp.PyArray_NDIM(a) == 3
            if self.may_space[i]:
                extent = width if panels else row_stride(a)
                spacing = cnp.PyArray_DIM(a, 1) * width if panels else 0
                if extent < 0 or (op.n[self.dims] >= 0 and (op.n[self.dims], op.n[self.dims + 1]) != (extent, spacing)):
                    self._refuse(i, a)
                op.n[self.dims], op.n[self.dims + 1] = extent, spacing
            if (panels or not self.may_space[i]) and not cnp.PyArray_ISCARRAY_RO(a):
                self._refuse(i, a)
            if self.rank[i] < 0:
                if op.n[self.letter[i][0]] < 0:
                    op.n[self.letter[i][0]] = cnp.PyArray_SIZE(a)
                elif op.n[self.letter[i][0]] != cnp.PyArray_SIZE(a):
                    self._refuse(i, a)
            else:
                if cnp.PyArray_NDIM(a) != self.rank[i] + panels or (panels and cnp.PyArray_DIM(a, 2) != width):
                    self._refuse(i, a)
                for j in range(self.rank[i]):
                    extent = cnp.PyArray_DIM(a, j + panels)
                    d = self.letter[i][j]
                    if panels and j == 1:  # another array has the number of columns, or all of the panels' columns count
                        columns, count = d, cnp.PyArray_DIM(a, 0)
                        break
                    if d < 0:
                        if extent != -d:
                            self._refuse(i, a)
                    elif op.n[d] < 0:
                        op.n[d] = extent
                    elif op.n[d] != extent:
                        self._refuse(i, a)
            op.p[i] = cnp.PyArray_DATA(a)
        if columns >= 0:
            if op.n[columns] < 0:
                op.n[columns] = count * width
            elif (op.n[columns] + width - 1) // width != count:
                raise ValueError(f"{self.signature.name}: {count} panels do not hold {op.n[columns]} columns")
        for i in range(self.scalars):
            op.s[i] = args[self.arrays + i]
        op.flushes = self.flushes
        op.run = self.f32 if real == cnp.NPY_FLOAT32 or (real < 0 and self.f64 == NULL) else self.f64
        return 0

    def panel_columns(self, dtype):
        """Columns in a panel of weights of that dtype; arguments ``[d,m+]`` may be panels (panels, d, columns)."""
        return self.panel_f32 if np.dtype(dtype) == np.float32 else self.panel_f64

    def _refuse(self, int i, value):
        got = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise ValueError(
            f"{self.signature.name}: {self.signature.arrays[i].name} does not fit the signature "
            f"{self.signature.text} (got {got}; arrays must be C-contiguous, aligned and of one float dtype, and "
            "padded rows must have equal distances)"
        )

    def __call__(self, *args):
        cdef fnn_op op
        cdef fnn_ask ask = NULL
        self.bind(&op, args)
        if fnn_scratch() == NULL:
            raise MemoryError(f"{self.signature.name}: no memory for the workspace of this thread")
        if self.may_be_left:
            ask = ask_python
        with nogil:
            fnn_run(&op, ask)
        raise_pending()

    def __repr__(self):
        return f"<native kernel {self.signature.text}>"


cdef dict _kernels_of(const fnn_isa *isa, const fnn_entry *f32, const fnn_entry *f64):
    cdef int i = 0
    cdef Kernel kernel
    table = {}
    while f32[i].signature != NULL:
        kernel = Kernel(parse(f32[i].signature.decode()))
        kernel.f32 = f32[i].run
        kernel.f64 = f64[i].run
        kernel.flushes = f32[i].flushes
        kernel.panel_f32, kernel.panel_f64 = isa.panel_f32[0], isa.panel_f64[0]
        table[kernel.signature.name] = kernel
        i += 1
    return table


def bf16_is_fast():
    """Whether this processor multiplies bf16 numbers faster than floats."""
    return bool(fnn_bf16_is_fast())


def has_amx():
    """Whether this processor and its system have AMX with products of bf16."""
    return bool(fnn_has_amx())


def use_tiles(str how):
    """Compute products that may be rounded in tile registers: of "amx", as functions ("emulated"), or not ("none").

    Returns whether that is so from now on; the system may refuse "amx".
    """
    cdef int asked = {"none": FNN_TILES_NONE, "emulated": FNN_TILES_EMULATED, "amx": FNN_TILES_AMX}[how]
    return fnn_use_tiles(asked) == asked


def isa_tables(str which="kernels"):
    """The tables of "kernels", "probes" or "populations" by instruction set.

    Those that were built and that this processor can run; the best one comes first.
    """
    cdef const fnn_isa *const *isa = fnn_isas()
    tables = {}
    while isa[0] != NULL:
        if which == "kernels":
            table = _kernels_of(isa[0], isa[0].f32, isa[0].f64)
        elif which == "probes":
            table = _kernels_of(isa[0], isa[0].probes_f32, isa[0].probes_f64)
        else:
            table = _kernels_of(isa[0], isa[0].populations_f32, isa[0].populations_f64)
        tables[isa[0].name.decode()] = table
        isa += 1
    return tables


def get_num_threads():
    return fnn_get_num_threads()


def set_num_threads(int count):
    cdef int status
    with nogil:
        status = fnn_set_num_threads(count)
    if status != 0:
        raise OSError(status, os.strerror(status))


def set_processors(int count):
    """Let at most so many threads work at once; 0: as many as the process may use. For tests, and for pinned runs."""
    cdef int status
    with nogil:
        status = fnn_set_processors(count)
    if status != 0:
        raise OSError(status, os.strerror(status))


def set_uneven(bint uneven):
    """Say whether some processors are slower than others: work is then cut into more parts than there are threads."""
    fnn_set_uneven(uneven)


def threads_worth(int threads, double products, double cost):
    """How many threads a call of so many multiply-adds gets, if each makes it longer by `cost` seconds."""
    return fnn_threads_worth(threads, products, cost)


def set_single_threaded(bint enabled):
    return bool(fnn_set_single_threaded(enabled))


def set_custom(int number, bint is_double, int place, size_t address):
    fnn_set_custom(number, is_double, place, <fnn_custom_function>address)


def read_rows(int file, cnp.ndarray index, cnp.ndarray out, int64_t start):
    """Read rows of a file into `out` (n, bytes of a row), by index (k,), k <= n; both are C-contiguous.

    The caller has checked everything. (Typed memoryviews would double what Cython writes for this module.)
    """
    cdef const int64_t *numbers = <const int64_t *>cnp.PyArray_DATA(index)
    cdef char *rows = <char *>cnp.PyArray_DATA(out)
    cdef ptrdiff_t count = cnp.PyArray_DIM(index, 0), row_bytes = cnp.PyArray_DIM(out, 1), read = 0
    if 0 < count <= cnp.PyArray_DIM(out, 0):
        with nogil:
            read = fnn_read_rows(file, numbers, count, row_bytes, start, rows)
    return read


include "_batch.pxi"
include "_program.pxi"
