"""Arrays from the bytes of a file: the checks and conversions that the readers of binary formats share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MAX_DIMENSIONS = 32  # every version of NumPy supports this many
_LARGE_TEXTS, _FAR_LONGER = 64 << 20, 64  # bytes of an array of texts; times the mean length


def check_size(stored: int, shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    """Check that a file stores as many bytes of numbers as its header declares.

    Raises
    ------
    ValueError
        If there are more or fewer; `where` begins the message.
    """
    needed = math.prod(shape) * dtype.itemsize
    if stored != needed:
        problem = "truncated" if stored < needed else f"{stored - needed} trailing bytes"
        raise ValueError(
            f"{where}: {problem}: shape {shape} of {dtype.name} needs {needed} bytes, but there are {stored}"
        )


def native_array(
    values: NDArray[Any], shape: tuple[int, ...], where: str, order: Literal["C", "F"] = "C"
) -> NDArray[Any]:
    """Return numbers as an array in C order and native byte order, without a copy if none is needed.

    Parameters
    ----------
    values : ndarray, shape (n,)
        The numbers as they were stored.
    shape : tuple of int
    where : str
        The beginning of the error message.
    order : {"C", "F"}
        The order in which they were stored.

    Raises
    ------
    ValueError
        If there are more or fewer numbers than the shape needs, or NumPy does not support the shape.
    """
    if values.size != math.prod(shape):
        raise ValueError(f"{where}: truncated while it was read")
    if values.dtype.kind == "b":
        values = values.view(np.uint8) != 0  # a bool whose byte is neither 0 nor 1 is not valid
    return reshaped(values, shape, where, order).astype(values.dtype.newbyteorder("="), order="C", copy=False)


def reshaped(values: NDArray[Any], shape: tuple[int, ...], where: str, order: Literal["C", "F"] = "C") -> NDArray[Any]:
    """Return numbers in a shape with as many elements.

    Raises
    ------
    ValueError
        If NumPy does not support the shape; `where` begins the message.
    """
    try:
        return values.reshape(shape, order=order)
    except (ValueError, OverflowError) as error:  # an empty array with more or larger dimensions than NumPy allows
        raise ValueError(f"{where}: impossible shape {shape} ({error})") from None


def text_array(texts: Sequence[str], where: str) -> NDArray[np.str_]:
    """Return texts as an array, in which each of them takes as much memory as the longest.

    Raises
    ------
    ValueError
        If the array would be large only because of one that is far longer than most; `where` begins the message.
    """
    lengths = [len(text) for text in texts]
    longest, mean = max(lengths, default=0), sum(lengths) / max(1, len(texts))
    if np.dtype("U1").itemsize * longest * len(texts) > _LARGE_TEXTS and longest > _FAR_LONGER * (1 + mean):
        raise ValueError(
            f"{where}: one of {len(texts)} texts has {longest} characters, {mean:.0f} is their mean: an array of them "
            "would take as much memory for each"
        )
    return np.array(texts, np.str_)


def checked_text(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return an array after checking that, if it is text, it consists of characters that Unicode has.

    Raises
    ------
    ValueError
        If it does not; `where` begins the message.
    """
    if array.dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
        if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
            raise ValueError(f"{where}: damaged text: a character that Unicode does not have")
    return array
