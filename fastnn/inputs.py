"""What may be handed to a model as its inputs."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def as_batch(function: str, x: ArrayLike, input_shape: tuple[int, ...]) -> NDArray[Any]:
    """`x` as an array (N, *input_shape); samples of another shape but the same size are reshaped.

    Raises
    ------
    TypeError
        If x is not of real numbers.
    ValueError
        If there are no samples, or theirs is another size.
    """
    batch = np.asarray(x)
    if batch.dtype.kind not in "fiub":
        raise TypeError(f"{function}: x must be real numbers, got dtype {batch.dtype}")
    if batch.ndim < 2 or prod(batch.shape[1:]) != prod(input_shape):
        expected = ", ".join(map(str, input_shape))
        raise ValueError(f"{function}: x must have shape (N, {expected}), got {batch.shape}")
    if len(batch) == 0:
        raise ValueError(f"{function}: x must hold at least one sample, got shape {batch.shape}")
    return batch.reshape(len(batch), *input_shape)


_GATHERED = frozenset("f4 f8 u1 i1 u2 i2 i4 i8".split())


def gatherable(x: NDArray[Any]) -> NDArray[Any]:
    """`x` in a dtype that the gather reads: itself, or the narrowest one that holds its values."""
    if x.dtype.isnative and x.dtype.str[1:] in _GATHERED:
        return x
    if x.dtype.kind == "b":
        return x.view(np.uint8) if x.flags.c_contiguous else x.astype(np.uint8)
    native = x.dtype.newbyteorder("=")
    if native.str[1:] in _GATHERED:
        return x.astype(native)
    return x.astype(np.float32 if x.dtype == np.float16 else np.int64 if x.dtype == np.uint32 else np.float64)
