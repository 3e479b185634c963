"""Decompression that never makes more bytes than were announced, nor believes an impossible announcement."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

__all__ = [
    "LIMIT",
    "check_announced",
    "content_size",
    "gunzip",
    "inflate",
    "inflate_start",
    "is_gzip",
    "most_unfolded",
]

LIMIT = 1 << 33
"""The most bytes one compressed array may unfold to (8 GiB)."""

_MAX_RATIO = 1032  # deflate stores at most 258 bytes in two bits
_LEAST_GZIP = 18  # bytes of header and end


def most_unfolded(stored: int) -> int:
    """The most bytes that are read from so many compressed ones."""
    return min(_unfolding(stored), LIMIT)


def check_announced(stored: int, announced: int, where: str) -> None:
    """Refuse a size that `stored` compressed bytes cannot unfold to, before anything is allocated for it."""
    if announced > _unfolding(stored):
        raise ValueError(f"{where}: {announced} bytes announced, but {stored} compressed bytes cannot hold so many")
    if announced > LIMIT:
        raise ValueError(f"{where}: {announced} bytes announced; at most {LIMIT} are read from compressed data")


def inflate_start(data: bytes | memoryview, size: int, where: str, wbits: int) -> bytes:
    """Decompress the first `size` bytes, or fewer where the stream is shorter; arguments as in `inflate`."""
    try:
        return zlib.decompressobj(wbits).decompress(data, size)
    except zlib.error as error:
        raise ValueError(f"{where}: damaged compressed data ({error})") from None


def inflate(data: bytes | memoryview, size: int, where: str, wbits: int) -> bytes:
    """Decompress one whole stream, which must unfold to exactly `size` bytes.

    Parameters
    ----------
    data : bytes-like
        A zlib, gzip or bare deflate stream.
    size : int
        The number of bytes announced.
    where : str
        Begins the error messages: the function and the file.
    wbits : int
        As in `zlib.decompressobj`: MAX_WBITS for zlib, MAX_WBITS | 16 for gzip, -MAX_WBITS for deflate.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the stream is damaged, fails its checksum, is too short or too long, or is followed by anything.
    """
    check_announced(len(data), size, where)
    stream = zlib.decompressobj(wbits)
    try:
        # A limit of 0 would mean no limit. The call for one byte more also reads the checksum.
        out = stream.decompress(data, size) if size else b""
        extra = stream.decompress(stream.unconsumed_tail if size else data, 1)
    except zlib.error as error:
        raise ValueError(f"{where}: damaged compressed data ({error})") from None
    if extra:
        raise ValueError(f"{where}: {size} bytes announced, but the compressed data hold more")
    if len(out) < size:
        raise ValueError(f"{where}: truncated: {size} bytes announced, but the compressed data hold {len(out)}")
    if not stream.eof:
        raise ValueError(f"{where}: truncated: the compressed data lack their end")
    if stream.unused_data:
        raise ValueError(f"{where}: {len(stream.unused_data)} trailing bytes after the compressed data")
    return out


def is_gzip(start: bytes) -> bool:
    """Tell whether a file with these first bytes is gzipped."""
    return start.startswith(b"\x1f\x8b\x08")


def gunzip(data: bytes, where: str) -> bytes:
    """Decompress a gzip file whose content does not say how long it is: its last four bytes do, modulo 2**32.

    Raises
    ------
    ValueError
        As `inflate`.
    """
    if len(data) < _LEAST_GZIP:
        raise ValueError(f"{where}: truncated: {len(data)} bytes, where gzip needs at least {_LEAST_GZIP}")
    return inflate(data, int.from_bytes(data[-4:], "little"), where, zlib.MAX_WBITS | 16)


def content_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Bytes that a file has on the disk and unpacked: if it is gzipped, as its end says, where that is possible."""
    with Path(path).open("rb") as file:
        start = file.read(4)
        stored = os.fstat(file.fileno()).st_size
        if not is_gzip(start) or stored < _LEAST_GZIP:
            return stored, stored
        file.seek(-4, os.SEEK_END)
        return stored, min(int.from_bytes(file.read(4), "little"), most_unfolded(stored))


def _unfolding(stored: int) -> int:
    """The most bytes that so many compressed ones can unfold to."""
    return stored * _MAX_RATIO + 64
