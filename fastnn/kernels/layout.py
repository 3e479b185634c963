"""The memory layout of arrays that kernels read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE_BYTES = 64  # the size of a cache line and of the widest vector


def zeros_on_line(size: int, dtype: np.dtype[Any], offset: int = 0) -> NDArray[Any]:
    """A vector of zeros that begins at the beginning of a cache line, or `offset` bytes behind it.

    Vectors of such an array cross fewer lines, and threads that write parts of it share fewer of them.
    """
    width = dtype.itemsize
    raw = np.zeros(size + (LINE_BYTES + offset) // width, dtype)
    first = (-raw.__array_interface__["data"][0] % LINE_BYTES + offset) // width
    return raw[first : first + size]


def copy_on_line(vector: NDArray[Any]) -> NDArray[Any]:
    """A copy of a vector that begins at the beginning of a cache line."""
    copied = zeros_on_line(vector.size, vector.dtype)
    copied[...] = vector
    return copied


def as_contiguous(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`array` itself, if it is a C-contiguous and aligned ndarray of `dtype`; otherwise a copy or view that is."""
    if type(array) is np.ndarray and array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array  # np.require needs a microsecond to find that out
    if array.dtype == dtype:
        return np.require(array, dtype, ["C", "A", "E"])
    with np.errstate(all="ignore"):  # a number that rounds to 0 or infinity is no error of the caller's
        return np.require(array, dtype, ["C", "A", "E"])
