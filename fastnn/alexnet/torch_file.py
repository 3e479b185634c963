"""A reader for PyTorch's files of tensors, without PyTorch: tensors by name, and nothing that could run.

Both containers are read: the zip archive that ``torch.save`` writes since version 1.6, and the stream before it. The
pickles in them are followed by `fastnn.data.pickled.Machine`, which here knows the functions that rebuild a tensor.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.memory import MemoryEstimate, check_memory
from fastnn.data.pickled import Machine, run_pickle
from fastnn.data.pickled_arrays import NotPlainData, PickledFunction
from fastnn.files import names_its_file

__all__ = ["is_archive", "is_stream", "read_torch"]

Array = NDArray[Any]

_STREAM = (0x1950A86A20F9469CFC6C, 1001)  # the two numbers that a stream begins with
_STREAM_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
}
_MOST_NUMBERS, _MOST_AXES = 1 << 40, 32


@dataclass
class _Storage:
    """Numbers that tensors look at; `values` are there when the file has been read."""

    key: str
    kind: str
    size: int
    values: Array = field(default_factory=lambda: np.empty(0))

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(_DTYPES[self.kind])


@dataclass
class _Tensor:
    """A view into a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> Array:
        view = np.lib.stride_tricks.as_strided(
            self.storage.values[self.offset :],
            self.shape,
            [stride * self.storage.dtype.itemsize for stride in self.strides],
            writeable=False,
        )
        if self.storage.kind == "BFloat16Storage":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return np.ascontiguousarray(view).astype(self.storage.dtype.newbyteorder("="), copy=False)


def _rebuilt(storage: object, offset: object, shape: object, strides: object, *_: object) -> _Tensor:
    if not isinstance(storage, _Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise NotPlainData("a tensor without numbers")
    if not (all(map(_is_size, (offset, *shape, *strides))) and len(shape) == len(strides) <= _MOST_AXES):
        raise NotPlainData("a tensor of impossible shape")
    assert isinstance(offset, int)
    count, last = math.prod(shape), offset + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if count and (last >= storage.size or count > storage.size):
        raise NotPlainData(f"a tensor of shape {shape} in {storage.size} numbers")
    return _Tensor(storage, offset, shape, strides)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < _MOST_NUMBERS


def _parameter(data: object, *_: object) -> object:
    return data


_KNOWN: dict[str, Callable[..., Any] | None] = {
    "collections OrderedDict": lambda items=(): dict(items),
    "torch._utils _rebuild_tensor": _rebuilt,
    "torch._utils _rebuild_tensor_v2": _rebuilt,
    "torch._utils _rebuild_parameter": _parameter,
    **{f"torch {kind}": None for kind in _DTYPES},
}


class _TensorMachine(Machine):
    """Follows a pickle of tensors; `storages` are those that it names, by key."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.storages: dict[str, _Storage] = {}

    def function(self, name: str) -> PickledFunction:
        return PickledFunction(name, _KNOWN)

    def _do_binpersid(self, _: Any) -> None:
        told = self._pop()
        if not isinstance(told, tuple) or len(told) < 5 or told[0] != "storage":
            raise NotPlainData("a reference to something other than numbers")
        kind = (told[1].name if isinstance(told[1], PickledFunction) else "").removeprefix("torch ")
        key, size = told[2], told[4]
        if kind not in _DTYPES or type(key) is not str or not _is_size(size):
            raise NotPlainData("a damaged reference to numbers")
        if len(told) > 5 and told[5] is not None:
            raise NotPlainData("a view of a storage")
        known = self.storages.setdefault(key, _Storage(key, kind, size))
        if (known.kind, known.size) != (kind, size):
            raise NotPlainData(f"storage {key!r} twice, with {known.size} and {size} numbers")
        self.stack.append(known)

    def _do_build(self, _: Any) -> None:
        if isinstance(self._below(), dict):  # an OrderedDict's attributes: a state dict notes versions there
            self._pop()
        else:
            super()._do_build(_)

    def _below(self) -> Any:
        return self.stack[-2] if len(self.stack) > 1 else None


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is an archive of torch.save, not another zip archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return False


def is_stream(start: bytes) -> bool:
    """Tell whether a file with these first bytes is a stream of the older kind."""
    return start.startswith(_STREAM_START)


@names_its_file
def read_torch(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read the tensors of a file that ``torch.save`` wrote: a state dict.

    Parameters
    ----------
    path : path-like
        A zip archive or a stream of the older kind, told by its content.

    Returns
    -------
    dict of str to array
        Copies by name, in native byte order; bfloat16 as float32.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    ValueError
        If it holds anything but a dict of tensors, or is damaged. No code in it runs: what is not a tensor is
        refused by name.
    """
    where = f"read_torch: {os.fspath(path)}"
    size = Path(path).stat().st_size
    check_memory(lambda: MemoryEstimate(size, size), where, "close other programs")
    data = Path(path).read_bytes()
    if data.startswith(b"PK\x03\x04"):
        found = _from_archive(data, where)
    elif is_stream(data):
        found = _from_stream(data, where)
    else:
        raise ValueError(f"{where}: not a file of torch.save: it begins with {data[:4].hex(' ') or 'nothing'}")
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]  # a checkpoint of a training script
    if not isinstance(found, dict) or not found:
        raise ValueError(f"{where}: expected a dict of tensors, found {type(found).__name__}")
    wrong = [str(name)[:80] for name, value in found.items() if not isinstance(value, _Tensor)]
    if wrong:
        raise ValueError(f"{where}: expected tensors only, but these are none: {', '.join(wrong)}")
    return {str(name): tensor.array() for name, tensor in found.items()}


