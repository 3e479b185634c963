"""Writing files completely or not at all."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path


def write_whole(path: str | PathLike[str], data: bytes | str) -> None:
    """Write a file completely or not at all.

    Parameters
    ----------
    path : path-like
        The file; it is replaced if it exists.
    data : bytes or str
        The content; text is encoded as UTF-8.

    Raises
    ------
    OSError
        If the file cannot be written. What was at `path` is then unchanged.

    Notes
    -----
    The data is written to a temporary file in the same folder, which is flushed to disk and then renamed.

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
    import tempfile  # here, because it imports random

    target = Path(path)
    payload = data.encode() if isinstance(data, str) else data
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        try:
            rest = memoryview(payload)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
