"""Gathering the rows of a batch by index; NumPy gathers labels as fast."""

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array

COMPILES = frozenset("fdbBhHiIlLqQ")  # the characters of the dtypes that Numba can convert


@jit
def _rows(source: Array, out: Array, scale: float) -> None:
    factor = out.dtype.type(scale)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = source[i, j]
            out[i, j] *= factor


@jit
def _rows_by_index(source: Array, index: Array, out: Array, scale: float) -> None:
    factor = out.dtype.type(scale)
    for i in range(out.shape[0]):
        row = index[i]
        for j in range(out.shape[1]):
            out[i, j] = source[row, j]
            out[i, j] *= factor


def gather_rows(source: Array, index: Array | None, out: Array, scale: float) -> None:
    """``out = source[index] * scale``, or the first rows if ``index`` is ``None``."""
    if source.dtype.char not in COMPILES or not source.dtype.isnative:
        reference.gather_rows(source, index, out, scale)
    elif index is None:
        _rows(source, out, scale)
    else:
        _rows_by_index(source, index, out, scale)
