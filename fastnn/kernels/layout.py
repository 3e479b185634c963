"""The memory layout of arrays that kernels read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_contiguous(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`array` itself, if it is a C-contiguous and aligned ndarray of `dtype`; otherwise a copy or view that is."""
    if type(array) is np.ndarray and array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array  # np.require needs a microsecond to find that out
    if array.dtype == dtype:
        return np.require(array, dtype, ["C", "A", "E"])
    with np.errstate(all="ignore"):  # a number that rounds to 0 or infinity is no error of the caller's
        return np.require(array, dtype, ["C", "A", "E"])
