"""A reader for NumPy's .npy files that accepts plain numbers and text alone, so that no file can run code."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from fastnn.data.binary import check_size, checked_text, native_array
from fastnn.data.mapped import map_array
from fastnn.data.memory import MAP_FILE, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import RawDataset, arrays_with_roles, from_named_arrays
from fastnn.data.settling import settled
from fastnn.data.source import ONE_OF_SEVERAL, FileStart, Format, ReadOptions, Source, named_arrays_memory
from fastnn.files import names_its_file

_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}  # size of the field that holds the header's length, by format version
_MAX_HEADER = 4096
_START = _MAX_HEADER + 12
# what reading a damaged header raises
DAMAGED = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError, LookupError, TokenError)


@names_its_file
def read_npy(path: str | os.PathLike[str], *, mapped: bool = False) -> NDArray[Any]:
    """Read a .npy file of booleans, integers, real floats or text of fixed width.

    Parameters
    ----------
    path : path-like
    mapped : bool, default False
        Map the file into memory instead of reading it, for files that are larger than memory. The numbers must be
        stored in native byte order and C order.

    Returns
    -------
    ndarray
        In native byte order and C order. A mapped array is read-only.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the array is larger than the available memory; raised before anything is allocated.
    ValueError
        If the content is not exactly one .npy file, or holds anything but numbers and text. Sizes are checked before
        anything is allocated for them.

    Notes
    -----
    The format is that of NumPy Enhancement Proposal 1, versions 1 to 3. NumPy's own functions read the header.

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
    if not mapped:
        check_memory(lambda: _memory(path), _where(path), MAP_FILE)
    return _read(path, mapped)


def is_npy(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a .npy file."""
    return start.startswith(_MAGIC)


def parse_npy(data: bytes, where: str) -> NDArray[Any]:
    """Return the array that the content of a .npy file holds.

    Raises
    ------
    ValueError
        As for `read_npy`; `where` begins the message.
    """
    offset, dtype, order, shape = _header(data[:_START], where)
    check_size(len(data) - offset, shape, dtype, where)
    return checked_text(native_array(np.frombuffer(data, dtype, offset=offset).copy(), shape, where, order), where)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    if is_npy(start.stored):
        raise ValueError(f"load: {start.path}: {ONE_OF_SEVERAL}")
    return None


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    there = {file.stem: file for file in files if file.suffix.lower() == ".npy"}
    used = arrays_with_roles(there)
    if not used:
        return None

    def read() -> RawDataset:
        arrays = {name: _read(file, options.mapped) for name, file in used.items()}
        return settled(from_named_arrays(arrays, f"load: {path}", there), options.axes)

    return Source(
        read,
        lambda: MemoryEstimate(0) if options.mapped else named_arrays_memory({n: _memory(f) for n, f in used.items()}),
        MAP_FILE,
        has_axes=True,
    )


FORMAT = Format(
    ".npy files such as x_train.npy, y_train.npy, x_test.npy, y_test.npy", _open_file, open_folder=_open_folder
)


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_npy: {os.fspath(path)}"


def _read(path: str | os.PathLike[str], mapped: bool) -> NDArray[Any]:
    where = _where(path)
    with Path(path).open("rb") as file:
        offset, dtype, order, shape = _header(file.read(_START), where)
        check_size(os.fstat(file.fileno()).st_size - offset, shape, dtype, where)
        if not mapped:
            file.seek(offset)
            return checked_text(native_array(np.fromfile(file, dtype, math.prod(shape)), shape, where, order), where)
    if order == "F" and len(shape) > 1:
        raise ValueError(f"{where}: stored in Fortran order, so it cannot be mapped; read it without mapped=True")
    return checked_text(map_array(Path(path), dtype, shape, offset, where), where)


def _memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Estimate the memory for reading the file, from its header; raises the errors of `read_npy` if it is damaged."""
    with Path(path).open("rb") as file:
        offset, dtype, order, _ = _header(file.read(_START), _where(path))
        size = os.fstat(file.fileno()).st_size - offset
    return MemoryEstimate(size, size if order == "F" or dtype.newbyteorder("=") != dtype else 0)


def _header(start: bytes, where: str) -> tuple[int, np.dtype[Any], Literal["C", "F"], tuple[int, ...]]:
    """Return the offset of the numbers in bytes, their dtype, the order in which they are stored, and the shape."""
    if not is_npy(start):
        raise ValueError(
            f"{where}: not an .npy file: expected {_MAGIC.hex(' ')} at offset 0, found {start[:6].hex(' ')}"
        )
    version = start[6] if len(start) > 6 else 0
    if version not in _LENGTH_BYTES:
        raise ValueError(f"{where}: .npy version {version} at offset 6, expected 1, 2 or 3")
    begin = 8 + _LENGTH_BYTES[version]
    length = int.from_bytes(start[8:begin], "little")
    if length > _MAX_HEADER or begin + length > len(start):
        raise ValueError(f"{where}: truncated or damaged: declares a header of {length} bytes at offset 8")
    read = npy_format.read_array_header_1_0 if version == 1 else npy_format.read_array_header_2_0
    try:  # which evaluates literals only: nothing can run
        shape, fortran, dtype = read(io.BytesIO(start[8 : begin + length]), max_header_size=_MAX_HEADER)
    except DAMAGED as error:
        raise ValueError(f"{where}: damaged .npy header {start[begin : begin + 80]!r} ({str(error)[:200]})") from None
    return begin + length, _accepted(dtype, where), "F" if fortran else "C", _sizes(shape, where)


def _accepted(dtype: np.dtype[Any], where: str) -> np.dtype[Any]:
    """Return the dtype, if it is one of plain numbers or text."""
    if dtype.hasobject:
        raise ValueError(f"{where}: holds pickled Python objects, which are never loaded; store plain arrays")
    is_text = dtype.kind in "US" and dtype.itemsize > 0
    if not (is_text or (dtype.kind in "biuf" and dtype.itemsize <= 8)):
        raise ValueError(
            f"{where}: dtype {dtype.str!r:.80}; only booleans, integers, floats of up to 8 bytes and text are supported"
        )
    return dtype


def _sizes(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    if not all(type(size) is int and size >= 0 for size in shape):  # NumPy takes -3 and True
        raise ValueError(f"{where}: shape: expected a tuple of sizes, found {shape!r:.80}")
    return shape
