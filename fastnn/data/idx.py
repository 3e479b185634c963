"""The IDX format of the MNIST files: a big-endian header, then the bare numbers; the files are often gzipped."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import MAX_DIMENSIONS, check_size, native_array
from fastnn.data.inflate import GZIP_WBITS, inflate, inflate_start, is_gzip, max_decompressed
from fastnn.data.mapped import map_array
from fastnn.data.memory import DECOMPRESS_OR_MAP, MAP_FILE, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import ROLES, RawArray, RawDataset
from fastnn.data.settling import settled
from fastnn.data.source import ONE_OF_SEVERAL, FileStart, Format, ReadOptions, Source
from fastnn.decisions.array_axes import EMNIST, EMNIST_AXES
from fastnn.files import names_its_file

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_START = 1 << 16  # bytes; every header fits, including that of gzip
_NAME = re.compile(r"(?:.*-)?(train|t10k|test)[-_.](images|labels)[-_.]idx[1-4][-_.]ubyte(\.gz)?")


@names_its_file
def read_idx(path: str | os.PathLike[str], *, mapped: bool = False) -> NDArray[Any]:
    """Read an IDX file, gzipped or not.

    Parameters
    ----------
    path : path-like
        A gzipped file is recognised by its content, not by its name.
    mapped : bool, default False
        Map the file into memory instead of reading it, for files that are larger than memory. The file must not be
        gzipped, and its numbers must be bytes.

    Returns
    -------
    ndarray
        Its shape and dtype are those that the file declares, in native byte order. A mapped array is read-only.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the array needs more memory than is available; raised before anything is allocated.
    ValueError
        If the content is not exactly one IDX file. Sizes are checked before anything is allocated for them.

    Notes
    -----
    The file begins with two zero bytes, the type (8: uint8, 9: int8, 11: int16, 12: int32, 13: float32, 14: float64)
    and the number of dimensions. The size of each dimension follows in four bytes, then the numbers in row-major
    order. Everything is big-endian. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten
    digits".

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
    if not mapped:
        with Path(path).open("rb") as file:
            hint = DECOMPRESS_OR_MAP if is_gzip(file.read(4)) else MAP_FILE
        check_memory(lambda: _memory(path), _where(path), hint)
    return _read(path, mapped)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    if _is_idx(start.content):
        raise ValueError(f"load: {start.path}: {ONE_OF_SEVERAL}")
    return None


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    found: dict[str, Path] = {}
    for file in files:  # sorted: x comes before x.gz
        match = _NAME.fullmatch(file.name)
        if not match:
            continue
        role = f"{'train' if match[1] == 'train' else 'test'}_{match[2]}"
        other = found.setdefault(role, file)
        if other.name not in (file.name, file.name.removesuffix(".gz")):
            raise ValueError(f"load: {path}: both {other.name} and {file.name}; give a folder with one data set")
    if not found:
        return None
    missing = [role.replace("_", " ") for role in ROLES if role not in found]
    if missing:
        there = ", ".join(file.name for file in found.values())
        raise ValueError(f"load: {path}: no IDX file with the {' and the '.join(missing)} beside {there}")
    mapped = {role: options.mapped and role.endswith("images") for role in ROLES}
    is_emnist = all(file.name.startswith("emnist") for file in found.values())

    def read() -> RawDataset:
        arrays = {role: RawArray(_read(file, mapped[role]), f"load: {file}") for role, file in found.items()}
        raw = RawDataset.from_roles(arrays)
        if options.axes is not None or not is_emnist or raw.train_images.values.ndim != 3:
            return settled(raw, options.axes, samples_first=True)
        return settled(raw._replace(decisions=(EMNIST,)), EMNIST_AXES)

    return Source(
        read,
        lambda: MemoryEstimate.total(_memory(file) for role, file in found.items() if not mapped[role]),
        DECOMPRESS_OR_MAP if any(file.suffix == ".gz" for file in found.values()) else MAP_FILE,
        has_axes=True,
    )


FORMAT = Format("the four IDX files of MNIST (.gz or not)", _open_file, open_folder=_open_folder)


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_idx: {os.fspath(path)}"


def _read(path: str | os.PathLike[str], mapped: bool) -> NDArray[Any]:
    where = _where(path)
    with Path(path).open("rb") as file:
        start, stored = file.read(_START), os.fstat(file.fileno()).st_size
        gzipped = is_gzip(start)
        if gzipped and mapped:
            raise ValueError(f"{where}: is gzipped, so it cannot be mapped; decompress it first (gunzip)")
        dtype, shape, offset = _header(start, where)
        if gzipped:
            data = inflate(start + file.read(), _size(dtype, shape, offset), where, GZIP_WBITS)
            values = np.frombuffer(data, dtype, offset=offset).astype(dtype.newbyteorder("="))
        else:
            check_size(stored - offset, shape, dtype, where)
            if mapped:
                return map_array(Path(path), dtype, shape, offset, where)
            file.seek(offset)
            values = np.fromfile(file, dtype, math.prod(shape))
    return native_array(values, shape, where)


def _memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Estimate the memory for reading the file, from its header; raises the errors of `read_idx` if it is damaged."""
    with Path(path).open("rb") as file:
        start, stored = file.read(_START), os.fstat(file.fileno()).st_size
    dtype, shape, offset = _header(start, _where(path))
    size = _size(dtype, shape, offset)
    if is_gzip(start):
        size = min(size, max_decompressed(stored))
        return MemoryEstimate(size, size + stored)  # the decompressed bytes and the file, beside the array
    size = min(size, stored)
    return MemoryEstimate(size, 0 if dtype.itemsize == 1 else size)


def _size(dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> int:
    return offset + math.prod(shape) * dtype.itemsize


def _is_idx(start: bytes) -> bool:
    return len(start) >= 4 and start[:2] == b"\0\0" and start[2] in _DTYPES and start[3] > 0


def _header(start: bytes, where: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return the dtype, the shape and the offset of the numbers in bytes; `start` may be gzipped."""
    head = inflate_start(start, 4, where, GZIP_WBITS) if is_gzip(start) else start
    if not _is_idx(head):
        found = head[:4].hex(" ") or "nothing"
        raise ValueError(f"{where}: not an IDX file: expected 00 00, type, dimensions at offset 0, found {found}")
    rank = head[3]
    size = 4 + 4 * rank
    if is_gzip(start):
        head = inflate_start(start, size, where, GZIP_WBITS)
    if rank > MAX_DIMENSIONS:
        raise ValueError(f"{where}: declares {rank} dimensions at offset 3; at most {MAX_DIMENSIONS} are supported")
    if len(head) < size:
        raise ValueError(f"{where}: truncated: {rank} dimensions need a header of {size} bytes")
    shape = tuple(int.from_bytes(head[i : i + 4], "big") for i in range(4, size, 4))
    return np.dtype(_DTYPES[head[2]]), shape, size
