"""What may be handed to a model as its inputs."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_array(function: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """`value` as an array.

    Raises
    ------
    ValueError
        If it is a sequence of unequal parts.
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{function}: {name} must be an array of numbers ({error})") from None


def as_batch(function: str, x: ArrayLike, input_shape: tuple[int, ...]) -> NDArray[Any]:
    """`x` as an array (N, *input_shape); samples of another shape but the same size are reshaped.

    Raises
    ------
    TypeError
        If x is not of real numbers.
    ValueError
        If there are no samples, or theirs is another size.
    """
    batch = as_array(function, "x", x)
    if batch.dtype.kind not in "fiub":
        raise TypeError(f"{function}: x must be real numbers, got dtype {batch.dtype}")
    if batch.ndim < 2 or prod(batch.shape[1:]) != prod(input_shape):
        expected = ", ".join(map(str, input_shape))
        raise ValueError(f"{function}: x must have shape (N, {expected}), got {batch.shape}")
    if len(batch) == 0:
        raise ValueError(f"{function}: x must hold at least one sample, got shape {batch.shape}")
    return batch.reshape(len(batch), *input_shape)


_GATHERED = frozenset(["f4", "f8", "u1", "i1", "u2", "i2", "i4", "i8"])


def gatherable(x: NDArray[Any]) -> NDArray[Any]:
    """`x` as the gather reads it: C-contiguous, aligned, in its dtype or the narrowest that holds its values."""
    if x.dtype.kind == "b":
        x = x.view(np.uint8)
    dtype = x.dtype.newbyteorder("=")
    if dtype.str[1:] not in _GATHERED:
        dtype = np.dtype({"f2": np.float32, "u4": np.int64}.get(dtype.str[1:], np.float64))
    return np.require(x, dtype, ("C", "A"))
