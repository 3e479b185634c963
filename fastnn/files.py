"""Writing files completely or not at all, and errors of the disk that name the file."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

_LONGEST_NAME = 100  # of the target, in the name of the temporary file; file systems allow 255 bytes in all


P = ParamSpec("P")
T = TypeVar("T")


@contextlib.contextmanager
def naming(path: str | PathLike[str]) -> Iterator[None]:
    """Name a file in the errors of the system that name none, as those of reading from a broken disk.

    Parameters
    ----------
    path : path-like

    Examples
    --------
    >>> from fastnn.files import naming
    >>> with naming("a.csv"):
    ...     raise OSError(5, "Input/output error")
    Traceback (most recent call last):
    OSError: [Errno 5] Input/output error: 'a.csv'
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def names_its_file(read: Callable[P, T]) -> Callable[P, T]:
    """Let the errors of a function name the file that it reads: its argument `path`, or else its first one."""

    @functools.wraps(read)
    def named(*args: P.args, **kwargs: P.kwargs) -> T:
        path: Any = kwargs.get("path") or (args[0] if args else kwargs.get("name", ""))
        with naming(path):
            return read(*args, **kwargs)

    return named


def write_whole(path: str | PathLike[str], data: bytes | str) -> None:
    """Write a file completely or not at all.

    Parameters
    ----------
    path : path-like
        The file. If it exists it is replaced and keeps its permissions; of a symbolic link, the file to which it leads.
    data : bytes or str
        The content; text is encoded as UTF-8.

    Raises
    ------
    OSError
        If the file cannot be written; the error names it. What was at `path` is then unchanged, unless it was the last
        step that failed, which makes the new name permanent on the disk.

    Notes
    -----
    The data is written to a temporary file in the same folder, which is flushed to disk and then renamed. A device or
    a pipe is no file to be replaced: it gets the data as they are.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.files import write_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "note.txt", "hello")
    ...     [path.name for path in Path(folder).iterdir()]
    ['note.txt']
    """
    payload = data.encode() if isinstance(data, str) else data
    try:
        target = Path(os.path.realpath(path))
        there = _status(target)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if there is not None and not stat.S_ISREG(there.st_mode):
            _write(os.open(target, os.O_WRONLY), payload, lasting=False)
        else:
            _replace(target, there, payload)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), os.fspath(path)) from error


def remove_unfinished(target: Path) -> None:
    """Remove the temporary files for `target` that a process left which was killed while it wrote.

    Parameters
    ----------
    target : Path
        As it was given to `write_whole`.

    Raises
    ------
    OSError
        If one of them cannot be removed.
    """
    target = Path(os.path.realpath(target))
    ours = re.compile(re.escape(_beginning(target)) + r"[0-9a-f]{16}\.unfinished")
    if target.parent.is_dir():
        for path in target.parent.iterdir():
            if ours.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _beginning(target: Path) -> str:
    """How the names of its temporary files begin."""
    return f".{os.fsdecode(os.fsencode(target.name)[:_LONGEST_NAME])}."


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _replace(target: Path, there: os.stat_result | None, payload: bytes) -> None:
    temporary = target.parent / f"{_beginning(target)}{secrets.token_hex(8)}.unfinished"
    # a new file has the permissions that the system gives it; one that is replaced may be secret from the beginning
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    handle = os.open(temporary, flags, 0o666 if there is None else 0o600)
    try:
        if there is not None and hasattr(os, "fchmod"):
            with contextlib.suppress(OSError):  # the owner can be kept by the superuser alone
                os.fchown(handle, there.st_uid, there.st_gid)
            os.fchmod(handle, stat.S_IMODE(there.st_mode))
        _write(handle, payload, lasting=True)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write(handle: int, payload: bytes, lasting: bool) -> None:
    """Write all of the data to an open file, flush it to disk if it is to be lasting, and close it."""
    try:
        rest = memoryview(payload)
        while rest:
            rest = rest[os.write(handle, rest) :]
        if lasting:
            os.fsync(handle)
    finally:
        os.close(handle)
