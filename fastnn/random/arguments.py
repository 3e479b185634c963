"""Checks of what the random functions are given."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def whole_number(function: str, name: str, value: object, stop: int, start: int = 0) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{function}: {name} must be an integer, but is {value!r}")
    if not start <= number < stop:
        raise ValueError(f"{function}: {name} must be at least {start} and below {stop}, but is {number}")
    return number


def as_shape(function: str, shape: int | Sequence[int]) -> tuple[int, ...]:
    dims = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    return tuple(whole_number(function, "shape", size, 2**62) for size in dims)


def float_dtype(function: str, dtype: DTypeLike) -> np.dtype[Any]:
    target = np.dtype(dtype)
    if target not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{function}: dtype must be float32 or float64, but is {target}")
    return target
