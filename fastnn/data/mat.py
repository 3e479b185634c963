"""A reader for arrays in MATLAB's level-5 MAT files (versions 5 to 7.2, compressed or not)."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import shaped
from fastnn.data.inflate import inflate, inflate_start, most_unfolded
from fastnn.data.memory import AS_NPY, Need, check_fits, in_turn

__all__ = ["is_mat", "mat_need", "read_mat"]

_Order = Literal["<", ">"]

_HEADER = 128
_BEFORE_VALUES = 1024  # bytes, in which class, shape and name of a variable lie
_MATRIX, _COMPRESSED = 14, 15
_INT8, _UINT8, _INT32, _UINT32, _UTF8 = 1, 2, 5, 6, 16

# What the elements of a file hold, by their type number, and the arrays of MATLAB, by their class number.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_CHAR = 4
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_OTHERS = {1: "a cell array", 2: "a struct", 3: "an object", 5: "a sparse array"}
_NAMELESS = (16, 17)  # functions and opaque objects, which are laid out in another way
_LOGICAL, _COMPLEX = 0x02, 0x08


def read_mat(path: str | os.PathLike[str], names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read the arrays of a MAT file.

    Parameters
    ----------
    path : path-like
        The file.
    names : collection of str, optional
        The variables wanted; by default all.

    Returns
    -------
    dict of ndarray
        Variables by name, with the type they have in MATLAB (however they are stored), in native byte order
        and with MATLAB's shape, so at least two dimensions. Logical arrays become bool; character arrays
        become arrays of strings, one for each row. Variables of other kinds (cells, structs, objects, sparse
        arrays) are left out.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If it needs more memory than is available; before anything is allocated.
    ValueError
        If its content is not a level-5 MAT file that is whole, or if a variable of `names` is missing or of
        another kind. Sizes are checked before anything is allocated for them.

    Notes
    -----
    The format is described in "MAT-File Format", The MathWorks, 2019. Version 7.3 files are another format
    (HDF5).

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
    where = f"read_mat: {os.fspath(path)}"
    check_fits(lambda: in_turn(n for v, n in mat_need(path).items() if names is None or v in names), where, AS_NPY)
    data = memoryview(Path(path).read_bytes())
    order = _byte_order(bytes(data[:_HEADER]), where)
    arrays: dict[str, NDArray[Any]] = {}
    refused: dict[str, str] = {}
    for offset, matrix in _matrices(data, order, where):
        variable = _Elements(matrix, order, f"{where}: variable at offset {offset}")
        class_, flags = variable.flags()
        if class_ in _NAMELESS:
            continue
        if class_ not in _CLASSES and class_ != _CHAR and class_ not in _OTHERS:
            raise ValueError(f"{variable.where}: unknown array class {class_}")
        shape = variable.shape()
        name = variable.name()
        variable.where = f"{where}: variable {name!r}"
        if name in arrays or name in refused:
            raise ValueError(f"{variable.where} occurs twice, again at offset {offset}")
        if not name or (names is not None and name not in names):
            continue  # MATLAB's own notes on its objects have an empty name
        if class_ in _OTHERS:
            refused[name] = _OTHERS[class_]
        elif class_ == _CHAR:
            arrays[name] = variable.strings(shape)
        else:
            arrays[name] = variable.numbers(shape, np.dtype(_CLASSES[class_]), flags)
    for name in names or ():
        if name in refused:
            raise ValueError(f"{where}: {name!r} is {refused[name]}; only numeric and character arrays are read")
        if name not in arrays:
            raise ValueError(f"{where}: no variable {name!r}; there are {', '.join([*arrays, *refused]) or 'none'}")
    return arrays


def mat_need(path: str | os.PathLike[str]) -> dict[str, Need]:
    """What it takes to read each variable, by what stands before its values; `read_mat` reads the whole file at once.

    Raises
    ------
    OSError, ValueError
        As `read_mat`, where this much of the file is damaged.
    """
    where = f"read_mat: {os.fspath(path)}"
    needs: dict[str, Need] = {}
    with Path(path).open("rb") as file:
        order = _byte_order(file.read(_HEADER), where)
        stored, at = os.fstat(file.fileno()).st_size, _HEADER
        while at < stored:
            file.seek(at)
            start = file.read(_BEFORE_VALUES)
            kind, size = _tag(start, 0, order, where)
            unfolded = packed = min(size, stored - at)
            if kind == _COMPRESSED:
                start = inflate_start(start[8:], _BEFORE_VALUES, where, zlib.MAX_WBITS)
                unfolded = min(_tag(start, 0, order, where)[1], most_unfolded(packed))
            variable = _Elements(memoryview(start)[8:], order, where)
            class_, _ = variable.flags()
            at += 8 + size
            if class_ not in _CLASSES:
                continue
            shape, name = variable.shape(), variable.name()
            kept = math.prod(shape) * np.dtype(_CLASSES[class_]).itemsize
            passing = stored + (unfolded if kind == _COMPRESSED else 0)
            needs[name] = Need(min(kept, 8 * unfolded), passing)  # of a byte at most eight are made
    return needs


def is_mat(start: bytes) -> bool:
    """Tell whether a file that begins so is a MAT file of level 5, or of 7.3, which cannot be read."""
    return len(start) >= _HEADER and start[126:128] in (b"IM", b"MI")


def _byte_order(header: bytes, where: str) -> _Order:
    if not is_mat(header):
        raise ValueError(f"{where}: not a level-5 MAT file: no IM or MI at offset 126")
    order: _Order = "<" if header[126:128] == b"IM" else ">"
    version = int.from_bytes(header[124:126], "little" if order == "<" else "big")
    if version == 0x0200:
        raise ValueError(f"{where}: a version 7.3 MAT file (HDF5); save it in MATLAB with the option -v7")
    if version != 0x0100:
        raise ValueError(f"{where}: unknown MAT version {version:#06x} at offset 124, expected 0x0100")
    return order


def _matrices(data: memoryview, order: _Order, where: str) -> Iterator[tuple[int, memoryview]]:
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


def _tag(data: bytes | memoryview, at: int, order: _Order, where: str) -> tuple[int, int]:
    if len(data) - at < 8:
        raise ValueError(f"{where}: truncated: {len(data) - at} bytes at offset {at}, where a tag needs 8")
    kind, size = np.frombuffer(data, f"{order}u4", 2, at)
    return int(kind), int(size)


class _Elements:
    """The elements of one variable, read one after the other."""

    def __init__(self, data: memoryview, order: _Order, where: str) -> None:
        self.data = data
        self.order = order
        self.where = where
        self.at = 0

    def next(self, what: str) -> tuple[int, memoryview]:
        """Return type and content of the next element, which ends on a multiple of 8 bytes."""
        where = f"{self.where}: {what}"
        kind, size = _tag(self.data, self.at, self.order, where)
        if kind >> 16:  # the short form: size, type and up to four bytes in the place of a tag
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise ValueError(f"{where}: short element of {size} bytes, at most 4 fit")
            start, end = self.at + 4, self.at + 8
        else:
            start = self.at + 8
            end = start + size + -size % 8
        if end > len(self.data):
            left = len(self.data) - start
            raise ValueError(f"{where}: truncated: {size} bytes (padded to eights) announced, but {left} are left")
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
        return shaped(values, shape, self.where, "F")

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
        letters = shaped(np.array(list(text), "U1"), shape, self.where, "F")
        if letters.size == 0:
            return np.zeros(shape[:-1], "U1")
        return np.ascontiguousarray(letters).view(f"U{shape[-1]}")[..., 0]

    def _part(self, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Read real or imaginary values: MATLAB stores them as any smaller type that holds them."""
        kind, content = self.next(what)
        if kind not in _STORED:
            raise ValueError(f"{self.where}: {what} stored as type {kind}, which is not numeric")
        stored = np.dtype(_STORED[kind]).newbyteorder(self.order)
        if len(content) != math.prod(shape) * stored.itemsize:
            raise ValueError(
                f"{self.where}: {what}: shape {shape} of {stored.name} needs "
                f"{math.prod(shape) * stored.itemsize} bytes, but {len(content)} are stored"
            )
        if not np.can_cast(stored, dtype, "safe") and (stored.kind, dtype.kind) != ("i", "f"):
            raise ValueError(f"{self.where}: {what} of {dtype.name} stored as {stored.name}, which does not fit")
        return np.frombuffer(content, stored).astype(dtype)

    def _end(self) -> None:
        if self.at != len(self.data):
            raise ValueError(f"{self.where}: {len(self.data) - self.at} trailing bytes after the values")
