"""A reader for .npz archives that takes plain numbers and nothing else."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from numpy.typing import NDArray

from fastnn.data.inflate import inflate, most_unfolded
from fastnn.data.memory import AS_NPY, Need, check_fits, in_turn
from fastnn.data.npy import parse_npy

if TYPE_CHECKING:
    from zipfile import ZipInfo

__all__ = ["is_npz", "npz_contents", "npz_need", "read_npz"]

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field
_END_SIZE = 22  # of the record that ends an archive, without its comment
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1


def read_npz(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz archive, compressed or not.

    Parameters
    ----------
    path : path-like
        The file.
    names : collection of str, optional
        The arrays wanted; by default all.

    Returns
    -------
    dict of ndarray
        By name, in native byte order and C order.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If they need more memory than is available; before anything is allocated.
    ValueError
        If its content is not a whole .npz archive, an array wanted is missing or holds anything but booleans,
        integers or real floats. Sizes are checked before anything is allocated for them, and so are
        checksums.

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
    where = f"read_npz: {os.fspath(path)}"
    check_fits(lambda: in_turn(npz_need(path, names).values()), where, AS_NPY)
    with Path(path).open("rb") as file:
        members = _members(file, where)
        for name in names or ():
            if name not in members:
                raise ValueError(f"{where}: no array {name!r}; there are {', '.join(members) or 'none'}")
        wanted = members if names is None else {name: members[name] for name in names}
        arrays = {}
        for name, info in wanted.items():
            here = f"{where}: array {name!r}"
            arrays[name] = parse_npy(_content(file, info, here), here)
    return arrays


def npz_contents(path: str | os.PathLike[str]) -> Iterator[tuple[str, bytes]]:
    """Names of the arrays of an archive, each with the content of its .npy file, whatever that holds.

    Raises
    ------
    OSError, ValueError
        As `read_npz`.
    """
    where = f"read_npz: {os.fspath(path)}"
    with Path(path).open("rb") as file:
        for name, info in _members(file, where).items():
            yield name, _content(file, info, f"{where}: array {name!r}")


def npz_need(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, Need]:
    """What it takes to read each array, or each of `names` that is there, by the archive's directory.

    Raises
    ------
    OSError, ValueError
        As `read_npz`.
    """
    with Path(path).open("rb") as file:
        members = _members(file, f"read_npz: {os.fspath(path)}")
    needs = {}
    for name, info in members.items():
        if names is None or name in names:
            packed = info.compress_size if info.compress_type == _DEFLATED else 0
            size = min(info.file_size, most_unfolded(packed) if packed else info.compress_size)
            needs[name] = Need(size, size + packed)  # unpacked, then copied
    return needs


def is_npz(start: bytes) -> bool:
    """Tell whether a file with these first bytes may be an .npz archive."""
    return start.startswith(b"PK\x03\x04")


def _members(file: BinaryIO, where: str) -> dict[str, ZipInfo]:
    import zipfile  # here, because it would make up much of the time of importing fastnn

    start = file.read(4)
    if not is_npz(start):
        raise ValueError(f"{where}: not an .npz archive: expected 50 4b 03 04 at offset 0, found {start.hex(' ')}")
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
    """Return the decompressed bytes of a member, never more than its entry announces."""
    begin = info.header_offset
    if not 0 <= begin <= _size(file) - _LOCAL_HEADER.size:
        raise ValueError(f"{where}: its header lies outside the file, at offset {begin}")
    file.seek(begin)
    signature, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise ValueError(f"{where}: no member at offset {begin}")
    begin += _LOCAL_HEADER.size + name_length + extra_length
    left = max(0, _size(file) - begin)
    if left < info.compress_size:
        raise ValueError(f"{where}: truncated: {info.compress_size} bytes announced, but {left} are left")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"{where}: is encrypted")
    file.seek(begin)
    if info.compress_type == _DEFLATED:
        content = inflate(file.read(info.compress_size), info.file_size, where, -zlib.MAX_WBITS)
    elif info.compress_type == _STORED and info.file_size == info.compress_size:
        content = file.read(info.compress_size)
    else:
        raise ValueError(f"{where}: compression method {info.compress_type} with {info.compress_size} bytes")
    if zlib.crc32(content) != info.CRC:
        raise ValueError(f"{where}: damaged: its checksum differs")
    return content
