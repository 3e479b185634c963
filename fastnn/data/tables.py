"""A reader for tables of numbers as text, one sample a row, with a column of labels."""

from __future__ import annotations

import csv
import os
import re
import warnings
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.inflate import content_size, gunzip, inflate_start, is_gzip
from fastnn.data.memory import AS_NPY, Need, check_fits

__all__ = ["Table", "csv_need", "is_table", "read_csv"]

_LABEL_NAMES = ("label", "labels", "class", "target", "y", "category", "digit", "letter", "species")
_DELIMITERS = ",;\t"
_ROWS = 4096  # converted at a time, or fewer, so that of values,
_CELLS = 1 << 18  # each a str of its own before, there are not more than so many
_OBJECT_BYTES = 64  # of a short str and what points to it
_LOOKED_AT = 1 << 16  # bytes, to tell how large a table is
_MAX_COLUMNS = 1 << 20
_NUMBER = re.compile(r" *[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? *")
_NO_BYTES = re.compile(rb"\d\.|\.\d|-\d|\d[eE]|\d{4}")  # what no whole number in 0 ... 255 looks like


class Table(NamedTuple):
    """A table of samples.

    Parameters
    ----------
    values : ndarray, (N, D), uint8 or float64
        uint8 where every value is a whole number in 0 ... 255.
    labels : ndarray, (N,), int64, or None
        Indices into `class_names`; None where the table has no such column.
    class_names : tuple of str
        As written in the file: whole numbers in their order, otherwise alphabetically.
    """

    values: NDArray[Any]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]


def read_csv(path: str | os.PathLike[str], *, label: str | int | None = None) -> Table:
    r"""Read a table of numbers with a column of labels, gzipped or not.

    Parameters
    ----------
    path : path-like
        A text file (UTF-8) with a sample a line and values separated by commas, semicolons or tabs, with or
        without a line of names before it.
    label : str or int, optional
        The column of the labels, by its name or its number from 0 (negative: from the end). Unless given: the
        column called label, class, target, y, category, digit, letter or species; without such a name the only
        column that is not of numbers; without names the first column, as in the tables of MNIST. A table with
        names of which none says so has no labels.

    Returns
    -------
    Table
        values, labels, class_names.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If it needs more memory than is available; before anything is read.
    ValueError
        If a row has another number of values than the first, a value is no finite number, a label is missing,
        or there is no such column; the message names the line.
    TypeError
        If `label` is neither str nor int.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     size = path.write_text("width,height,class\n1,2,bee\n3,4,ant\n")
    ...     read_csv(path)
    Table(values=array([[1, 2],
           [3, 4]], dtype=uint8), labels=array([1, 0]), class_names=('ant', 'bee'))
    """
    where = f"read_csv: {os.fspath(path)}"
    if label is not None and (isinstance(label, bool) or not isinstance(label, str | int)):
        raise TypeError(f"read_csv: label must be a column's name or number, but is {label!r}")
    check_fits(lambda: csv_need(path), where, AS_NPY)
    rows = _Rows(_text(Path(path), where), where)
    head = rows.peek(2)
    if not head:
        raise ValueError(f"{where}: no rows")
    names = [name.strip() for name in head[0]] if _are_names(head[0]) else None
    if names is not None:
        rows.skip()
        head = head[1:]
        if not head:
            raise ValueError(f"{where}: a line of names, but no rows")
    column = _label_column(names, head[0], label, where)
    return _read(rows, len(head[0]), column, where)


def csv_need(path: str | os.PathLike[str]) -> Need:
    """What `read_csv` takes, about: by the size of the file and how its first lines look; raises as it does."""
    stored, size = content_size(path)
    with Path(path).open("rb") as file:
        start = file.read(_LOOKED_AT)
    if is_gzip(start):
        start = inflate_start(start, _LOOKED_AT, f"read_csv: {os.fspath(path)}", zlib.MAX_WBITS | 16)
    lines = start.split(b"\n")[1:-1] or [start]  # neither names nor a part of a line
    seen = b"\n".join(lines)
    times = size / (len(seen) + 1)
    rows = int(times * len(lines))
    values = rows + int(times * max(seen.count(delimiter.encode()) for delimiter in _DELIMITERS))
    kept = values * (8 if _NO_BYTES.search(seen) else 1) + 8 * rows
    text = size + _OBJECT_BYTES * rows  # line by line
    reading = size + max(text, stored)  # the whole content, and the lines or what it was unpacked from
    converting = text + 2 * kept + _OBJECT_BYTES * (rows + _CELLS)  # lines, numbers in blocks and as one array, labels
    return Need(kept, max(reading, converting) - kept)


