"""A reader for .npz archives that accepts plain numbers and nothing else."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from numpy.typing import NDArray

from fastnn.data.inflate import inflate, max_decompressed
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.npy import parse_npy
from fastnn.data.raw_dataset import RawDataset, arrays_with_roles, from_named_arrays
from fastnn.data.source import FileStart, Format, ReadOptions, Source, named_arrays_memory

if TYPE_CHECKING:
    from zipfile import ZipInfo

_MAGIC = b"PK\x03\x04"  # begins the archive and each of its members
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field
_END_SIZE = 22  # bytes of the record at the end of an archive, without its comment
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1


def read_npz(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz archive, compressed or not.

    Parameters
    ----------
    path : path-like
    names : collection of str, optional
        The arrays to read. By default all are read.

    Returns
    -------
    dict of ndarray
        By name, in native byte order and C order.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the arrays need more memory than is available; raised before anything is allocated.
    ValueError
        If the content is not exactly one .npz archive, an array of `names` is missing, or one holds anything but
        booleans, integers or real floats. Sizes are checked before anything is allocated for them, and the checksums
        are verified.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from fastnn.data import read_npz
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.npz"
    ...     np.savez_compressed(path, images=np.zeros((2, 4), np.uint8), labels=np.arange(2))
    ...     sorted(read_npz(path))
    ['images', 'labels']
    """
    check_memory(lambda: MemoryEstimate.total(_memory(path, names).values()), _where(path), SAVE_AS_NPY)
    return _read(path, names)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    if not start.stored.startswith(_MAGIC):
        return None
    path = start.path

    def read() -> RawDataset:
        return from_named_arrays(_read(path, arrays_with_roles(_memory(path))), f"load: {path}")

    return Source(read, lambda: named_arrays_memory(arrays_with_roles(_memory(path))))


FORMAT = Format("an .npz file", _open_file, (".npz",))


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_npz: {os.fspath(path)}"


def _read(path: str | os.PathLike[str], names: Collection[str] | None) -> dict[str, NDArray[Any]]:
    where = _where(path)
    with Path(path).open("rb") as file:
        members = _members(file, where)
        for name in names or ():
            if name not in members:
                raise ValueError(f"{where}: no array {name!r}; there are {', '.join(members) or 'none'}")
        arrays = {}
        for name in members if names is None else names:
            here = f"{where}: array {name!r}"
            arrays[name] = parse_npy(_content(file, members[name], here), here)
    return arrays


def npz_contents(path: str | os.PathLike[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each array of an archive with the content of its .npy file, whatever that holds.

    Raises
    ------
    OSError, ValueError
        As for `read_npz`.
    """
    where = _where(path)
    with Path(path).open("rb") as file:
        for name, info in _members(file, where).items():
            yield name, _content(file, info, f"{where}: array {name!r}")


def _memory(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, MemoryEstimate]:
    """Estimate the memory for reading each array, from the directory of the archive; raises as `read_npz` does."""
    with Path(path).open("rb") as file:
        members = _members(file, _where(path))
    estimates = {}
    for name, info in members.items():
        compressed = info.compress_size if info.compress_type == _DEFLATED else 0
        size = min(info.file_size, max_decompressed(compressed) if compressed else info.compress_size)
        if names is None or name in names:
            estimates[name] = MemoryEstimate(size, size + compressed)  # the decompressed bytes and the compressed ones
    return estimates


def _members(file: BinaryIO, where: str) -> dict[str, ZipInfo]:
    import zipfile  # here, because it would take a large part of the time of importing fastnn

    start = file.read(4)
    if start != _MAGIC:
        raise ValueError(
            f"{where}: not an .npz archive: expected {_MAGIC.hex(' ')} at offset 0, found {start.hex(' ')}"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            end = _size(file) - _END_SIZE - len(archive.comment)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise ValueError(f"{where}: truncated or damaged archive ({error})") from None
    file.seek(max(end, 0))
    if file.read(4) != b"PK\x05\x06":
        raise ValueError(f"{where}: trailing bytes after the end of the archive")
    members: dict[str, ZipInfo] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if name == info.filename:
            continue  # not an array
        if name in members:
            raise ValueError(f"{where}: array {name!r} occurs twice")
        members[name] = info
    return members


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _content(file: BinaryIO, info: ZipInfo, where: str) -> bytes:
    """Return the decompressed bytes of a member, never more than its entry in the directory declares."""
    begin = info.header_offset
    if not 0 <= begin <= _size(file) - _LOCAL_HEADER.size:
        raise ValueError(f"{where}: its header lies outside the file, at offset {begin}")
    file.seek(begin)
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != _MAGIC:
        raise ValueError(f"{where}: no member at offset {begin}")
    begin += _LOCAL_HEADER.size + name_length + extra_length
    left = max(0, _size(file) - begin)
    if left < info.compress_size:
        raise ValueError(f"{where}: truncated: declares {info.compress_size} bytes, but {left} are left")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"{where}: is encrypted")
    file.seek(begin)
    if info.compress_type == _DEFLATED:
        content = inflate(file.read(info.compress_size), info.file_size, where, -zlib.MAX_WBITS)
    elif info.compress_type == _STORED and info.file_size == info.compress_size:
        content = file.read(info.compress_size)
    else:
        sizes = f"{info.compress_size} bytes for {info.file_size}"
        raise ValueError(f"{where}: unsupported compression method {info.compress_type} ({sizes})")
    if zlib.crc32(content) != info.CRC:
        raise ValueError(f"{where}: damaged: its checksum differs")
    return content
