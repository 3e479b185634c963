"""Reading the files in a tar archive, gzipped or not, without ever writing one to disk."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from fastnn.data.inflate import GZIP_WBITS, MAX_DECOMPRESSED, check_declared, is_gzip

_BLOCK = 512
_REGULAR = (b"0", b"\0", b"7")
_LONG_NAME = b"L"  # GNU: the content is the name of the next member
_MAX_NAME = 4096
_CHUNK = 1 << 20


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    content: bytes


def is_tar(start: bytes) -> bool:
    """Return whether decompressed content that begins with these bytes, at least 512, is a tar archive."""
    return len(start) >= _BLOCK and _checksum_holds(start[:_BLOCK])


def tar_members(data: bytes, where: str) -> Iterator[Member]:
    """Yield the regular files of an archive, one at a time.

    Parameters
    ----------
    data : bytes
        The content of the archive, gzipped or not.
    where : str
        The beginning of the error messages.

    Yields
    ------
    Member

    Raises
    ------
    ValueError
        If the archive is truncated or damaged, or a size is impossible.

    Notes
    -----
    The format is ustar (POSIX.1-1988) with GNU's long names. Directories, links and devices are skipped. Nothing is
    written, wherever a name points: names are only compared and shown.

    Examples
    --------
    >>> import io, tarfile
    >>> from fastnn.data.tar import tar_members
    >>> file = io.BytesIO()
    >>> with tarfile.open(fileobj=file, mode="w:gz") as archive:
    ...     info = tarfile.TarInfo("a/b.txt")
    ...     info.size = 3
    ...     archive.addfile(info, io.BytesIO(b"abc"))
    >>> list(tar_members(file.getvalue(), "example"))
    [Member(name='a/b.txt', content=b'abc')]
    """
    stream = _Stream(data, where)
    long_name: str | None = None
    while True:
        at = stream.at
        head = stream.read(_BLOCK, "a header")
        if not head.strip(b"\0"):
            return
        if not _checksum_holds(head):
            raise ValueError(f"{where}: damaged archive: wrong checksum in the header at offset {at}")
        size = _octal(head[124:136], where, at)
        check_declared(len(data) + _BLOCK, size, f"{where}: the member at offset {at}")
        kind = head[156:157]
        if kind == _LONG_NAME and size <= _MAX_NAME:
            long_name = _text(stream.read(size + -size % _BLOCK, "a name")[:size])
            continue
        name = long_name or "/".join(part for part in (_prefix(head), _text(head[:100])) if part)
        long_name = None
        content = stream.read(size + -size % _BLOCK, f"{name!r:.100}")[:size]
        if kind in _REGULAR:
            yield Member(name, content)


class _Stream:
    """The bytes of an archive in order, decompressed as they are needed."""

    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where, self.at = data, where, 0
        self.gunzip = zlib.decompressobj(GZIP_WBITS) if is_gzip(data) else None
        self.compressed, self.buffer = data, bytearray()

    def read(self, size: int, what: str) -> bytes:
        """Return the next `size` bytes."""
        if self.at + size > MAX_DECOMPRESSED:
            raise ValueError(f"{self.where}: holds more than {MAX_DECOMPRESSED} bytes, at offset {self.at}")
        if self.gunzip is None:
            found = self.data[self.at : self.at + size]
        else:
            self._decompress(size)
            found = bytes(self.buffer[:size])
            del self.buffer[:size]
        if len(found) < size:
            raise ValueError(f"{self.where}: truncated: {what} at offset {self.at} has {len(found)} of {size} bytes")
        self.at += size
        return found

    def _decompress(self, size: int) -> None:
        assert self.gunzip is not None
        try:
            while len(self.buffer) < size and not self.gunzip.eof:
                chunk = self.gunzip.decompress(self.compressed, _CHUNK)
                self.compressed = self.gunzip.unconsumed_tail
                if not chunk and not self.compressed:
                    return
                self.buffer += chunk
        except zlib.error as error:
            raise ValueError(f"{self.where}: damaged compressed data ({error})") from None


def _checksum_holds(head: bytes) -> bool:
    """Return whether the bytes of a header, with blanks instead of its checksum, sum to this checksum."""
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
    """Return the directory part of a long name, which GNU's variant of the header does not have."""
    return _text(head[345:500]) if head[257:263] == b"ustar\0" else ""


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")
