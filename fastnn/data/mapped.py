"""Arrays that stay in their file: mapped into memory, read as they are used, and dropped again."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.file_rows import read_rows

__all__ = ["RowFile", "is_mapped", "map_array", "release"]

Array = NDArray[Any]


def map_array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int, where: str) -> Array:
    """Map numbers in a file, whose size the caller has checked, as a read-only array.

    Raises
    ------
    ValueError
        If they are stored in the other byte order, or there are none; `where` begins the message.
    """
    if dtype.newbyteorder("=") != dtype:
        raise ValueError(
            f"{where}: stored in the other byte order, so it cannot be mapped; read it without mapped=True"
        )
    if 0 in shape:
        raise ValueError(f"{where}: an empty array, shape {shape}, cannot be mapped")
    try:
        return np.memmap(path, dtype, "r", offset, shape)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{where}: cannot be mapped ({error})") from None


def is_mapped(array: Array) -> bool:
    """Tell whether an array lies in a file that is mapped for reading."""
    return _mapping(array) is not None


def release(array: Array) -> None:
    """Let the system take back the memory of a mapped array's pages; its values stay, and are read again on use.

    Arrays that are not mapped, and those whose changes are not written to the file, are left as they are.
    """
    mapping = _mapping(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


class RowFile:
    """The rows of a mapped array, read from its file instead: a copy into given memory costs less than a mapping.

    Parameters
    ----------
    array : ndarray, shape (R, ...)
        Mapped for reading, C-contiguous.

    Raises
    ------
    OSError
        If its file cannot be opened, or is not the one that is mapped any more.
    """

    def __init__(self, array: Array) -> None:
        root = _root(array)
        if root is None or not array.flags.c_contiguous or not array.size:
            raise OSError("not a mapped array")
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
        """Read the rows `index` (n,) into `out` (n or more, row_bytes).

        Raises
        ------
        OSError
            If the file has become shorter or cannot be read.
        """
        if read_rows(self.file, np.ascontiguousarray(index, np.int64), out, self.start) < len(index):
            raise OSError(f"{self.path}: the file has become shorter, or cannot be read")

    def __del__(self) -> None:
        """Close the file."""
        if hasattr(self, "file"):
            os.close(self.file)


def _root(array: Any) -> Array | None:
    """The memmap that an array is a view of, the one nearest to its file."""
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
