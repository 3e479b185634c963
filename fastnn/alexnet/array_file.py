"""A reader for .npy and .npz files in which arrays lie in a dict or in lists, as original weights are passed on.

NumPy pickles such a dict within the .npy file. The pickle is followed by `fastnn.data.pickled.Machine`: it can build
containers and plain arrays, and nothing in it is run.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.memory import MemoryEstimate, check_memory
from fastnn.data.npy import DAMAGED, is_npy, parse_npy
from fastnn.data.npz import npz_contents
from fastnn.data.pickled import Machine, run_pickle
from fastnn.data.pickled_arrays import NotPlainData, PickledArray, PickledDtype, PickledFunction
from fastnn.files import names_its_file

__all__ = ["read_arrays"]

Array = NDArray[Any]


@names_its_file
def read_arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read the arrays of an .npz file, or of an .npy file that holds a dict of them.

    Parameters
    ----------
    path : path-like
        Told by its content.

    Returns
    -------
    dict of str to array
        By name. Arrays in a list [w, b] or in a dict have its name and theirs: "conv1.w", "conv1.b".

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    ValueError
        If it holds anything but arrays of numbers, or is damaged. No code in it runs.
    """
    where = f"read_arrays: {os.fspath(path)}"
    size = Path(path).stat().st_size
    check_memory(lambda: MemoryEstimate(size, size), where, "close other programs")
    with Path(path).open("rb") as file:
        start = file.read(6)
    if is_npy(start):
        found = _content(Path(path).read_bytes(), where)
        if not isinstance(found, dict):
            raise ValueError(f"{where}: expected a dict of arrays by name, found one array of shape {found.shape}")
        return _flat(found, where)
    return _flat({name: _content(content, f"{where}: {name}") for name, content in npz_contents(path)}, where)


def _content(data: bytes, where: str) -> Any:
    """The array of an .npy file, or the objects in it."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        _, _, dtype = header(file)
    except DAMAGED as error:
        raise ValueError(f"{where}: damaged .npy header ({error})") from None
    if not dtype.hasobject:
        return parse_npy(data, where)
    return run_pickle(_ObjectMachine(where), file)


def _flat(found: Mapping[Any, Any], where: str) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for key, value in found.items():
        name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
        parts: dict[str, Any] = {name: value}
        if isinstance(value, list | tuple) and len(value) == 2:
            parts = {f"{name}.{part}": array for part, array in zip("wb", value, strict=True)}
        elif isinstance(value, dict):
            parts = {f"{name}.{part}": array for part, array in value.items()}
        for part, array in parts.items():
            if not isinstance(array, np.ndarray):
                raise ValueError(f"{where}: {part}: expected an array or a pair [w, b], found {type(array).__name__}")
            arrays[part] = array
    return arrays


class _ObjectMachine(Machine):
    """Follows a pickle of arrays of objects, which become lists or, without axes, the object itself."""

    def function(self, name: str) -> PickledFunction:
        return PickledFunction(name, {"numpy dtype": _dtype})

    def _do_build(self, _: Any) -> None:
        state, made = self._pop(), self._top()
        if isinstance(made, _ObjectType):
            return
        if isinstance(made, PickledArray) and isinstance(state, tuple) and len(state) == 5:
            _, shape, dtype, _, values = state
            if isinstance(dtype, _ObjectType):
                made.values = _objects(shape, values)
                return
        self.stack.append(state)
        super()._do_build(None)


class _ObjectType:
    """The dtype of Python's objects."""


def _dtype(code: object, *_: object) -> _ObjectType | PickledDtype:
    return _ObjectType() if code in ("O", "O8", "O4") else PickledDtype(code)


def _objects(shape: object, values: object) -> Any:
    if not isinstance(values, list) or not isinstance(shape, tuple) or len(shape) > 1:
        raise NotPlainData("an array of objects other than one dict or list of arrays")
    if math.prod(shape) != len(values):
        raise NotPlainData("a damaged array of objects")
    return values if shape else values[0]
