"""What a pickled array is made of, rebuilt without calling anything that the file names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import shaped

__all__ = ["Array", "Name", "Refused", "Type"]

_MAX_RANK = 32


class Refused(Exception):
    """What is in the file is not plain data."""


class Type:
    """A dtype while it is being rebuilt."""

    def __init__(self, code: object) -> None:
        if not isinstance(code, str):
            raise Refused(f"a dtype made from {type(code).__name__}")
        try:
            found = np.dtype(code) if len(code) <= 4 and "," not in code else None
        except (TypeError, ValueError):
            found = None
        if found is None or found.kind not in "biuf" or found.itemsize > 8:
            raise Refused(f"an array of dtype {code[:40]!r}; only booleans, integers and real floats are read")
        self.dtype: np.dtype[Any] = found

    def build(self, state: object) -> None:
        """Take the byte order from a pickled state."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise Refused("a damaged dtype")
        if any(part is not None for part in state[2:5]):
            raise Refused("an array with fields")
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class Array:
    """An array while it is being rebuilt."""

    def __init__(self) -> None:
        self.values: NDArray[Any] | None = None

    def fill(self, shape: object, type_: object, fortran: object, raw: object) -> Array:
        """Take shape and values; return self."""
        if isinstance(raw, str):  # Python 2 had no bytes
            raw = raw.encode("latin-1")
        if not isinstance(type_, Type) or not isinstance(raw, bytes | bytearray):
            raise Refused("an array without plain values")
        if not isinstance(shape, tuple) or len(shape) > _MAX_RANK:
            raise Refused("an array without a shape")
        if not all(type(size) is int and 0 <= size < 2**62 for size in shape):
            raise Refused(f"an array of impossible shape {shape!r:.80}")
        needed = math.prod(shape) * type_.dtype.itemsize
        if needed != len(raw):
            raise Refused(f"an array of shape {shape} that needs {needed} bytes but has {len(raw)}")
        flat = np.frombuffer(raw, type_.dtype)
        if type_.dtype.kind == "b":
            flat = flat.view(np.uint8) != 0
        values = shaped(flat, shape, "array", "F" if fortran else "C")
        self.values = values.astype(type_.dtype.newbyteorder("="), order="C", copy=False)
        return self

    def build(self, state: object) -> None:
        """Take shape and values from a pickled state."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise Refused("a damaged array")
        self.fill(*state[1:])


def _reconstruct(kind: object, shape: object, code: object) -> Array:
    return Array()


def _from_buffer(raw: object, type_: object, shape: object, order: object) -> Array:
    return Array().fill(shape, type_, order == "F", raw)


def _scalar(type_: object, raw: object) -> Any:
    values = Array().fill((), type_, False, raw).values
    assert values is not None
    return values.item()


def _encode(text: object, encoding: object) -> bytes:  # how Python 3 writes bytes into protocols 0 to 2
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("text in an encoding other than Latin-1")
    return text.encode("latin-1")


def _empty_bytes() -> bytes:
    return b""


# Names that a pickle of arrays holds, and what stands for them here.
_KNOWN: dict[str, Callable[..., Any] | None] = {
    "numpy ndarray": None,  # an argument of _reconstruct, never called
    "numpy dtype": lambda code, *_: Type(code),
    "_codecs encode": _encode,
    "builtins bytes": _empty_bytes,
    "__builtin__ bytes": _empty_bytes,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"):
    _KNOWN |= {f"{_module} _reconstruct": _reconstruct, f"{_module} scalar": _scalar}
    _KNOWN |= {f"{_module} _frombuffer": _from_buffer}


class Name:
    """A function named by the file; `known` goes before those that a pickle of arrays holds."""

    def __init__(self, name: str, known: Mapping[str, Callable[..., Any] | None] | None = None) -> None:
        functions = _KNOWN | dict(known or {})
        if name not in functions:
            raise Refused(f"{name[:80].replace(' ', '.')!r}, which is not plain data and is never loaded,")
        self.text, self.function = name, functions[name]
