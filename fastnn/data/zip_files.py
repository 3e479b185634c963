"""Reading the files in a zip archive, whose sizes and checksums are not trusted, without writing one to disk."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastnn.data.inflate import inflate, max_decompressed

if TYPE_CHECKING:
    from zipfile import ZipInfo

_MAGIC = b"PK\x03\x04"  # begins the archive and each of its members
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field
_END_SIZE = 22  # bytes of the record at the end of an archive, without its comment
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800


def is_zip(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a zip archive."""
    return start.startswith(_MAGIC)


def zip_directory(file: BinaryIO, where: str, kind: str) -> list[tuple[str, ZipInfo]]:
    """Return the path and the entry of each file in an archive.

    Parameters
    ----------
    file : binary file
    where : str
        The beginning of the error messages.
    kind : str
        What the messages call the archive: "an .npz archive".

    Raises
    ------
    ValueError
        If the archive is truncated or damaged, or anything follows its end.

    Notes
    -----
    Names that are not marked as UTF-8 are that nonetheless if their bytes can be, otherwise code page 437.
    """
    import zipfile  # here, because it would take a large part of the time of importing fastnn

    start = file.read(4)
    if start != _MAGIC:
        raise ValueError(f"{where}: not {kind}: expected {_MAGIC.hex(' ')} at offset 0, found {start.hex(' ')}")
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            end = _size(file) - _END_SIZE - len(archive.comment)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise ValueError(f"{where}: truncated or damaged archive ({error})") from None
    file.seek(max(end, 0))
    if file.read(4) != b"PK\x05\x06":
        raise ValueError(f"{where}: trailing bytes after the end of the archive")
    return [(_name(info), info) for info in infos if not info.filename.endswith("/")]


def zip_content(file: BinaryIO, info: ZipInfo, where: str) -> bytes:
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


def declared_size(info: ZipInfo) -> tuple[int, int]:
    """Return the decompressed size of a member, as far as it is possible, and what is read to decompress it."""
    compressed = info.compress_size if info.compress_type == _DEFLATED else 0
    return min(info.file_size, max_decompressed(compressed) if compressed else info.compress_size), compressed


def zip_names(path: str | os.PathLike[str], where: str) -> list[str]:
    """Return the paths of the files in an archive.

    Raises
    ------
    OSError, ValueError
        As for `zip_directory`.
    """
    with Path(path).open("rb") as file:
        return [name for name, _ in zip_directory(file, where, "a zip archive")]


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _name(info: ZipInfo) -> str:
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
