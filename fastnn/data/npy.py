"""A reader for NumPy's .npy files that takes plain numbers and nothing else, so that no file can run code."""

from __future__ import annotations

import ast
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import shaped
from fastnn.data.mapped import map_array
from fastnn.data.memory import LEFT_IN_FILE, Need, check_fits

__all__ = ["is_npy", "npy_need", "parse_npy", "read_npy"]

_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}  # of the header's length, by format version
_MAX_HEADER = 4096
_KEYS = {"descr", "fortran_order", "shape"}


def read_npy(path: str | os.PathLike[str], *, mapped: bool = False) -> NDArray[Any]:
    """Read a .npy file of booleans, integers or real floats.

    Parameters
    ----------
    path : path-like
        The file.
    mapped : bool, default False
        Leave the numbers in the file and read them as they are used: for files larger than memory, in native
        byte order and C order.

    Returns
    -------
    ndarray
        In native byte order and C order; read-only if mapped.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If it is larger than the memory that is available; before anything is allocated.
    ValueError
        If its content is not one whole .npy file, or holds anything but numbers. Sizes are checked before
        anything is allocated for them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from fastnn.data import read_npy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.npy"
    ...     np.save(path, np.arange(3.0))
    ...     read_npy(path)
    array([0., 1., 2.])
    """
    where = f"read_npy: {os.fspath(path)}"
    if not mapped:
        check_fits(lambda: npy_need(path), where, LEFT_IN_FILE)
    with Path(path).open("rb") as file:
        start, dtype, fortran, shape = _start(file.read(_MAX_HEADER + 12), where)
        _check_size(os.fstat(file.fileno()).st_size - start, dtype, shape, where)
        if not mapped:
            file.seek(start)
            values = np.fromfile(file, dtype, math.prod(shape))
            return _native(values, fortran, shape, where)
    if fortran and len(shape) > 1:
        raise ValueError(f"{where}: stored in Fortran order, so it cannot be mapped; read it without mapped=True")
    return map_array(Path(path), dtype, shape, start, where)


def npy_need(path: str | os.PathLike[str]) -> Need:
    """What `read_npy` takes, by the file's header; raises as it does where that is damaged."""
    with Path(path).open("rb") as file:
        start, dtype, fortran, _ = _start(file.read(_MAX_HEADER + 12), f"read_npy: {os.fspath(path)}")
        size = os.fstat(file.fileno()).st_size - start
    return Need(size, size if fortran or dtype.newbyteorder("=") != dtype else 0)


def is_npy(start: bytes) -> bool:
    """Tell whether a file with these first bytes is a .npy file."""
    return start.startswith(_MAGIC)


def parse_npy(data: bytes, where: str) -> NDArray[Any]:
    """Return the array in the content of a .npy file; `where` begins the error messages."""
    start, dtype, fortran, shape = _start(data[: _MAX_HEADER + 12], where)
    _check_size(len(data) - start, dtype, shape, where)
    return _native(np.frombuffer(data, dtype, offset=start).copy(), fortran, shape, where)


def _native(values: NDArray[Any], fortran: bool, shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """Shape numbers of the caller's own, in native byte order and C order."""
    if values.size != math.prod(shape):
        raise ValueError(f"{where}: truncated while it was read")
    if values.dtype.kind == "b":
        values = values.view(np.uint8) != 0  # a byte other than 0 and 1 is no valid bool
    made = shaped(values, shape, where, "F" if fortran else "C")
    return made.astype(values.dtype.newbyteorder("="), order="C", copy=False)


def _start(data: bytes, where: str) -> tuple[int, np.dtype[Any], bool, tuple[int, ...]]:
    """Return where the numbers begin, their dtype, whether they are in Fortran order, and the shape."""
    if not is_npy(data):
        raise ValueError(
            f"{where}: not an .npy file: expected 93 4e 55 4d 50 59 at offset 0, found {data[:6].hex(' ')}"
        )
    version = data[6] if len(data) > 6 else 0
    if version not in _LENGTH_BYTES:
        raise ValueError(f"{where}: .npy version {version} at offset 6, expected 1, 2 or 3")
    start = 8 + _LENGTH_BYTES[version]
    length = int.from_bytes(data[8:start], "little")
    if length > _MAX_HEADER or start + length > len(data):
        raise ValueError(f"{where}: truncated or damaged: a header of {length} bytes announced at offset 8")
    return start + length, *_header(data[start : start + length], where)


def _check_size(stored: int, dtype: np.dtype[Any], shape: tuple[int, ...], where: str) -> None:
    needed = math.prod(shape) * dtype.itemsize
    if stored != needed:
        what = "truncated" if stored < needed else f"{stored - needed} trailing bytes"
        raise ValueError(f"{where}: {what}: shape {shape} of {dtype.name} needs {needed} bytes, but there are {stored}")


def _header(text: bytes, where: str) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    try:
        header = ast.literal_eval(text.decode("utf-8").strip())  # literals only: it runs nothing
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(f"{where}: damaged .npy header {text[:80]!r}") from None
    if not isinstance(header, dict) or set(header) != _KEYS:
        raise ValueError(f"{where}: .npy header must have the keys {sorted(_KEYS)}, but is {text[:80]!r}")
    descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    if not isinstance(fortran, bool):
        raise ValueError(f"{where}: fortran_order must be True or False, but is {fortran!r}")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"{where}: shape must be a tuple of sizes, but is {shape!r}")
    try:
        dtype = np.dtype(descr) if isinstance(descr, str) else None
    except (TypeError, ValueError, SyntaxError):
        dtype = None
    if dtype is not None and dtype.hasobject:
        raise ValueError(f"{where}: holds pickled Python objects, which are never loaded; store plain arrays")
    if dtype is None or dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise ValueError(f"{where}: dtype {descr!r}; only booleans, integers and floats of up to 8 bytes are read")
    return dtype, fortran, shape
