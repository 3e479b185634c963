"""The output folder of a study: one run at a time, files whole or not at all, finished parts kept."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fastnn.files import write_whole

_ARRAY = "__array__"
_JSON = "__found__"


class Folder:
    """An output folder, held by this process until `close`.

    Parameters
    ----------
    path : Path
        Made if missing.

    Raises
    ------
    ValueError
        If another run holds it, or it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / ".lock").open("ab")
        except OSError as error:
            raise ValueError(f"study: cannot write in {path} ({error.strerror})") from None
        if not _hold(self._lock):
            self._lock.close()
            raise ValueError(f"study: {path} is in use by another run; wait for it, or choose another folder")

    def write(self, name: str, payload: bytes | str) -> Path:
        """Write a file of the folder, and the folders above it.

        Raises
        ------
        OSError
            If it cannot be written; what was there is then as it was.
        """
        target = self.path / name
        try:
            target.parent.mkdir(exist_ok=True)
            write_whole(target, payload)
        except OSError as error:
            raise OSError(
                error.errno,
                f"study: cannot write {target} ({error.strerror}); finished parts are kept, --resume continues",
            ) from None
        return target

    def read_json(self, name: str) -> dict[str, Any] | None:
        """The content of a JSON file; None where there is none that can be read."""
        try:
            content = json.loads((self.path / name).read_text())
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def keep(self, key: str, found: Mapping[str, Any]) -> None:
        """Keep what a part found."""
        arrays: dict[str, Any] = {}
        text = json.dumps(_without_arrays(found, arrays))
        payload = io.BytesIO()
        arrays[_JSON] = np.frombuffer(text.encode(), np.uint8)
        np.savez_compressed(payload, **arrays)
        self.write(f"cache/{key}.npz", payload.getvalue())

    def kept(self, key: str) -> dict[str, Any] | None:
        """What was kept under that key; None where there is nothing, or it is damaged."""
        try:
            with np.load(self.path / "cache" / f"{key}.npz", allow_pickle=False) as stored:
                content = json.loads(stored[_JSON].tobytes())
                found: dict[str, Any] = _with_arrays(content, stored)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return found

    def drop(self, start: str) -> None:
        """Forget what was kept under names that begin so."""
        for file in (self.path / "cache").glob(f"{start}*.npz"):
            file.unlink()

    def close(self) -> None:
        """Let go of the folder."""
        self._lock.close()


@contextmanager
def held(path: Path) -> Iterator[Folder]:
    """The folder at `path`, held inside the block."""
    folder = Folder(path)
    try:
        yield folder
    finally:
        folder.close()


def plain(value: Any, largest: int = 2_000) -> Any:
    """`value` as JSON can hold it; an array of more than `largest` elements as its shape, type and range."""
    if isinstance(value, Mapping):
        return {str(key): plain(item, largest) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, largest) for item in value]
    if isinstance(value, np.ndarray):
        if value.size > largest:
            return {"shape": list(value.shape), "dtype": value.dtype.name, "min": plain(value.min()),
                    "max": plain(value.max())}  # fmt: skip
        return plain(value.tolist(), largest)
    if isinstance(value, np.generic):
        return plain(value.item(), largest)
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


def _hold(file: BinaryIO) -> bool:
    """Lock the file for this process; the system lets go when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:
        return _hold_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold_windows(file: BinaryIO) -> bool:
    if os.name != "nt":
        return True
    import msvcrt

    file.seek(0)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
