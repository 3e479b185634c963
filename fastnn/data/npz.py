"""A reader for .npz archives that takes plain numbers and nothing else."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fastnn.data.inflate import inflate
from fastnn.data.npy import parse_npy

if TYPE_CHECKING:
    from zipfile import ZipInfo

__all__ = ["is_npz", "npz_names", "read_npz"]

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
    data = Path(path).read_bytes()
    members = _members(data, where)
    for name in names or ():
        if name not in members:
            raise ValueError(f"{where}: no array {name!r}; there are {', '.join(members) or 'none'}")
    wanted = members if names is None else {name: members[name] for name in names}
    arrays = {}
    for name, info in wanted.items():
        here = f"{where}: array {name!r}"
        arrays[name] = parse_npy(_content(data, info, here), here)
    return arrays


def npz_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of the arrays in an .npz archive; raises as `read_npz`."""
    return list(_members(Path(path).read_bytes(), f"read_npz: {os.fspath(path)}"))


def is_npz(start: bytes) -> bool:
    """Tell whether a file with these first bytes may be an .npz archive."""
    return start.startswith(b"PK\x03\x04")


def _members(data: bytes, where: str) -> dict[str, ZipInfo]:
    import io
    import zipfile  # here, because it would make up much of the time of importing fastnn

    if not is_npz(data):
        raise ValueError(f"{where}: not an .npz archive: expected 50 4b 03 04 at offset 0, found {data[:4].hex(' ')}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            end = len(data) - _END_SIZE - len(archive.comment)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise ValueError(f"{where}: truncated or damaged archive ({error})") from None
    if data[end : end + 4] != b"PK\x05\x06":
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


def _content(data: bytes, info: ZipInfo, where: str) -> bytes:
    """Return the decompressed bytes of a member, never more than its entry announces."""
    begin = info.header_offset
    if not 0 <= begin <= len(data) - _LOCAL_HEADER.size:
        raise ValueError(f"{where}: its header lies outside the file, at offset {begin}")
    signature, name_length, extra_length = _LOCAL_HEADER.unpack_from(data, begin)
    if signature != b"PK\x03\x04":
        raise ValueError(f"{where}: no member at offset {begin}")
    begin += _LOCAL_HEADER.size + name_length + extra_length
    packed = memoryview(data)[begin : begin + info.compress_size]
    if len(packed) < info.compress_size:
        raise ValueError(f"{where}: truncated: {info.compress_size} bytes announced, but {len(packed)} are left")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"{where}: is encrypted")
    if info.compress_type == _DEFLATED:
        content = inflate(packed, info.file_size, where, -zlib.MAX_WBITS)
    elif info.compress_type == _STORED and info.file_size == info.compress_size:
        content = bytes(packed)
    else:
        raise ValueError(f"{where}: compression method {info.compress_type} with {info.compress_size} bytes")
    if zlib.crc32(content) != info.CRC:
        raise ValueError(f"{where}: damaged: its checksum differs")
    return content
