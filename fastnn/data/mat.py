"""A reader for arrays in MATLAB's level-5 MAT files (versions 5 to 7.2, compressed or not)."""

from __future__ import annotations

import math
import os
import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import check_size, reshaped
from fastnn.data.inflate import inflate, inflate_start, max_decompressed
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import from_named_arrays
from fastnn.data.settling import settled
from fastnn.data.source import FileStart, Format, ReadOptions, Source, named_arrays_memory

_ByteOrder = Literal["<", ">"]

_HEADER = 128
_BEFORE_VALUES = 1024  # bytes that include the class, shape and name of a variable
_MATRIX, _COMPRESSED = 14, 15
_INT8, _UINT8, _INT32, _UINT32, _UTF8 = 1, 2, 5, 6, 16

# The types of the elements of a file, by number, and the classes of MATLAB's arrays, by number.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_CHAR = 4
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_UNSUPPORTED = {1: "a cell array", 2: "a struct", 3: "an object", 5: "a sparse array"}
_NAMELESS = (16, 17)  # functions and opaque objects, whose layout is different
_LOGICAL, _COMPLEX = 0x02, 0x08
_SVHN = re.compile(r"(train|test|extra)_32x32\.mat")


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
        arrays of strings, one for each row. Variables of other classes (cell arrays, structs, objects, sparse arrays)
        are left out.

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
    return _read(path, names)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    path = start.path
    if not _is_mat(start.stored):
        return None
    return Source(
        lambda: settled(
            from_named_arrays(_without_padding(_read(path)), f"load: {path}"),
            options.axes,
            ten_means_zero=_SVHN.fullmatch(path.name) is not None,
        ),
        lambda: named_arrays_memory(_memory(path), copies=1),  # from Fortran order to C order
        has_axes=True,
    )


FORMAT = Format("a .mat file", _open_file, (".mat",), preferred_name="mnist_all.mat")


