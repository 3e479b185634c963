"""Writing files whole or not at all."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path


def write_whole(path: str | PathLike[str], data: bytes | str) -> None:
    """Write `data` to `path`: to a temporary name beside it, to the disk, then renamed into place.

    Raises
    ------
    OSError
        If it cannot be written; what was at `path` is then as it was.
    """
    import tempfile  # loads random: not at import

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
