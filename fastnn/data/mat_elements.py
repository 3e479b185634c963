"""The elements that a variable of a level-5 MAT file consists of."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.data.binary import check_size, reshaped, text_array

ByteOrder = Literal["<", ">"]
MATRIX = 14
"""The type of an element that is an array."""

_INT8, _UINT8, _INT32, _UINT32, _UTF8 = 1, 2, 5, 6, 16
# The types of the elements of a file, by number, and the classes of MATLAB's arrays, by number.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""The dtypes of the classes that hold numbers."""
CELL, STRUCT, CHAR = 1, 2, 4
UNSUPPORTED = {CELL: "a cell array", STRUCT: "a struct", 3: "an object", 5: "a sparse array"}
"""What the classes are called that are not arrays of numbers or characters; some of their variables are read."""

_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_LOGICAL, _COMPLEX = 0x02, 0x08
_DEEPEST = 8  # structs and cell arrays inside one another

Found = dict[str, NDArray[Any]]
"""The arrays of a variable by their path in it: "" for the variable itself, "train.images" for a field of a field."""


def tag(data: bytes | memoryview, at: int, order: ByteOrder, where: str) -> tuple[int, int]:
    if len(data) - at < 8:
        raise ValueError(f"{where}: truncated: {len(data) - at} bytes at offset {at}, but a tag has 8")
    kind, size = np.frombuffer(data, f"{order}u4", 2, at)
    return int(kind), int(size)


class Elements:
    """The elements of one variable, read one after another."""

    def __init__(self, data: memoryview, order: ByteOrder, where: str) -> None:
        self.data = data
        self.order = order
        self.where = where
        self.at = 0

    def next(self, what: str) -> tuple[int, memoryview]:
        """Return the type and the content of the next element, which is padded to a multiple of 8 bytes."""
        where = f"{self.where}: {what}"
        kind, size = tag(self.data, self.at, self.order, where)
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

    def contents(self, class_: int, shape: tuple[int, ...], flags: int, depth: int = 0) -> tuple[Found, dict[str, str]]:
        """Read what follows the name of a variable, or of an array inside one.

        Returns
        -------
        found : dict of str to ndarray
            Numbers and text; a cell array of text is an array of strings.
        refused : dict of str to str
            What the parts are that are not read, by their path.

        Raises
        ------
        ValueError
            If the elements are damaged.
        """
        if class_ == CHAR:
            return {"": self.strings(shape)}, {}
        if class_ in CLASSES:
            return {"": self.numbers(shape, np.dtype(CLASSES[class_]), flags)}, {}
        if class_ == CELL:
            texts = self._texts(shape, depth)
            return ({"": texts}, {}) if texts is not None else ({}, {"": UNSUPPORTED[CELL]})
        if class_ != STRUCT or math.prod(shape) != 1:
            return {}, {"": UNSUPPORTED.get(class_, "an object")}
        found: Found = {}
        refused: dict[str, str] = {}
        for field in self._fields():
            inner, not_read = self._inner(f"field {field!r}", depth)
            found |= {".".join(filter(None, (field, path))): values for path, values in inner.items()}
            refused |= {".".join(filter(None, (field, path))): kind for path, kind in not_read.items()}
        return found, refused

    def _inner(self, what: str, depth: int) -> tuple[Found, dict[str, str]]:
        """Read an array inside this one."""
        kind, content = self.next(what)
        where = f"{self.where}: {what}"
        if kind != MATRIX:
            raise ValueError(f"{where}: element of type {kind}, expected {MATRIX}")
        if depth == _DEEPEST:
            raise ValueError(f"{where}: more than {_DEEPEST} structs or cell arrays inside one another")
        if not content:
            return {"": np.zeros((0, 0))}, {}
        inner = Elements(content, self.order, where)
        class_, flags = inner.flags()
        if class_ not in CLASSES and class_ not in (CHAR, CELL, STRUCT):
            return {}, {"": UNSUPPORTED.get(class_, "an object")}
        shape = inner.shape()
        inner.name()
        return inner.contents(class_, shape, flags, depth + 1)

    def _fields(self) -> list[str]:
        kind, content = self.next("length of field names")
        length = int(np.frombuffer(content, f"{self.order}i4")[0]) if kind == _INT32 and len(content) == 4 else 0
        kind, content = self.next("field names")
        if kind != _INT8 or length <= 0 or len(content) % length:
            raise ValueError(f"{self.where}: bad field names (type {kind}, {len(content)} bytes)")
        texts = [bytes(content[at : at + length]).split(b"\0")[0] for at in range(0, len(content), length)]
        return [text.decode("latin-1") for text in texts]

    def _texts(self, shape: tuple[int, ...], depth: int) -> NDArray[Any] | None:
        """Return the strings of a cell array, None if it holds anything else."""
        texts = []
        for k in range(math.prod(shape)):
            found, _ = self._inner(f"cell {k}", depth)
            text = found.get("")
            if text is None or text.size > 1 or (text.size and text.dtype.kind != "U"):
                return None
            texts.append(str(text.reshape(-1)[0]) if text.size else "")
        return reshaped(text_array(texts, self.where), shape, self.where, "F")

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
            if math.prod(shape[:-1]) > len(self.data):  # each would take memory, and none has a byte
                raise ValueError(f"{self.where}: shape {shape} of characters: more empty texts than bytes")
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
