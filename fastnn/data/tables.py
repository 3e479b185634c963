"""A reader for text tables (CSV) of numbers, one sample per row, with a column of labels."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.inflate import GZIP_WBITS, file_sizes, gunzip, inflate_start, is_gzip
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source, only_file

_LABEL_NAMES = ("label", "labels", "class", "target", "y", "category", "digit", "letter", "species")
_DELIMITERS = ",;\t"
_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_MAX_BLOCK_ROWS = 4096  # rows that are converted at once
_MAX_BLOCK_VALUES = 1 << 18  # values that are converted at once; until then each of them is a str
_OBJECT_BYTES = 64  # a short str and the reference to it
_SAMPLED = 1 << 16  # bytes from which the size of a table is estimated
_MAX_COLUMNS = 1 << 20
_NUMBER = re.compile(r" *[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)? *")
_NOT_UINT8 = re.compile(rb"\d\.|\.\d|-\d|\d[eE]|\d{4}")  # text that a whole number in 0 ... 255 does not contain


class Table(NamedTuple):
    """A table of samples.

    Parameters
    ----------
    values : ndarray, shape (N, D), uint8 or float64
        uint8 if every value is a whole number in 0 ... 255.
    labels : ndarray, shape (N,), int64, or None
        Indices into `class_names`; None if the table has no column of labels.
    class_names : tuple of str
        As they are written in the file; ordered by value if they are whole numbers, otherwise alphabetically.
    """

    values: NDArray[Any]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]


def read_csv(path: str | os.PathLike[str], *, label: str | int | None = None) -> Table:
    r"""Read a table of numbers with a column of labels, gzipped or not.

    Parameters
    ----------
    path : path-like
        A text file (UTF-8, gzipped or not) with one sample per line and values separated by commas, semicolons or tabs.
        The first line may hold the names of the columns.
    label : str or int, optional
        The column of the labels, by its name or its index; a negative index counts from the end. By default it is

        - the column named label, labels, class, target, y, category, digit, letter or species;
        - if no column has such a name, the only column whose values are not numbers;
        - otherwise, if the columns have no names, the first one, as in the tables of MNIST.

        A table with names that fits none of these has no labels.

    Returns
    -------
    Table
        values, labels, class_names.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the table needs more memory than is available; raised before anything is read.
    ValueError
        If a row has more or fewer values than the first, a value is not a finite number, a label is missing, several
        columns may be the labels, or there is no such column. The message names the line.
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
    check_memory(lambda: _memory(path), _where(path), SAVE_AS_NPY)
    return _read(path, label)


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    return _source({"train": start.path}, options) if _is_table(start.content) else None


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    tables = [file for file in files if file.name.lower().endswith(_SUFFIXES)]
    if not tables:
        return None
    named = {split: [file for file in tables if split in file.name.lower()] for split in ("train", "test")}
    if len(tables) > 1 and len(named["train"]) == len(named["test"]) == 1:
        return _source({split: found[0] for split, found in named.items()}, options)
    return _source({"train": only_file(tables, _SUFFIXES[0])}, options)


FORMAT = Format(
    "a .csv file, or a folder with one to train on and one to test on", _open_file, open_folder=_open_folder
)


def _source(files: dict[str, Path], options: ReadOptions) -> Source:
    def read() -> RawDataset:
        tables = {split: _read(file, options.label) for split, file in files.items()}
        where = {split: f"load: {file}" for split, file in files.items()}
        train = tables["train"]
        if train.labels is None:
            raise ValueError(f"{where['train']}: no column of labels (called label, class, target or so); give label=")
        labelled = (train.values, train.labels, train.class_names)
        return RawDataset.from_splits(labelled, where["train"], tables.get("test"), where.get("test", ""))

    return Source(
        read,
        lambda: MemoryEstimate.total(map(_memory, files.values())).with_copies("test" not in files),
    )


def _where(path: str | os.PathLike[str]) -> str:
    return f"read_csv: {os.fspath(path)}"


def _memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Estimate the memory for reading a table, from the size of the file and its first lines."""
    stored, size = file_sizes(path)
    with Path(path).open("rb") as file:
        start = file.read(_SAMPLED)
    if is_gzip(start):
        start = inflate_start(start, _SAMPLED, _where(path), GZIP_WBITS)
    lines = start.split(b"\n")[1:-1] or [start]  # without the line of names and the last line, which may be cut off
    sample = b"\n".join(lines)
    times = size / (len(sample) + 1)
    rows = int(times * len(lines))
    values = rows + int(times * max(sample.count(delimiter.encode()) for delimiter in _DELIMITERS))
    result = values * (8 if _NOT_UINT8.search(sample) else 1) + 8 * rows
    text = size + _OBJECT_BYTES * rows  # the lines, each a str
    reading = size + max(text, stored)  # the whole content, and the lines or what it was decompressed from
    # Then: the lines, the numbers in blocks and again as one array, the labels and the values of a block.
    converting = text + 2 * result + _OBJECT_BYTES * (rows + _MAX_BLOCK_VALUES)
    return MemoryEstimate(result, max(reading, converting) - result)


def _is_table(start: bytes) -> bool:
    """Return whether a file that begins with these bytes may be a table: its first line is text with a delimiter."""
    line = start.split(b"\n", 1)[0]
    printable = all(32 <= byte < 127 or byte in b"\t\r" or byte >= 128 for byte in line)
    return printable and any(delimiter.encode() in line for delimiter in _DELIMITERS)


def _read(path: str | os.PathLike[str], label: str | int | None) -> Table:
    where = _where(path)
    if label is not None and (isinstance(label, bool) or not isinstance(label, str | int)):
        raise TypeError(f"read_csv: label: expected a column's name or index, got {label!r}")
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
    return _convert(rows, len(head[0]), column, where)


class _Rows:
    """Iterates over the rows of a text and knows the number of the current line."""

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
    """Return whether the first row names the columns: it has no numbers, or one of the words that name labels."""
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


def _convert(rows: _Rows, width: int, column: int | None, where: str) -> Table:
    if width < (1 if column is None else 2) or width > _MAX_COLUMNS:
        raise ValueError(f"{where}: rows of {width} values; expected 1 to {_MAX_COLUMNS}, not counting the label")
    blocks: list[NDArray[Any]] = []
    labels: list[str] = []
    source = iter(rows)
    while True:
        block = []
        for row in islice(source, max(1, min(_MAX_BLOCK_ROWS, _MAX_BLOCK_VALUES // width))):
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
    """Convert rows of text to uint8 if that is exact, otherwise to float64."""
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
    """Number the classes by value if all are whole numbers, so that 10 follows 9, otherwise alphabetically."""
    whole = all(re.fullmatch(r"\d{1,9}(\.0*)?", name) for name in set(labels))
    if whole:
        labels = [name.split(".")[0].lstrip("0") or "0" for name in labels]
    names = sorted(set(labels), key=int if whole else None)
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[name] for name in labels], np.int64), tuple(names)
