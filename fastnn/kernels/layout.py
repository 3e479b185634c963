"""Arrays as kernels take them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_taken(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`array` itself where it is C-contiguous, aligned, of `dtype` and of no subclass; else such a copy or view."""
    if type(array) is np.ndarray and array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array  # np.require takes a microsecond to find that out
    return np.require(array, dtype, ["C", "A", "E"])