def is_table(start: bytes) -> bool:
    """Tell whether a file that begins so may be a table: text whose first line has a delimiter."""
    line = start.split(b"\n", 1)[0]
    printable = all(32 <= byte < 127 or byte in b"\t\r" or byte >= 128 for byte in line)
    return printable and any(delimiter.encode() in line for delimiter in _DELIMITERS)


class _Rows:
    """The rows of a text with the numbers of their lines."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        lines = text.splitlines()
        first = lines[0] if lines else ""
        self.reader = csv.reader(lines, delimiter=max(_DELIMITERS, key=first.count))
        self.waiting: list[list[str]] = []

    def peek(self, count: int) -> list[list[str]]:
        self.waiting = list(islice(self, count))
        return list(self.waiting)

    def skip(self) -> None:
        self.waiting.pop(0)

    def __iter__(self) -> Iterator[list[str]]:
        while self.waiting:
            yield self.waiting.pop(0)
        try:
            for row in self.reader:
                if row:
                    yield row
        except csv.Error as error:
            raise ValueError(f"{self.where}: line {self.line}: {error}") from None

    @property
    def line(self) -> int:
        return self.reader.line_num


def _text(path: Path, where: str) -> str:
    data = path.read_bytes()
    if is_gzip(data):
        data = gunzip(data, where)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}: not UTF-8 text: byte {data[error.start]:#04x} at offset {error.start}") from None


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None


def _are_names(row: list[str]) -> bool:
    """Tell whether the first row names the columns: it has no numbers, or a word that only names a column."""
    return not any(map(_is_number, row)) or any(value.strip().lower() in _LABEL_NAMES[:5] for value in row)


def _label_column(names: list[str] | None, row: list[str], label: str | int | None, where: str) -> int | None:
    width = len(row)
    if isinstance(label, str):
        if names is None or label not in names:
            there = "no names" if names is None else ", ".join(names[:20]) + (", ..." if width > 20 else "")
            raise ValueError(f"{where}: no column {label!r}; there are {there}")
        return names.index(label)
    if label is not None:
        if not -width <= label < width:
            raise ValueError(f"{where}: no column {label}; there are {width}")
        return label % width
    if names is not None:
        called = [i for i, name in enumerate(names) if name.lower() in _LABEL_NAMES]
        if len(called) == 1:
            return called[0]
        if called:
            raise ValueError(f"{where}: columns {', '.join(names[i] for i in called)} may all be labels; give label=")
    words = [i for i, value in enumerate(row) if not _is_number(value)]
    if len(words) == 1:
        return words[0]
    return None if names is not None else 0


def _read(rows: _Rows, width: int, column: int | None, where: str) -> Table:
    if width < (1 if column is None else 2) or width > _MAX_COLUMNS:
        raise ValueError(f"{where}: rows of {width} values, but 1 to {_MAX_COLUMNS} beside the label are read")
    blocks: list[NDArray[Any]] = []
    labels: list[str] = []
    source = iter(rows)
    while True:
        block = []
        for row in islice(source, max(1, min(_ROWS, _CELLS // width))):
            if len(row) != width:
                raise ValueError(f"{where}: line {rows.line}: {len(row)} values, but the first row has {width}")
            if column is not None:
                labels.append(row.pop(column).strip())
            block.append(row)
        if not block:
            break
        blocks.append(_numbers(block, rows.line, where))
    if any(block.dtype != np.uint8 for block in blocks):
        blocks = [block.astype(np.float64, copy=False) for block in blocks]
    values = np.concatenate(blocks)
    if column is None:
        return Table(values, None, ())
    if "" in labels:
        raise ValueError(f"{where}: sample {labels.index('')} has no label")
    return Table(values, *_classes(labels))


def _numbers(block: list[list[str]], last_line: int, where: str) -> NDArray[Any]:
    """Convert rows of text to uint8 where that is exact, else to float64."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = np.array(block, np.float64)
    except (ValueError, DeprecationWarning, RuntimeWarning):
        values = np.empty(0)
    if values.size == 0 or not np.isfinite(values).all():
        for i, row in enumerate(block):
            for value in row:
                if not _is_number(value) or not np.isfinite(float(value)):
                    line = last_line - len(block) + 1 + i
                    raise ValueError(f"{where}: about line {line}: {value[:40]!r} is not a finite number")
        raise ValueError(f"{where}: before line {last_line}: a value is not a finite number")
    small = values.astype(np.uint8) if values.min() >= 0 and values.max() <= 255 else None
    return small if small is not None and (small == values).all() else values


def _classes(labels: list[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Number the classes: by value where all are whole numbers, so that 10 follows 9, else alphabetically."""
    whole = all(re.fullmatch(r"\d{1,9}(\.0*)?", name) for name in set(labels))
    if whole:
        labels = [name.split(".")[0].lstrip("0") or "0" for name in labels]
    names = sorted(set(labels), key=int if whole else None)
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[name] for name in labels], np.int64), tuple(names)
