"""The IDX format of the MNIST files: a big-endian header, then the bare numbers; often gzipped."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import shaped
from fastnn.data.inflate import inflate, inflate_start, is_gzip, most_unfolded
from fastnn.data.mapped import map_array
from fastnn.data.memory import LEFT_IN_FILE, UNPACKED, Need, check_fits

__all__ = ["idx_need", "is_idx", "read_idx"]

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_WBITS = zlib.MAX_WBITS | 16  # gzip
_MAX_RANK = 32  # as in every NumPy
_HEAD = 1 << 16  # bytes, in which a header lies, that of gzip included


def read_idx(path: str | os.PathLike[str], *, mapped: bool = False) -> NDArray[Any]:
    """Read an IDX file, gzipped or not.

    Parameters
    ----------
    path : path-like
        Whether it is gzipped is told by its content, not by its name.
    mapped : bool, default False
        Leave the numbers in the file and read them as they are used: for files larger than memory, which must
        not be gzipped and hold bytes.

    Returns
    -------
    ndarray
        With the shape and the type that the file announces, in native byte order; read-only if mapped.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If it needs more memory than is available; before anything is allocated.
    ValueError
        If its content is not one whole IDX file. Sizes are checked before anything is allocated for them.

    Notes
    -----
    Two zero bytes; the type (8: uint8, 9: int8, 11: int16, 12: int32, 13: float32, 14: float64); the number
    of dimensions; each dimension in four bytes; the numbers in row-major order; all big-endian (Y. LeCun, C.
    Cortes, C. Burges, "The MNIST database of handwritten digits").

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-idx1-ubyte"
    ...     size = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     read_idx(path)
    array([7, 8, 9], dtype=uint8)
    """
    where = f"read_idx: {os.fspath(path)}"
    with Path(path).open("rb") as file:
        head = file.read(_HEAD)
        packed = is_gzip(head)
        if mapped and packed:
            raise ValueError(f"{where}: is gzipped, so it cannot be mapped; unpack it first (gunzip)")
        if not mapped:
            check_fits(lambda: idx_need(path), where, UNPACKED if packed else LEFT_IN_FILE)
        if packed:
            return _unpacked(head + file.read(), where)
        dtype, shape, total = _start(head, where)
        _check_size(os.fstat(file.fileno()).st_size, total, shape, dtype, where)
        if mapped:
            return map_array(Path(path), dtype, shape, _header_size(head, where), where)
        file.seek(_header_size(head, where))
        values = np.fromfile(file, dtype, math.prod(shape))
    if values.size != math.prod(shape):
        raise ValueError(f"{where}: truncated while it was read")
    return shaped(values, shape, where).astype(dtype.newbyteorder("="), copy=False)


def idx_need(path: str | os.PathLike[str]) -> Need:
    """What `read_idx` takes, by the file's header; raises as it does where that is damaged."""
    with Path(path).open("rb") as file:
        head, stored = file.read(_HEAD), os.fstat(file.fileno()).st_size
    dtype, _, total = _start(head, f"read_idx: {os.fspath(path)}")
    if is_gzip(head):
        size = min(total, most_unfolded(stored))
        return Need(size, size + stored)  # unpacked, then copied
    size = min(total, stored)
    return Need(size, 0 if dtype.itemsize == 1 else size)


def is_idx(start: bytes) -> bool:
    """Tell whether a file with these first bytes may be an uncompressed IDX file."""
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in _DTYPES and start[3] > 0


def _unpacked(data: bytes, where: str) -> NDArray[Any]:
    dtype, shape, total = _start(data, where)
    data = inflate(data, total, where, _WBITS)
    values = np.frombuffer(data, dtype, offset=_header_size(data, where))
    return shaped(values, shape, where).astype(dtype.newbyteorder("="))


def _start(data: bytes, where: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return dtype, shape and the size in bytes of the whole unpacked file that begins so, gzipped or not."""
    if is_gzip(data):
        size = _header_size(inflate_start(data, 4, where, _WBITS), where)
        return _header(inflate_start(data, size, where, _WBITS), where)
    return _header(data[: _header_size(data, where)], where)


def _check_size(stored: int, total: int, shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    if stored != total:
        what = "truncated" if stored < total else f"{stored - total} trailing bytes"
        raise ValueError(f"{where}: {what}: {shape} of {dtype.name} needs {total} bytes, but there are {stored}")


def _header_size(start: bytes, where: str) -> int:
    if not is_idx(start):
        found = start[:4].hex(" ") or "nothing"
        raise ValueError(f"{where}: not an IDX file: expected 00 00, type, dimensions at offset 0, found {found}")
    return 4 + 4 * start[3]


def _header(head: bytes, where: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return dtype, shape and the size of the whole file in bytes."""
    rank = head[3]
    if rank > _MAX_RANK:
        raise ValueError(f"{where}: {rank} dimensions announced at offset 3; at most {_MAX_RANK} are read")
    if len(head) < 4 + 4 * rank:
        raise ValueError(f"{where}: truncated: {rank} dimensions need a header of {4 + 4 * rank} bytes")
    dtype = np.dtype(_DTYPES[head[2]])
    shape = tuple(int.from_bytes(head[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    return dtype, shape, len(head) + math.prod(shape) * dtype.itemsize
