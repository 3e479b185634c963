"""Arrays that stay in their file: mapped into memory, read as they are used, and dropped again."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_mapped", "map_array", "release", "resident_bytes"]

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


def resident_bytes() -> int | None:
    """Memory of this process that is in RAM, in bytes; None where the system does not say (no /proc)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGESIZE")


def _mapping(array: Any) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array.mode in ("r", "r+"):
            found = getattr(array, "_mmap", None)
            return found if isinstance(found, mmap.mmap) else None
        array = array.base
    return None
