"""Decompression that does not trust declared sizes: no memory is allocated for a size that is impossible."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

MAX_DECOMPRESSED = 1 << 33
"""The largest decompressed size in bytes of one compressed array or archive (8 GiB)."""
GZIP_WBITS = zlib.MAX_WBITS | 16
"""What zlib calls the format of a gzip file."""

_MAX_RATIO = 1032  # deflate stores at most 258 bytes in two bits
_CHUNK = 1 << 16  # compressed bytes at a time, so that little more is held than the limit
_MIN_GZIP = 18  # bytes: the header and the trailer


def max_decompressed(stored: int) -> int:
    """Return the largest decompressed size in bytes that is accepted for `stored` compressed bytes."""
    return min(_possible(stored), MAX_DECOMPRESSED)


def check_declared(stored: int, declared: int, where: str) -> None:
    """Check that `stored` compressed bytes can decompress to the declared size.

    Raises
    ------
    ValueError
        If they cannot, or the size is above `MAX_DECOMPRESSED`; `where` begins the message.
    """
    if declared > _possible(stored):
        raise ValueError(f"{where}: declares {declared} bytes, but {stored} compressed bytes cannot hold that many")
    if declared > MAX_DECOMPRESSED:
        raise ValueError(f"{where}: declares {declared} bytes, but at most {MAX_DECOMPRESSED} are decompressed")


def inflate_start(data: bytes | memoryview, size: int, where: str, wbits: int) -> bytes:
    """Decompress the first `size` bytes of a stream, or all of it if it is shorter; arguments as for `inflate`.

    Raises
    ------
    ValueError
        If this part of the stream is damaged.
    """
    try:
        return zlib.decompressobj(wbits).decompress(data, size)
    except zlib.error as error:
        raise ValueError(f"{where}: damaged compressed data ({error})") from None


def inflate(data: bytes | memoryview, size: int, where: str, wbits: int) -> bytes:
    """Decompress a whole stream, which must hold exactly `size` bytes.

    Parameters
    ----------
    data : bytes-like
        A zlib, gzip or raw deflate stream.
    size : int
        The declared number of decompressed bytes.
    where : str
        The beginning of the error messages: the function and the file.
    wbits : int
        As for `zlib.decompressobj`: MAX_WBITS for zlib, `GZIP_WBITS` for gzip, -MAX_WBITS for raw deflate.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the stream is damaged, fails its checksum, is too short or too long, or is followed by anything else.

    Examples
    --------
    >>> import zlib
    >>> from fastnn.data.inflate import inflate
    >>> inflate(zlib.compress(b"abc"), 3, "example", zlib.MAX_WBITS)
    b'abc'
    """
    check_declared(len(data), size, where)
    stream = zlib.decompressobj(wbits)
    try:
        # A limit of 0 would mean no limit. Asking for one more byte also reads the checksum.
        out = stream.decompress(data, size) if size else b""
        extra = stream.decompress(stream.unconsumed_tail if size else data, 1)
    except zlib.error as error:
        raise ValueError(f"{where}: damaged compressed data ({error})") from None
    if extra:
        raise ValueError(f"{where}: declares {size} bytes, but the compressed data holds more")
    if len(out) < size:
        raise ValueError(f"{where}: truncated: declares {size} bytes, but the compressed data holds {len(out)}")
    if not stream.eof:
        raise ValueError(f"{where}: truncated: the compressed data does not reach its end")
    if stream.unused_data:
        raise ValueError(f"{where}: {len(stream.unused_data)} trailing bytes after the compressed data")
    return out


def is_gzip(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is compressed by gzip."""
    return start.startswith(b"\x1f\x8b\x08")


def gunzip(data: bytes, where: str) -> bytes:
    """Decompress the content of a gzip file; its last four bytes declare the decompressed size modulo 2**32.

    Raises
    ------
    ValueError
        As for `inflate`.
    """
    if len(data) < _MIN_GZIP:
        raise ValueError(f"{where}: truncated: {len(data)} bytes, but a gzip file has at least {_MIN_GZIP}")
    return inflate(data, int.from_bytes(data[-4:], "little"), where, GZIP_WBITS)


def gunzip_all(data: bytes, where: str) -> bytes:
    """Decompress a gzip file of several members, and of any size up to `MAX_DECOMPRESSED`; zeros may follow it.

    Raises
    ------
    ValueError
        If the data is damaged, truncated or followed by anything else, or holds more.
    """
    out, view, at = bytearray(), memoryview(data), 0
    while at < len(view) and (view[at] or any(view[at:])):
        stream = zlib.decompressobj(GZIP_WBITS)
        while not stream.eof:
            chunk = view[at : at + _CHUNK]
            if not chunk:
                raise ValueError(f"{where}: truncated: the compressed data ends after {len(out)} bytes")
            try:
                out += stream.decompress(chunk)
            except zlib.error as error:
                raise ValueError(f"{where}: damaged compressed data ({error})") from None
            if len(out) > MAX_DECOMPRESSED:
                raise ValueError(f"{where}: holds more than {MAX_DECOMPRESSED} bytes")
            at += len(chunk)
        at -= len(stream.unused_data)
    return bytes(out)


def file_sizes(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return a file's size on disk and its decompressed size, in bytes.

    The two are equal unless the file is compressed by gzip. Then the second is what the file declares, or the largest
    possible size if that is less.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with Path(path).open("rb") as file:
        start = file.read(4)
        stored = os.fstat(file.fileno()).st_size
        if not is_gzip(start) or stored < _MIN_GZIP:
            return stored, stored
        file.seek(-4, os.SEEK_END)
        return stored, min(int.from_bytes(file.read(4), "little"), max_decompressed(stored))


def _possible(stored: int) -> int:
    """Return an upper bound on the decompressed size of `stored` compressed bytes."""
    return stored * _MAX_RATIO + 64