def _without_padding(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return arrays with their text as it was before MATLAB filled its rows with blanks."""
    return {name: np.char.rstrip(values) if values.dtype.kind == "U" else values for name, values in arrays.items()}


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_mat: {os.fspath(path)}"


def _read(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    where = _where(path)
    data = memoryview(Path(path).read_bytes())
    order = _byte_order(bytes(data[:_HEADER]), where)
    arrays: dict[str, NDArray[Any]] = {}
    refused: dict[str, str] = {}
    for offset, matrix in _matrices(data, order, where):
        variable = _Elements(matrix, order, f"{where}: variable at offset {offset}")
        class_, flags = variable.flags()
        if class_ in _NAMELESS:
            continue
        if class_ not in _CLASSES and class_ != _CHAR and class_ not in _UNSUPPORTED:
            raise ValueError(f"{variable.where}: unknown array class {class_}")
        shape = variable.shape()
        name = variable.name()
        variable.where = f"{where}: variable {name!r}"
        if name in arrays or name in refused:
            raise ValueError(f"{variable.where} occurs twice, again at offset {offset}")
        if not name or (names is not None and name not in names):
            continue  # not asked for, or MATLAB's description of its objects, whose name is empty
        if class_ in _UNSUPPORTED:
            refused[name] = _UNSUPPORTED[class_]
        elif class_ == _CHAR:
            arrays[name] = variable.strings(shape)
        else:
            arrays[name] = variable.numbers(shape, np.dtype(_CLASSES[class_]), flags)
    for name in names or ():
        if name in refused:
            raise ValueError(f"{where}: {name!r} is {refused[name]}; only numeric and character arrays are supported")
        if name not in arrays:
            raise ValueError(f"{where}: no variable {name!r}; there are {', '.join([*arrays, *refused]) or 'none'}")
    return arrays


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
            kind, size = _tag(start, 0, order, where)
            decompressed = compressed = min(size, stored - at)
            if kind == _COMPRESSED:
                start = inflate_start(start[8:], _BEFORE_VALUES, where, zlib.MAX_WBITS)
                decompressed = min(_tag(start, 0, order, where)[1], max_decompressed(compressed))
            variable = _Elements(memoryview(start)[8:], order, where)
            class_, _ = variable.flags()
            at += 8 + size
            if class_ not in _CLASSES:
                continue
            shape, name = variable.shape(), variable.name()
            result = math.prod(shape) * np.dtype(_CLASSES[class_]).itemsize
            temporary = stored + (decompressed if kind == _COMPRESSED else 0)  # the whole file is read at once
            if names is None or name in names:  # a stored byte becomes at most the eight of a double
                estimates[name] = MemoryEstimate(min(result, 8 * decompressed), temporary)
    return estimates


def _is_mat(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a MAT file of level 5 or of version 7.3."""
    return len(start) >= _HEADER and start[126:128] in (b"IM", b"MI")


def _byte_order(header: bytes, where: str) -> _ByteOrder:
    if not _is_mat(header):
        raise ValueError(f"{where}: not a level-5 MAT file: no IM or MI at offset 126")
    order: _ByteOrder = "<" if header[126:128] == b"IM" else ">"
    version = int.from_bytes(header[124:126], "little" if order == "<" else "big")
    if version == 0x0200:
        raise ValueError(f"{where}: a version 7.3 MAT file (HDF5); save it in MATLAB with the option -v7")
    if version != 0x0100:
        raise ValueError(f"{where}: unknown MAT version {version:#06x} at offset 124, expected 0x0100")
    return order


def _matrices(data: memoryview, order: _ByteOrder, where: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the file offset and the content of each variable, decompressed."""
    at = _HEADER
    if at == len(data):
        raise ValueError(f"{where}: truncated or empty: no variables after the header")
    while at < len(data):
        kind, size = _tag(data, at, order, where)
        if size > len(data) - at - 8:
            left = len(data) - at - 8
            raise ValueError(f"{where}: truncated: the variable at offset {at} has {size} bytes, but {left} are left")
        content = data[at + 8 : at + 8 + size]
        here = f"{where}: variable at offset {at}"
        if kind == _COMPRESSED:
            inner_kind, inner_size = _tag(inflate_start(content, 8, here, zlib.MAX_WBITS), 0, order, here)
            if inner_kind != _MATRIX:
                raise ValueError(f"{here}: holds an element of type {inner_kind}, expected {_MATRIX}")
            yield at, memoryview(inflate(content, 8 + inner_size, here, zlib.MAX_WBITS))[8:]
        elif kind == _MATRIX:
            yield at, content
        else:
            raise ValueError(f"{here}: element of type {kind}, expected {_MATRIX} or {_COMPRESSED}")
        at += 8 + size


def _tag(data: bytes | memoryview, at: int, order: _ByteOrder, where: str) -> tuple[int, int]:
    if len(data) - at < 8:
        raise ValueError(f"{where}: truncated: {len(data) - at} bytes at offset {at}, but a tag has 8")
    kind, size = np.frombuffer(data, f"{order}u4", 2, at)
    return int(kind), int(size)


class _Elements:
    """The elements of one variable, read one after another."""

    def __init__(self, data: memoryview, order: _ByteOrder, where: str) -> None:
        self.data = data
        self.order = order
        self.where = where
        self.at = 0

    def next(self, what: str) -> tuple[int, memoryview]:
        """Return the type and the content of the next element, which is padded to a multiple of 8 bytes."""
        where = f"{self.where}: {what}"
        kind, size = _tag(self.data, self.at, self.order, where)
        if kind >> 16:  # the short form: a tag's eight bytes hold the size, the type and up to four bytes of content
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise ValueError(f"{where}: short element of {size} bytes, but at most 4 fit")
            start, end = self.at + 4, self.at + 8
        else:
            start = self.at + 8
            end = start + size + -size % 8
        if end > len(self.data):
            left = len(self.data) - start
            raise ValueError(f"{where}: truncated: declares {size} bytes (padded to eights), but {left} are left")
        self.at = end
        return kind, self.data[start : start + size]

    def flags(self) -> tuple[int, int]:
        kind, content = self.next("array flags")
        if kind != _UINT32 or len(content) != 8:
            raise ValueError(f"{self.where}: bad array flags (type {kind}, {len(content)} bytes)")
        word = int(np.frombuffer(content, f"{self.order}u4")[0])
        return word & 0xFF, word >> 8 & 0xFF

    def shape(self) -> tuple[int, ...]:
        kind, content = self.next("dimensions")
        if kind != _INT32 or len(content) % 4 or not 8 <= len(content) <= 128:
            raise ValueError(f"{self.where}: bad dimensions (type {kind}, {len(content)} bytes)")
        shape = tuple(np.frombuffer(content, f"{self.order}i4").tolist())
        if min(shape) < 0:
            raise ValueError(f"{self.where}: negative dimension in {shape}")
        return shape

    def name(self) -> str:
        kind, content = self.next("name")
        if kind not in (_INT8, _UINT8, _UTF8):
            raise ValueError(f"{self.where}: bad name (type {kind})")
        return bytes(content).decode("latin-1")

    def numbers(self, shape: tuple[int, ...], dtype: np.dtype[Any], flags: int) -> NDArray[Any]:
        values = self._part("values", shape, dtype)
        if flags & _COMPLEX:
            real, values = values, values.astype(np.complex64 if dtype == np.float32 else np.complex128)
            values.real, values.imag = real, self._part("imaginary values", shape, dtype)
        if flags & _LOGICAL:
            values = values != 0
        self._end()
        return reshaped(values, shape, self.where, "F")

    def strings(self, shape: tuple[int, ...]) -> NDArray[Any]:
        kind, content = self.next("characters")
        if kind not in _ENCODINGS:
            raise ValueError(f"{self.where}: characters stored as type {kind}")
        encoding = _ENCODINGS[kind]
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self.order == "<" else "-be"
        try:
            text = bytes(content).decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.where}: characters are not {encoding}: {error.reason}") from None
        if len(text) != math.prod(shape):
            raise ValueError(f"{self.where}: shape {shape} of characters, but {len(text)} are stored")
        self._end()
        letters = reshaped(np.array(list(text), "U1"), shape, self.where, "F")
        if letters.size == 0:
            return np.zeros(shape[:-1], "U1")
        return np.ascontiguousarray(letters).view(f"U{shape[-1]}")[..., 0]

    def _part(self, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Read real or imaginary values, which MATLAB may store as any smaller type that holds them."""
        kind, content = self.next(what)
        if kind not in _STORED:
            raise ValueError(f"{self.where}: {what} stored as type {kind}, which is not numeric")
        stored = np.dtype(_STORED[kind]).newbyteorder(self.order)
        check_size(len(content), shape, stored, f"{self.where}: {what}")
        if not np.can_cast(stored, dtype, "safe") and (stored.kind, dtype.kind) != ("i", "f"):
            raise ValueError(f"{self.where}: {what} of {dtype.name} stored as {stored.name}, which does not fit")
        return np.frombuffer(content, stored).astype(dtype)

    def _end(self) -> None:
        if self.at != len(self.data):
            raise ValueError(f"{self.where}: {len(self.data) - self.at} trailing bytes after the values")
