"""The checks of arguments that all hand-outs share: real arrays, promoted as in NumPy."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[Any]


def real(function: str, name: str, value: ArrayLike) -> Array:
    """Return ``value`` as an array of real numbers, or raise an error that says what is wrong."""
    a: Array = np.asarray(value)
    if a.dtype.kind not in "buif":
        raise TypeError(f"{function}: {name} must be real numbers, got dtype {a.dtype}")
    return a


def rows(function: str, name: str, value: ArrayLike) -> Array:
    """Return ``value`` as a real array (N, D), D at least 1, or raise an error that says what is wrong."""
    a = real(function, name, value)
    if a.ndim != 2 or a.shape[1] == 0:
        raise ValueError(
            f"{function}: {name} must have two dimensions (rows are samples) and a column, got shape {a.shape}"
        )
    return a


def floating(*arrays: Array) -> tuple[Array, ...]:
    """Promote to a common dtype as NumPy does; if all are integers, to float64."""
    dtype = arrays[0].dtype
    if dtype.kind == "f" and not [array for array in arrays if array.dtype is not dtype]:
        return arrays
    dtype = np.result_type(*arrays)
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    return tuple(a.astype(dtype, copy=False) for a in arrays)
