"""Reading members of a tar archive, gzipped or not, without ever writing one to the disk."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from fastnn.data.inflate import LIMIT, check_announced, is_gzip

__all__ = ["Member", "is_tar", "tar_members"]

_BLOCK = 512
_REGULAR = (b"0", b"\0", b"7")
_LONG_NAME = b"L"  # GNU: the next member's name, as content
_MAX_NAME = 4096
_CHUNK = 1 << 20


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    content: bytes


def is_tar(start: bytes) -> bool:
    """Tell whether content that begins with these bytes (unpacked, at least 512) is a tar archive."""
    return len(start) >= _BLOCK and _checksum_holds(start[:_BLOCK])


def tar_members(data: bytes, where: str) -> Iterator[Member]:
    """Yield the regular files of an archive, one at a time.

    Parameters
    ----------
    data : bytes
        The archive.
    where : str
        Begins the error messages.

    Raises
    ------
    ValueError
        If the archive is truncated or damaged, or a size is impossible.

    Notes
    -----
    The ustar format of POSIX.1-1988 and GNU's long names. Folders, links and devices are passed over, names are
    only ever compared and shown: nothing is written, wherever a name points.
    """
    source = _Source(data, where)
    long_name: str | None = None
    while True:
        at = source.at
        head = source.read(_BLOCK, "a header")
        if not head.strip(b"\0"):
            return
        if not _checksum_holds(head):
            raise ValueError(f"{where}: damaged archive: wrong checksum in the header at offset {at}")
        size = _octal(head[124:136], where, at)
        check_announced(len(data) + _BLOCK, size, f"{where}: the member at offset {at}")
        kind = head[156:157]
        if kind == _LONG_NAME and size <= _MAX_NAME:
            long_name = _text(source.read(size + -size % _BLOCK, "a name")[:size])
            continue
        name = long_name or "/".join(part for part in (_prefix(head), _text(head[:100])) if part)
        long_name = None
        content = source.read(size + -size % _BLOCK, f"{name!r:.100}")[:size]
        if kind in _REGULAR:
            yield Member(name, content)


class _Source:
    """The bytes of an archive one after the other, unpacked as they are needed."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where, self.at = data, where, 0
        self.stream = zlib.decompressobj(zlib.MAX_WBITS | 16) if is_gzip(data) else None
        self.packed, self.buffer = data, bytearray()

    def read(self, size: int, what: str) -> bytes:
        """Return the next `size` bytes."""
        if self.at + size > LIMIT:
            raise ValueError(f"{self.where}: unfolds to more than {LIMIT} bytes, at offset {self.at}")
        if self.stream is None:
            found = self.data[self.at : self.at + size]
        else:
            self._unpack(size)
            found = bytes(self.buffer[:size])
            del self.buffer[:size]
        if len(found) < size:
            raise ValueError(f"{self.where}: truncated: {what} at offset {self.at} has {len(found)} of {size} bytes")
        self.at += size
        return found

    def _unpack(self, size: int) -> None:
        assert self.stream is not None
        try:
            while len(self.buffer) < size and not self.stream.eof:
                piece = self.stream.decompress(self.packed, _CHUNK)
                self.packed = self.stream.unconsumed_tail
                if not piece and not self.packed:
                    return
                self.buffer += piece
        except zlib.error as error:
            raise ValueError(f"{self.where}: damaged compressed data ({error})") from None


def _checksum_holds(head: bytes) -> bool:
    """Tell whether the sum of a header's bytes, its own field taken as blanks, is the one that it states."""
    stated = head[148:156].strip(b" \0")
    if not stated or not set(stated) <= set(b"01234567"):
        return False
    return int(stated, 8) == sum(head) - sum(head[148:156]) + 8 * 32


def _octal(field: bytes, where: str, at: int) -> int:
    digits = field.strip(b" \0")
    if not set(digits) <= set(b"01234567"):
        raise ValueError(f"{where}: damaged archive: a size of {field!r} in the header at offset {at}")
    return int(digits or b"0", 8)


def _prefix(head: bytes) -> str:
    """The folder part of a long name, which GNU's own variant of the header does not have."""
    return _text(head[345:500]) if head[257:263] == b"ustar\0" else ""


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")
