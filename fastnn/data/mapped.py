"""Memory-mapped arrays, which stay in their file and are read as they are used."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.file_rows import read_rows

Array = NDArray[Any]


def map_array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, where: str) -> Array:
    """Map the numbers in a file as a read-only array.

    Parameters
    ----------
    path : Path
        A file that is known to be large enough.
    dtype : dtype
    shape : tuple of int
    offset : int
        Where the numbers begin, in bytes.
    where : str
        The beginning of the error messages.

    Raises
    ------
    ValueError
        If they are not stored in native byte order, or there are none.
    """
    if dtype.newbyteorder("=") != dtype:
        raise ValueError(
            f"{where}: not stored in native byte order, so it cannot be mapped; read it without mapped=True"
        )
    if 0 in shape:
        raise ValueError(f"{where}: an empty array, shape {shape}, cannot be mapped")
    try:
        return np.memmap(path, dtype, "r", offset, shape)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{where}: cannot be mapped ({error})") from None


def is_mapped(array: Array) -> bool:
    """Return whether an array, or the array that it is a view of, is memory-mapped."""
    if type(array) is np.ndarray:  # most arrays own their memory, or are parts of one that does
        base = array.base
        if base is None or (type(base) is np.ndarray and base.base is None):
            return False
    return _mapping(array) is not None


def release(array: Array) -> None:
    """Give the memory of a mapped array's pages back to the system; the values are read again when they are used.

    It does nothing if the array is not mapped, or if changes to it are not written to the file.
    """
    mapping = _mapping(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


class FileCutShortError(OSError):
    """A mapped file has become shorter than the array that it holds."""


class RowFile:
    """Reads rows of a mapped array from its file, which costs less than reading them through the mapping.

    It is also safer: to touch a page of a mapping whose file has been cut short ends the process.

    Parameters
    ----------
    array : ndarray, shape (R, ...)
        Memory-mapped and C-contiguous.

    Raises
    ------
    OSError
        If the file cannot be opened, or has been replaced since it was mapped.
    FileCutShortError
        If it has become shorter, so that the mapping must not be read either.
    """

    def __init__(self, array: Array) -> None:
        root = _root(array)
        if root is None or not array.flags.c_contiguous or not array.size:
            raise OSError("not a mapped array")
        _check_length(root)
        self.path = Path(root.filename)  # type: ignore[attr-defined]
        self.start = int(root.offset) + _address(array) - _address(root)  # type: ignore[attr-defined]
        self.row_bytes = array.nbytes // len(array)
        self.file = os.open(self.path, os.O_RDONLY)
        for row in (0, len(array) - 1):
            found = np.empty((1, self.row_bytes), np.uint8)
            self.read(np.array([row]), found)
            if found.tobytes() != array[row].tobytes():
                raise OSError(f"{self.path} is not the file that is mapped")

    def read(self, index: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Read the rows of some indices.

        Parameters
        ----------
        index : (n,) int64
        out : (n or more, row_bytes) uint8, written

        Raises
        ------
        OSError
            If the file has become shorter or cannot be read.
        """
        if read_rows(self.file, np.ascontiguousarray(index, np.int64), out, self.start) < len(index):
            raise FileCutShortError(f"{self.path} has become shorter, or cannot be read")

    def __del__(self) -> None:
        """Close the file."""
        if hasattr(self, "file"):
            os.close(self.file)


def row_file(array: Array) -> RowFile | None:
    """Return what reads the rows of a mapped array; None if it is not mapped, or only the mapping has its values.

    Raises
    ------
    FileCutShortError
        If the file has become shorter.
    """
    root = _root(array)
    if root is None:
        return None
    try:
        return RowFile(array)
    except FileCutShortError:
        raise
    except OSError:  # no file of that name is the mapped one any more, but its mapping can still be read
        _check_length(root)
        return None


def rows_of(array: Array, index: NDArray[np.int64] | slice) -> Array:
    """Return some rows of an array; of a mapped one, read from its file, so that they stay when that changes.

    Parameters
    ----------
    array : ndarray, shape (N, ...)
    index : (n,) int64, from 0 to N - 1, or slice

    Raises
    ------
    FileCutShortError
        If the file has become shorter.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data.mapped import rows_of
    >>> rows_of(np.arange(10), slice(2, 4))
    array([2, 3])
    """
    file = row_file(array)
    if file is None:
        return array[index]
    numbers = np.arange(len(array))[index]
    out = np.empty((len(numbers), *array.shape[1:]), array.dtype)
    if out.size:
        file.read(numbers, as_bytes(out))
    return out


def as_bytes(rows: Array) -> NDArray[np.uint8]:
    """Return C-contiguous rows as a view of their bytes, (N, bytes of a row)."""
    return rows.reshape(len(rows), -1).view(np.uint8)


def _check_length(root: Array) -> None:
    """Refuse a mapping whose file, of which the mapping keeps a descriptor, ends before the array does."""
    mapping = getattr(root, "_mmap", None)
    if not isinstance(mapping, mmap.mmap):
        return
    needed, size = int(root.offset) + root.nbytes, mapping.size()  # type: ignore[attr-defined]
    if size < needed:
        path = root.filename  # type: ignore[attr-defined]
        raise FileCutShortError(f"{path} has become shorter: expected {needed} bytes, got {size}")


def _root(array: Any) -> Array | None:
    """Return the memmap that an array is a view of, the one that opened the file if there are several."""
    found = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array.mode in ("r", "r+") and array.filename is not None:
            found = array
        array = array.base
    return found


def _mapping(array: Any) -> mmap.mmap | None:
    found = getattr(_root(array), "_mmap", None)
    return found if isinstance(found, mmap.mmap) else None


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])
