"""Features on disk: rows by the content of their images, in a file that grows and is mapped into memory.

A store is a folder for each way to compute features. ``rows.f32`` holds the rows one behind the other, ``index`` one
record for each: the SHA-256 of the image. A row counts when its record is complete, and records follow rows: whatever
moment a process ends at, what is there is whole. Writers take turns by a lock on the index, and look at what others
have added before they add.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

try:
    import fcntl
except ImportError:  # not on POSIX: one process at a time
    fcntl = None  # type: ignore[assignment]

__all__ = ["FeatureStore", "cache_folder"]

Rows = NDArray[np.float32]

_ROWS, _INDEX = "rows.f32", "index"
_RECORD = hashlib.sha256().digest_size
_COPY_BYTES = 8 << 20  # of rows that are put in order at once


def cache_folder() -> Path:
    """Return the folder of stored features where none is given: a part of the user's cache."""
    caches = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser() / "fastnn" / "alexnet-features"


class FeatureStore:
    """The rows of one way to compute features.

    Parameters
    ----------
    folder : path-like
        Made if missing.
    size : int
        Numbers in a row.

    Raises
    ------
    OSError
        If the folder cannot be made or written.
    """

    def __init__(self, folder: str | os.PathLike[str], size: int) -> None:
        self.folder, self.size = Path(folder), size
        self.folder.mkdir(parents=True, exist_ok=True)
        self.known: dict[bytes, int] = {}  # row numbers by the digest of the image
        (self.folder / _INDEX).touch()
        (self.folder / _ROWS).touch()

    @property
    def _row_bytes(self) -> int:
        return self.size * np.dtype(np.float32).itemsize

    def refresh(self) -> None:
        """Get to know what other processes have added."""
        with (self.folder / _INDEX).open("rb") as file:
            self._read_on(file)

    def _read_on(self, file: BinaryIO) -> None:
        room = (self.folder / _ROWS).stat().st_size // self._row_bytes - len(self.known)
        file.seek(len(self.known) * _RECORD)
        new = file.read(max(0, room) * _RECORD)
        for start in range(0, len(new) - len(new) % _RECORD, _RECORD):
            self.known[new[start : start + _RECORD]] = len(self.known)

    @contextmanager
    def _turn(self) -> Iterator[BinaryIO]:
        """The index, which nobody else writes meanwhile."""
        with (self.folder / _INDEX).open("r+b") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file  # closing gives the lock back

    def add(self, digests: Sequence[bytes], rows: Rows) -> None:
        """Add the rows (n, size) of images that are not there yet; they are on the disk when the call returns."""
        with self._turn() as index, (self.folder / _ROWS).open("r+b") as file:
            self._read_on(index)
            places = {digest: i for i, digest in enumerate(digests) if digest not in self.known}
            if not places:
                return
            first = len(self.known)
            file.seek(first * self._row_bytes)  # over what a writer that was killed has left
            file.write(np.ascontiguousarray(rows[list(places.values())], np.float32).data)
            file.flush()
            os.fsync(file.fileno())
            index.truncate(first * _RECORD)
            index.seek(first * _RECORD)
            index.write(b"".join(places))
            index.flush()
            os.fsync(index.fileno())
            for digest in places:
                self.known[digest] = len(self.known)

    def rows(self, digests: Sequence[bytes]) -> Rows:
        """The rows of these images in their order, (n, size): a read-only memory map.

        Where they lie one behind the other it is a part of the store, else of a copy in order, which is kept.

        Raises
        ------
        KeyError
            If one is not there.
        """
        numbers = [self.known[digest] for digest in digests]
        if not numbers:
            return np.empty((0, self.size), np.float32)
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return self._map(self.folder / _ROWS, numbers[0], len(numbers))
        ordered = self.folder / f"ordered-{hashlib.sha256(b''.join(digests)).hexdigest()}.f32"
        if not ordered.exists():
            self._put_in_order(numbers, ordered)
        return self._map(ordered, 0, len(numbers))

    def _map(self, path: Path, first: int, count: int) -> Rows:
        shape = (count, self.size)
        return np.memmap(path, np.float32, "r", first * self._row_bytes, shape)

    def _put_in_order(self, numbers: Sequence[int], target: Path) -> None:
        at_once = max(1, _COPY_BYTES // self._row_bytes)
        handle, temporary = tempfile.mkstemp(prefix=".ordered-", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as out, (self.folder / _ROWS).open("rb") as file:
                for start in range(0, len(numbers), at_once):
                    for number in numbers[start : start + at_once]:
                        file.seek(number * self._row_bytes)
                        out.write(file.read(self._row_bytes))
                out.flush()
                os.fsync(out.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