def _from_archive(data: bytes, where: str) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise ValueError(f"{where}: a zip archive, but not of torch.save: it has no data.pkl")
            folder = pickles[0].removesuffix("data.pkl")
            if (
                f"{folder}byteorder" in archive.namelist()
                and _member(archive, f"{folder}byteorder", where) != b"little"
            ):
                raise ValueError(f"{where}: numbers in big-endian order")
            machine = _TensorMachine(where)
            found = run_pickle(machine, io.BytesIO(_member(archive, pickles[0], where)))
            for storage in machine.storages.values():
                _fill(storage, _member(archive, f"{folder}data/{storage.key}", where), where)
            return found
    except (zipfile.BadZipFile, NotImplementedError, KeyError, EOFError, RuntimeError) as error:
        raise ValueError(f"{where}: truncated or damaged archive ({error})") from None


def _member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:  # torch.save does not compress, so that no file unfolds to more
        raise ValueError(f"{where}: {name} is compressed, which torch.save never does")
    try:
        return archive.read(info)
    except ValueError as error:  # a directory that leads out of the file
        raise ValueError(f"{where}: truncated or damaged archive ({error})") from None


def _from_stream(data: bytes, where: str) -> Any:
    file = io.BytesIO(data)
    numbers = tuple(run_pickle(Machine(where), file) for _ in _STREAM)
    if numbers != _STREAM:
        raise ValueError(f"{where}: a stream of another version: {numbers[1]!r}, expected {_STREAM[1]}")
    system = run_pickle(Machine(where), file)
    if not isinstance(system, Mapping) or system.get("little_endian") is not True:
        raise ValueError(f"{where}: numbers in big-endian order")
    machine = _TensorMachine(where)
    found = run_pickle(machine, file)
    keys = run_pickle(Machine(where), file)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(machine.storages):
        raise ValueError(f"{where}: damaged: the list of storages is not that of the tensors")
    for key in keys:
        storage = machine.storages[key]
        head = file.read(8)
        if int.from_bytes(head, "little") != storage.size or len(head) != 8:
            raise ValueError(f"{where}: truncated or damaged: storage {key!r} should have {storage.size} numbers")
        _fill(storage, file.read(storage.size * storage.dtype.itemsize), where)
    return found


def _fill(storage: _Storage, raw: bytes, where: str) -> None:
    if len(raw) != storage.size * storage.dtype.itemsize:
        raise ValueError(
            f"{where}: truncated or damaged: storage {storage.key!r} of {storage.size} numbers has {len(raw)} bytes"
        )
    storage.values = np.frombuffer(raw, storage.dtype)
