"""Decompression that never makes more bytes than were announced, nor believes an impossible announcement."""

from __future__ import annotations

import zlib

__all__ = ["LIMIT", "check_announced", "gunzip", "inflate", "inflate_start", "is_gzip"]

LIMIT = 1 << 33
"""The most bytes one compressed array may unfold to (8 GiB)."""

_MAX_RATIO = 1032  # deflate stores at most 258 bytes in two bits


def check_announced(stored: int, announced: int, where: str) -> None:
    """Refuse a size that `stored` compressed bytes cannot unfold to, before anything is allocated for it."""
    if announced > stored * _MAX_RATIO + 64:
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
    if len(data) < 18:
        raise ValueError(f"{where}: truncated: {len(data)} bytes, where gzip needs at least 18")
    return inflate(data, int.from_bytes(data[-4:], "little"), where, zlib.MAX_WBITS | 16)
