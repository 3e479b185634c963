"""Converts the arrays of a notebook to one float dtype."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import choice
from fastnn.compat.arguments import Array, floating

__all__ = ["Array", "Cache", "Gradients", "Params", "common", "flat", "like", "mode_of"]

Cache: TypeAlias = Any
Params: TypeAlias = dict[str, Any]
Gradients: TypeAlias = tuple[Array, Any, Any]  # the gradients of x and of two parameters

_MODES = ("train", "test")
_KERNEL_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))


def common(*values: ArrayLike) -> tuple[Array, ...]:
    """The values as arrays of one dtype that kernels take: as `floating` does, but half precision becomes float32."""
    dtype = getattr(values[0], "dtype", None)
    if dtype in _KERNEL_DTYPES:
        for value in values:  # a generator would take longer than a small layer
            if type(value) is not np.ndarray or value.dtype is not dtype:
                break
        else:
            return values  # type: ignore[return-value]
    arrays = floating(*map(np.asarray, values))
    dtype = np.float32 if arrays[0].dtype.itemsize <= 4 else np.float64
    return tuple(array.astype(dtype, copy=False) for array in arrays)


def flat(x: ArrayLike) -> Array:
    """`x` (N, d1, …, dk) as rows (N, D)."""
    array = np.asarray(x)
    return array if array.ndim == 2 else array.reshape(len(array), -1)


def like(dout: ArrayLike, cache: Cache) -> Array:
    """`dout` in the dtype of the forward pass."""
    dtype = next(field.dtype for field in cache if isinstance(field, np.ndarray) and field.dtype.kind == "f")
    return np.asarray(dout, dtype)


def mode_of(function: str, param: Params) -> str:
    """``param["mode"]``, checked."""
    mode: str = param["mode"]
    return mode if mode in _MODES else choice(function, "mode", mode, _MODES)
