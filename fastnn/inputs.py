"""Checks and conversions of the arrays that are given to a model."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.kernels.signature import SOURCE_DTYPES


def as_array(function: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as an array.

    Parameters
    ----------
    function, name : str
        The function and the argument, for the error message.
    value : array_like

    Raises
    ------
    ValueError
        If it is a nested sequence whose parts differ in length.
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{function}: {name} must be an array of numbers ({error})") from None


def as_batch(function: str, x: ArrayLike, input_shape: tuple[int, ...]) -> NDArray[Any]:
    """Return samples as an array of shape (N, *input_shape).

    Parameters
    ----------
    function : str
        The beginning of the error messages.
    x : array_like, shape (N, ...), real
        Samples with as many elements as `input_shape`; they are reshaped to it.
    input_shape : tuple of int

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.
    ValueError
        If there are no samples, or a sample has more or fewer elements.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.inputs import as_batch
    >>> as_batch("example", np.zeros((5, 784)), (1, 28, 28)).shape
    (5, 1, 28, 28)
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


def gatherable(x: NDArray[Any]) -> NDArray[Any]:
    """Return `x` as an array that the kernel `gather_rows` can read.

    Parameters
    ----------
    x : ndarray, bool, integer or float

    Returns
    -------
    ndarray, shape of `x`
        C-contiguous and aligned, in native byte order. Its dtype is that of `x` if the kernel reads it, uint8 for bool,
        and otherwise the narrowest dtype that the kernel reads and that holds all values; float64 if there is none.
    """
    if x.dtype.kind == "b":
        x = x.view(np.uint8)
    dtype = x.dtype.newbyteorder("=")
    if dtype.str[1:] not in SOURCE_DTYPES:
        dtype = np.dtype({"f2": np.float32, "u4": np.int64}.get(dtype.str[1:], np.float64))
    if x.dtype == dtype:
        return np.require(x, dtype, ("C", "A"))
    with np.errstate(all="ignore"):
        return np.require(x, dtype, ("C", "A"))
