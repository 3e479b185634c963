"""The checks of the arguments that all functions have, and the conversion to what kernels take.

All messages have the form ``function: what was expected, what came``.
"""

import math
from collections.abc import Sequence
from typing import Any, NoReturn, TypeAlias, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import Range, whole, without_mask
from fastnn.kernels.layout import as_contiguous

Array: TypeAlias = NDArray[np.floating[Any]]


def plain_array(function: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """``value`` as an array of any dtype; ragged lists and masks that hide values are refused."""
    value = without_mask(function, name, value)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{function}: {name} must be an array, got a {type(value).__name__}: {error}") from None
    except (TypeError, RuntimeError) as error:  # PyTorch's tensors, if they have a gradient or a dtype of its own
        raise TypeError(f"{function}: {name} must be an array, got a {type(value).__name__}: {error}") from None


_KERNEL_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))
_AS_KERNELS_READ = 0x101  # of an array's flags: C-contiguous and aligned


def ready(*arrays: object) -> bool:
    """Whether these are arrays of one dtype as kernels read them, so that nothing need be converted.

    It is one short loop: where a layer takes some microseconds, so do the checks one by one.
    """
    dtype = getattr(arrays[0], "dtype", None)
    if dtype is not _KERNEL_DTYPES[0] and dtype is not _KERNEL_DTYPES[1]:
        return False
    for array in arrays:
        if type(array) is not np.ndarray or array.dtype is not dtype:
            return False
        if array.flags.num & _AS_KERNELS_READ != _AS_KERNELS_READ:
            return False
    return True


def real_array(function: str, name: str, value: ArrayLike, like: tuple[str, Array] | None = None) -> Array:
    """``value`` as a C-contiguous, aligned float32 or float64 array in native byte order.

    This is ``value`` itself if it is one already, otherwise a copy. ``like`` is an argument whose dtype it must have.
    """
    array = plain_array(function, name, value)
    if array.dtype.type not in (np.float32, np.float64):
        raise TypeError(
            f"{function}: {name} must be float32 or float64, got {array.dtype}; "
            f'convert it, for example with numpy.asarray({name}, dtype="float32")'
        )
    if like is not None and array.dtype.type is not like[1].dtype.type:
        raise TypeError(
            f"{function}: {name} must have the dtype of {like[0]}, {like[1].dtype}, got {array.dtype}; "
            f'convert it with {name}.astype("{like[1].dtype}")'
        )
    return as_contiguous(array, array.dtype.newbyteorder("="))


def rows(function: str, name: str, array: Array) -> Array:
    """``array`` seen as a matrix whose rows run along its last axis."""
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{function}: {name} must have a last axis of at least one element, got {array.shape}")
    return array.reshape(math.prod(array.shape[:-1]), array.shape[-1])


def output_gradient(function: str, dout: ArrayLike, out: Array | tuple[int, ...], like: Array) -> Array:
    """``dout``, checked against the output (or its shape) and the dtype of ``like``."""
    shape = out if isinstance(out, tuple) else out.shape
    array = real_array(function, "dout", dout, ("the input", like))
    if array.shape != shape:
        raise ValueError(f"{function}: dout must have the shape of the output, {shape}, got {array.shape}")
    return array


def pair(function: str, name: str, value: object, **ends: Unpack[Range]) -> tuple[int, int]:
    """``value`` as a pair (rows, columns) of whole numbers in a range; one number stands for both."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        number = whole(function, name, value, **ends)
        return number, number
    if len(value) != 2:
        raise ValueError(f"{function}: {name}: expected a whole number or a pair of them, got {value!r:.80}")
    return whole(function, name, value[0], **ends), whole(function, name, value[1], **ends)


def refuse_cache(function: str, forward: str, cache: object) -> NoReturn:
    """Raise a TypeError because the cache does not come from the forward function."""
    raise TypeError(f"{function}: cache must be the one that {forward} returned, got {describe(cache)}")


def describe(value: object) -> str:
    """Describe a value of the wrong kind in a few words."""
    origin = getattr(value, "origin", None)
    return f"that of {origin}" if isinstance(origin, str) else f"a {type(value).__name__}"
