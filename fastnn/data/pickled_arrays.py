"""The objects that a pickled array consists of, rebuilt without calling anything that the file names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastnn.data.binary import MAX_DIMENSIONS, checked_text, native_array


class NotPlainData(Exception):
    """The pickle holds something that is not plain data."""


class PickledDtype:
    """A dtype while it is being rebuilt."""

    def __init__(self, code: object) -> None:
        if not isinstance(code, str):
            raise NotPlainData(f"a dtype made from {type(code).__name__}")
        try:
            found = np.dtype(code) if len(code) <= 8 and "," not in code else None
        except (TypeError, ValueError):
            found = None
        is_text = found is not None and found.kind in "US" and found.itemsize > 0
        if found is None or not (is_text or (found.kind in "biuf" and found.itemsize <= 8)):
            raise NotPlainData(
                f"an array of dtype {code[:40]!r}; only booleans, integers, real floats and text are supported"
            )
        self.dtype: np.dtype[Any] = found

    def build(self, state: object) -> None:
        """Set the byte order from a pickled state."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise NotPlainData("a damaged dtype")
        if any(part is not None for part in state[2:5]):
            raise NotPlainData("an array with fields")
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class PickledArray:
    """An array while it is being rebuilt; a subclass of the machine may put another object in the place of values."""

    def __init__(self) -> None:
        self.values: Any = None

    def fill(self, shape: object, dtype: object, fortran: object, raw: object) -> PickledArray:
        """Set shape and values; return self."""
        if isinstance(raw, str):  # Python 2 did not have bytes
            raw = raw.encode("latin-1")
        if not isinstance(dtype, PickledDtype) or not isinstance(raw, bytes | bytearray):
            raise NotPlainData("an array without plain values")
        if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS:
            raise NotPlainData("an array without a shape")
        if not all(type(size) is int and 0 <= size < 2**62 for size in shape):
            raise NotPlainData(f"an array of impossible shape {shape!r:.80}")
        needed = math.prod(shape) * dtype.dtype.itemsize
        if needed != len(raw):
            raise NotPlainData(f"an array of shape {shape} that needs {needed} bytes but has {len(raw)}")
        values = native_array(np.frombuffer(raw, dtype.dtype), shape, "array", "F" if fortran else "C")
        try:
            self.values = checked_text(values, "an array")
        except ValueError as error:
            raise NotPlainData(str(error)) from None
        return self

    def build(self, state: object) -> None:
        """Set shape and values from a pickled state."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise NotPlainData("a damaged array")
        self.fill(*state[1:])


def _reconstruct(kind: object, shape: object, code: object) -> PickledArray:
    return PickledArray()


def _from_buffer(raw: object, dtype: object, shape: object, order: object) -> PickledArray:
    return PickledArray().fill(shape, dtype, order == "F", raw)


def _scalar(dtype: object, raw: object) -> Any:
    return PickledArray().fill((), dtype, False, raw).values.item()


def _encode(text: object, encoding: object) -> bytes:  # Python 3 writes bytes as such a call in protocols 0 to 2
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise NotPlainData("text in an encoding other than Latin-1")
    return text.encode("latin-1")


def _empty_bytes() -> bytes:
    return b""


# The functions that a pickle of arrays names, and what is called here in their place.
_FUNCTIONS: dict[str, Callable[..., Any] | None] = {
    "numpy ndarray": None,  # an argument of _reconstruct, which is never called
    "numpy dtype": lambda code, *_: PickledDtype(code),
    "_codecs encode": _encode,
    "builtins bytes": _empty_bytes,
    "__builtin__ bytes": _empty_bytes,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"):
    _FUNCTIONS |= {f"{_module} _reconstruct": _reconstruct, f"{_module} scalar": _scalar}
    _FUNCTIONS |= {f"{_module} _frombuffer": _from_buffer}


class PickledFunction:
    """A function or class that the file names.

    Parameters
    ----------
    name : str
        Module and name, separated by a blank.
    known : mapping of str to callable or None, optional
        Functions to call in the place of those that have these names; they precede those of plain arrays.
    """

    def __init__(self, name: str, known: Mapping[str, Callable[..., Any] | None] | None = None) -> None:
        functions = _FUNCTIONS | dict(known or {})
        if name not in functions:
            raise NotPlainData(f"{name[:80].replace(' ', '.')!r}, which is not plain data and is never loaded,")
        self.name, self.function = name, functions[name]
