"""Reading the files in a tar archive, gzipped or not, without ever writing one to disk."""

from __future__ import annotations

import io
import posixpath
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from fastnn.data.image_formats import has_image_name
from fastnn.data.inflate import check_declared, gunzip_all, is_gzip

if TYPE_CHECKING:
    from tarfile import TarFile, TarInfo

_BLOCK = 512
_DAMAGED = (ValueError, OSError, EOFError, LookupError, OverflowError, RecursionError, struct.error)
_MOST_LINKS = 16  # that lead from one to the next


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    content: bytes | memoryview


def is_tar(start: bytes) -> bool:
    """Return whether decompressed content that begins with these bytes, at least 512, is a tar archive."""
    if len(start) < _BLOCK:
        return False
    stated = start[148:156].strip(b" \0")
    if not stated or not set(stated) <= set(b"01234567"):
        return False
    # the bytes of the header, with blanks instead of the checksum, sum to it
    return int(stated, 8) == sum(start[:_BLOCK]) - sum(start[148:156]) + 8 * 32


def tar_members(data: bytes, where: str) -> Iterator[Member]:
    """Yield the files of an archive, one at a time.

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
        If the archive is truncated or damaged, a size is impossible, two files of one name differ, or a link that is
        named like an image leads out of the archive.

    Notes
    -----
    Python's tarfile reads the headers, so names may be as long, and in such scripts, as GNU's and POSIX's extensions
    allow. A link is the file that it leads to, if that is in the archive. Directories and devices are skipped. Nothing
    is written, wherever a name points: names are only compared and shown.

    Examples
    --------
    >>> import io, tarfile
    >>> from fastnn.data.tar import tar_members
    >>> file = io.BytesIO()
    >>> with tarfile.open(fileobj=file, mode="w:gz") as archive:
    ...     info = tarfile.TarInfo("a/b.txt")
    ...     info.size = 3
    ...     archive.addfile(info, io.BytesIO(b"abc"))
    >>> [(name, bytes(content)) for name, content in tar_members(file.getvalue(), "example")]
    [('a/b.txt', b'abc')]
    """
    import tarfile  # here, because few programs that import fastnn read archives

    content = gunzip_all(data, where) if is_gzip(data) else data
    found: dict[str, bytes | memoryview] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(
            fileobj=io.BytesIO(content), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            while (info := archive.next()) is not None:
                name = _text(info.name)
                if info.isreg():
                    held = _content(archive, info, content, len(data), f"{where}: {name!r:.100}")
                    if found.setdefault(name, held) != held:
                        raise _Refused(f"{where}: two files called {name!r:.100} differ")
                elif info.islnk() or info.issym():
                    folder = posixpath.dirname(name) if info.issym() else ""
                    links[name] = posixpath.join(folder, _text(info.linkname))
            end = archive.offset
    except _Refused:
        raise
    except (tarfile.TarError, *_DAMAGED) as error:
        raise ValueError(f"{where}: truncated or damaged archive ({error})") from None
    _check_end(content, end, where)
    yield from (Member(name, held) for name, held in found.items())
    by_path = {posixpath.normpath(name): name for name in (*found, *links)}
    for name in links:
        target = _target(name, links, by_path)
        if target in found:
            yield Member(name, found[target])
        elif has_image_name(name):
            raise ValueError(f"{where}: {name!r:.100} is a link to {links[name]!r:.100}, which is not in the archive")


class _Refused(ValueError):
    """An error whose message is complete."""


def _content(archive: TarFile, info: TarInfo, content: bytes, stored: int, where: str) -> bytes | memoryview:
    """Return what a file holds; the bytes are those of the archive, unless it was stored without its zeros."""
    if info.issparse():
        try:
            check_declared(stored, info.size, where)
        except ValueError as error:
            raise _Refused(str(error)) from None
        file = archive.extractfile(info)
        return file.read() if file is not None else b""
    left = len(content) - info.offset_data
    if not 0 <= info.size <= left:
        raise _Refused(f"{where}: truncated: declares {info.size} bytes, but {left} are left")
    return memoryview(content)[info.offset_data : info.offset_data + info.size]


def _check_end(content: bytes, end: int, where: str) -> None:
    """Check that an archive ends with zeros: tarfile takes a damaged header for the end."""
    if len(content) < end + _BLOCK:
        raise ValueError(f"{where}: truncated: a header at offset {end} has {max(0, len(content) - end)} bytes")
    if any(memoryview(content)[end : end + _BLOCK]):
        raise ValueError(f"{where}: damaged archive: wrong checksum in the header at offset {end}")
    rest = content[end:].lstrip(b"\0")
    if is_tar(rest[:_BLOCK]):
        raise ValueError(f"{where}: another archive follows at offset {len(content) - len(rest)}: give each by itself")


def _target(name: str, links: dict[str, str], by_path: dict[str, str]) -> str | None:
    """Return the name of the file that a link leads to, None if it does not lead to one."""
    for _ in range(_MOST_LINKS):
        found = by_path.get(posixpath.normpath(links[name]))
        if found is None or found not in links:
            return found
        name = found
    return None


def _text(name: str) -> str:
    """Return a name that tarfile decoded; what is not UTF-8 is taken for Latin-1."""
    try:
        return name.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError:
        return name.encode("utf-8", "surrogateescape").decode("latin-1")
