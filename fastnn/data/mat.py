"""A reader for arrays in MATLAB's level-5 MAT files (versions 5 to 7.2, compressed or not)."""

from __future__ import annotations

import math
import os
import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.inflate import inflate, inflate_start, max_decompressed
from fastnn.data.mat_elements import CHAR, CLASSES, MATRIX, STRUCT, UNSUPPORTED, ByteOrder, Elements, tag
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import RawArray, RawDataset, from_named_arrays
from fastnn.data.settling import settled
from fastnn.data.source import FileStart, Format, ReadOptions, Source, named_arrays_memory
from fastnn.decisions.array_axes import EMNIST, EMNIST_AXES
from fastnn.decisions.pictures import left_out
from fastnn.files import names_its_file

_HEADER = 128
_BEFORE_VALUES = 1024  # bytes that include the class, shape and name of a variable
_COMPRESSED = 15
_NAMELESS = (16, 17)  # functions and opaque objects, whose layout is different
_EMNIST = re.compile(r"emnist", re.IGNORECASE)
_SVHN = re.compile(r"(train|test|extra)_32x32\.mat")


@names_its_file
def read_mat(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of a MAT file.

    Parameters
    ----------
    path : path-like
    names : collection of str, optional
        The variables to read. By default all are read.

    Returns
    -------
    dict of ndarray
        The variables by name, in native byte order. An array has the dtype of its class in MATLAB, however it is
        stored, and MATLAB's shape, so at least two dimensions. Logical arrays become bool. Character arrays become
        arrays of strings, one for each row, and cell arrays of text arrays of strings. The fields of a struct are found
        as "struct.field". All else (structs of several elements, other cell arrays, objects, sparse arrays) is left
        out.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the arrays need more memory than is available; raised before anything is allocated.
    ValueError
        If the content is not exactly one level-5 MAT file, or a variable of `names` is missing or has an unsupported
        class. Sizes are checked before anything is allocated for them.

    Notes
    -----
    The format is described in "MAT-File Format", The MathWorks, 2019. Files of version 7.3 have a different format
    (HDF5) and are not supported.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, scipy.io
    >>> from fastnn.data import read_mat
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.mat"
    ...     scipy.io.savemat(path, {"a": np.eye(2, dtype=np.int16)})
    ...     read_mat(path)
    {'a': array([[1, 0],
           [0, 1]], dtype=int16)}
    """
    check_memory(lambda: MemoryEstimate.total(_memory(path, names).values()), _where(path), SAVE_AS_NPY)
    return _read(path, names)[0]


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    path = start.path
    if not _is_mat(start.stored):
        return None
    return Source(
        lambda: _dataset(path, options.axes),
        lambda: named_arrays_memory(_memory(path), copies=1),  # from Fortran order to C order
        has_axes=True,
    )


class _MatFormat(Format):
    """MAT files, of which a folder may hold one, or one to train on and one to test on."""

    def only_file(self, files: list[Path]) -> Path | None:
        return None if self.pair(files) else super().only_file(files)

    def pair(self, files: list[Path]) -> tuple[Path, Path] | None:
        """Return the file to train on and the one to test on, None if a folder with these files has no such two."""
        found = [file for file in files if self.has_suffix(file)]
        train, test = ([file for file in found if file.name.lower().startswith(split)] for split in ("train", "test"))
        is_set = len(train) == len(test) == 1 and all(file.name != self.preferred_name for file in found)
        return (train[0], test[0]) if is_set else None


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    pair = FORMAT.pair(files)
    if pair is None:
        return None
    others = [file.name for file in files if FORMAT.has_suffix(file) and file not in pair]
    return Source(
        lambda: _joined(*pair, others, options.axes),
        lambda: MemoryEstimate.total(each for file in pair for each in _memory(file).values()).with_copies(1),
        has_axes=True,
    )


FORMAT = _MatFormat(
    "a .mat file, or one to train on and one to test on", _open_file, (".mat",), "mnist_all.mat", _open_folder
)


def _joined(train: Path, test: Path, others: list[str], axes: str | None) -> RawDataset:
    """Read a data set of two files, each with images and labels, as those of SVHN."""
    raw, held_out = (_named(path) for path in (train, test))
    decisions = [*raw.decisions, *held_out.decisions]
    if others:
        decisions.append(left_out(others, f"{train.name} and {test.name} are the splits"))
    joined = RawDataset(*raw[:2], *held_out[:2], decisions=tuple(decisions))
    return settled(joined, axes, ten_means_zero=all(_SVHN.fullmatch(path.name) for path in (train, test)))


def _named(path: Path) -> RawDataset:
    """Find images and labels by the names of variables and of the fields of structs."""
    arrays, refused = _read(path)
    # MATLAB fills the rows of a character array with blanks
    arrays = {name: np.char.rstrip(values) if values.dtype.kind == "U" else values for name, values in arrays.items()}
    fields = {name.split(".", 1)[-1]: values for name, values in arrays.items()}
    if len(fields) == len(arrays):  # without the name of the struct that holds everything: train.images
        arrays = fields
    return from_named_arrays(arrays, f"load: {path}", refused)


def _dataset(path: Path, axes: str | None) -> RawDataset:
    raw = _named(path)
    if axes is None and _EMNIST.match(path.name) and raw.train_images.values.ndim == 2:
        raw = RawDataset(_as_squares(raw.train_images), raw.train_labels, *raw[2:])
        if raw.test_images is not None:
            raw = raw._replace(test_images=_as_squares(raw.test_images))
        return settled(raw._replace(decisions=(*raw.decisions, EMNIST)), EMNIST_AXES)
    return settled(raw, axes, ten_means_zero=_SVHN.fullmatch(path.name) is not None)


def _as_squares(images: RawArray) -> RawArray:
    """Return rows of values as square images."""
    side = math.isqrt(images.values.shape[1])
    if side * side != images.values.shape[1]:
        raise ValueError(f"{images.where}: expected rows of square images, got shape {images.values.shape}")
    return images._replace(values=images.values.reshape(-1, side, side))


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_mat: {os.fspath(path)}"


def _read(
    path: str | os.PathLike[str], names: Collection[str] | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays of a file, and what the variables and fields are that are not read."""
    where = _where(path)
    data = memoryview(Path(path).read_bytes())
    order = _byte_order(bytes(data[:_HEADER]), where)
    arrays: dict[str, NDArray[Any]] = {}
    refused: dict[str, str] = {}
    seen: set[str] = set()
    for offset, matrix in _matrices(data, order, where):
        variable = Elements(matrix, order, f"{where}: variable at offset {offset}")
        class_, flags = variable.flags()
        if class_ in _NAMELESS:
            continue
        if class_ not in CLASSES and class_ != CHAR and class_ not in UNSUPPORTED:
            raise ValueError(f"{variable.where}: unknown array class {class_}")
        shape = variable.shape()
        name = variable.name()
        variable.where = f"{where}: variable {name!r}"
        if name in seen:
            raise ValueError(f"{variable.where} occurs twice, again at offset {offset}")
        seen.add(name)
        if not name or (names is not None and name not in {wanted.split(".")[0] for wanted in names}):
            continue  # not asked for, or MATLAB's description of its objects, whose name is empty
        found, not_read = variable.contents(class_, shape, flags)
        arrays |= {".".join(filter(None, (name, path))): values for path, values in found.items()}
        refused |= {".".join(filter(None, (name, path))): kind for path, kind in not_read.items()}
    if names is not None:
        arrays = {name: arrays[name] for name in arrays if name in names or name.split(".")[0] in names}
    for name in names or ():
        if name in refused:
            raise ValueError(f"{where}: {name!r} is {refused[name]}; only arrays of numbers and text are read")
        if not any(each.split(".")[: len(name.split("."))] == name.split(".") for each in arrays):
            raise ValueError(f"{where}: no variable {name!r}; there are {', '.join([*arrays, *refused]) or 'none'}")
    return arrays, refused


def _memory(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, MemoryEstimate]:
    """Estimate the memory for reading each variable, from what stands before its values.

    Raises the errors of `read_mat` if this part of the file is damaged.
    """
    where = _where(path)
    estimates: dict[str, MemoryEstimate] = {}
    with Path(path).open("rb") as file:
        order = _byte_order(file.read(_HEADER), where)
        stored, at = os.fstat(file.fileno()).st_size, _HEADER
        while at < stored:
            file.seek(at)
            start = file.read(_BEFORE_VALUES)
            kind, size = tag(start, 0, order, where)
            decompressed = compressed = min(size, stored - at)
            if kind == _COMPRESSED:
                start = inflate_start(start[8:], _BEFORE_VALUES, where, zlib.MAX_WBITS)
                decompressed = min(tag(start, 0, order, where)[1], max_decompressed(compressed))
            variable = Elements(memoryview(start)[8:], order, where)
            class_, _ = variable.flags()
            at += 8 + size
            if class_ not in CLASSES and class_ != STRUCT:
                continue
            shape, name = variable.shape(), variable.name()
            result = math.prod(shape) * np.dtype(CLASSES[class_]).itemsize if class_ in CLASSES else decompressed
            temporary = stored + (decompressed if kind == _COMPRESSED else 0)  # the whole file is read at once
            if names is None or name in names:  # a stored byte becomes at most the eight of a double
                estimates[name] = MemoryEstimate(min(result, 8 * decompressed), temporary)
    return estimates


def _is_mat(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a MAT file of level 5 or of version 7.3."""
    return len(start) >= _HEADER and start[126:128] in (b"IM", b"MI")


def _byte_order(header: bytes, where: str) -> ByteOrder:
    if not _is_mat(header):
        raise ValueError(f"{where}: not a level-5 MAT file: no IM or MI at offset 126")
    order: ByteOrder = "<" if header[126:128] == b"IM" else ">"
    version = int.from_bytes(header[124:126], "little" if order == "<" else "big")
    if version == 0x0200:
        raise ValueError(f"{where}: a version 7.3 MAT file (HDF5); save it in MATLAB with the option -v7")
    if version != 0x0100:
        raise ValueError(f"{where}: unknown MAT version {version:#06x} at offset 124, expected 0x0100")
    return order


def _matrices(data: memoryview, order: ByteOrder, where: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the file offset and the content of each variable, decompressed."""
    at = _HEADER
    if at == len(data):
        raise ValueError(f"{where}: truncated or empty: no variables after the header")
    while at < len(data):
        kind, size = tag(data, at, order, where)
        if size > len(data) - at - 8:
            left = len(data) - at - 8
            raise ValueError(f"{where}: truncated: the variable at offset {at} has {size} bytes, but {left} are left")
        content = data[at + 8 : at + 8 + size]
        here = f"{where}: variable at offset {at}"
        if kind == _COMPRESSED:
            inner_kind, inner_size = tag(inflate_start(content, 8, here, zlib.MAX_WBITS), 0, order, here)
            if inner_kind != MATRIX:
                raise ValueError(f"{here}: holds an element of type {inner_kind}, expected {MATRIX}")
            yield at, memoryview(inflate(content, 8 + inner_size, here, zlib.MAX_WBITS))[8:]
        elif kind == MATRIX:
            yield at, content
        else:
            raise ValueError(f"{here}: element of type {kind}, expected {MATRIX} or {_COMPRESSED}")
        at += 8 + size
