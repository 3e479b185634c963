"""Sizes, data and memory layouts that the tests draw from."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Array = NDArray[Any]
DTYPES = (np.float32, np.float64)

# 1, primes, and the numbers around the sizes of registers and tiles
_EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 67, 97, 127, 128, 131)
sizes = st.sampled_from(_EDGES) | st.integers(1, 40)
lengths = sizes | st.sampled_from((255, 256, 257, 1000, 1021, 4096, 4099))
seeds = st.integers(0, 2**32 - 1)


def _misaligned(a: Array) -> Array:
    buffer = np.empty(a.nbytes + 1, np.uint8)
    view = buffer[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def _strided(a: Array) -> Array:
    wide = np.full([2 * n for n in a.shape], 77, a.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def _reversed(a: Array) -> Array:
    flip = tuple(slice(None, None, -1) for _ in a.shape)
    return np.ascontiguousarray(a[flip])[flip]


def _read_only(a: Array) -> Array:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "c": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "strided": _strided,
    "negative strides": _reversed,
    "read-only": _read_only,
    "misaligned": _misaligned,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder("S")),
}


def same_bits(a: Array, b: Array) -> bool:
    """Whether shape, dtype and bytes are equal, so that NaN equals itself and 0 does not equal -0."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
