"""The output folder of a study, which one run at a time may use: its files and the cache of its results."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastnn.files import write_whole

_ARRAY = "__array__"
_JSON = "__found__"


class Folder:
    """An output folder, locked by this process until `close`.

    Parameters
    ----------
    path : Path
        The folder, which is created if it is missing.

    Raises
    ------
    ValueError
        If another run has locked the folder, or it cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / ".lock").open("ab")
        except OSError as error:
            raise ValueError(f"study: cannot write in {path} ({error.strerror})") from None
        if not _lock_file(self._lock):
            self._lock.close()
            raise ValueError(f"study: {path} is in use by another run; wait for it, or choose another folder")

    def write(self, name: str, payload: bytes | str) -> Path:
        """Write a file in the folder, or in a folder in it that is created if it is missing, and return its path.

        Raises
        ------
        OSError
            If the file cannot be written. A file that was there before is then unchanged.
        """
        target = self.path / name
        try:
            target.parent.mkdir(exist_ok=True)
            write_whole(target, payload)
        except OSError as error:
            raise OSError(
                error.errno,
                f"study: cannot write {target} ({error.strerror}); finished parts remain, --resume continues",
            ) from None
        return target

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return the contents of a JSON file, or None if it is missing or cannot be read."""
        try:
            content = json.loads((self.path / name).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def store_result(self, key: str, found: Mapping[str, Any]) -> None:
        """Write a result to the cache."""
        arrays: dict[str, Any] = {}
        text = json.dumps(_without_arrays(found, arrays))
        payload = io.BytesIO()
        arrays[_JSON] = np.frombuffer(text.encode(), np.uint8)
        np.savez_compressed(payload, **arrays)
        self.write(f"cache/{key}.npz", payload.getvalue())

    def load_result(self, key: str) -> dict[str, Any] | None:
        """Return the cached result with that key, or None if it is missing or damaged."""
        try:
            # opened here, because of a damaged archive np.load leaves the file open
            path = self.path / "cache" / f"{key}.npz"
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                content = json.loads(stored[_JSON].tobytes())
                found: dict[str, Any] = _with_arrays(content, stored)
        except (
            *(OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, RecursionError),
            *(NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile),
        ):  # whatever is wrong with a cache, the result can be computed again
            return None
        return found

    def delete_results(self, prefix: str) -> None:
        """Delete the cached results whose keys start with `prefix`."""
        for file in (self.path / "cache").iterdir():
            if file.name.startswith(prefix) and file.suffix == ".npz":
                file.unlink()

    def close(self) -> None:
        """Unlock the folder."""
        self._lock.close()


@contextmanager
def locked_folder(path: Path) -> Iterator[Folder]:
    """Lock the folder at `path` for the duration of the block."""
    folder = Folder(path)
    try:
        yield folder
    finally:
        folder.close()


def as_json(value: Any, largest: int = 2_000) -> Any:
    """Convert `value` to what JSON can hold; an array of more than `largest` elements to its shape, dtype and range."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item, largest) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item, largest) for item in value]
    if isinstance(value, np.ndarray):
        if value.size > largest:
            return {"shape": list(value.shape), "dtype": value.dtype.name, "min": as_json(value.min()),
                    "max": as_json(value.max())}  # fmt: skip
        return as_json(value.tolist(), largest)
    if isinstance(value, np.generic):
        return as_json(value.item(), largest)
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)  # JSON has no NaN and no infinity
    return value


def _without_arrays(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(item, arrays) for item in value]
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    return value.item() if isinstance(value, np.generic) else value


def _with_arrays(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return arrays[value[_ARRAY]]
        return {key: _with_arrays(item, arrays) for key, item in value.items()}
    return [_with_arrays(item, arrays) for item in value] if isinstance(value, list) else value


def _lock_file(file: BinaryIO) -> bool:
    """Lock the file for this process. The system releases the lock when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:
        return _lock_file_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_file_on_windows(file: BinaryIO) -> bool:
    if os.name != "nt":
        return True
    import msvcrt

    file.seek(0)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
