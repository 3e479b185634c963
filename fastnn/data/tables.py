"""A reader for text tables (CSV) of numbers, one sample per row, with a column of labels."""

from __future__ import annotations

import os
import re
import warnings
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import Dataset
from fastnn.data.expected import Expected, Trained
from fastnn.data.inflate import GZIP_WBITS, file_sizes, inflate_start, is_gzip
from fastnn.data.memory import SAVE_AS_NPY, MemoryEstimate, check_memory
from fastnn.data.raw_dataset import RawDataset
from fastnn.data.source import FileStart, Format, ReadOptions, Source, only_file
from fastnn.data.table_columns import Columns, WantedColumns, find_columns
from fastnn.data.table_text import DELIMITERS, Rows, begins_table, rows_of
from fastnn.decisions import Decision
from fastnn.decisions.columns import is_number
from fastnn.decisions.files import chosen_files
from fastnn.decisions.label_column import check_labels_recur, class_texts
from fastnn.files import names_its_file

_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_MAX_BLOCK_ROWS = 4096  # rows that are converted at once
_MAX_BLOCK_VALUES = 1 << 18  # values that are converted at once; until then each of them is a str
_OBJECT_BYTES = 64  # a short str and the reference to it
_SAMPLED = 1 << 16  # bytes from which the size of a table is estimated
_MAX_COLUMNS = 1 << 20
_THOUSANDS = re.compile(r" *[-+]?\d{1,3}([ ',.]\d{3})+([.,]\d+)? *")
_NOT_UINT8 = re.compile(rb"\d\.|\.\d|-\d|\d[eE]|\d{4}")  # text that a whole number in 0 ... 255 does not contain


class NotNumbersError(ValueError):
    """A table holds text or nothing where a number is expected, so that only what reads such tables can go on."""


class Table(NamedTuple):
    """A table of samples.

    Parameters
    ----------
    values : ndarray, shape (N, D), uint8 or float64
        uint8 if every value is a whole number in 0 ... 255.
    labels : ndarray, shape (N,), int64, or None
        Indices into `class_names`; None if the table has no column of labels.
    class_names : tuple of str
        As they are written in the file; if all are whole numbers (7, 07, 7.0 and 7e+00 are the same), ordered by value,
        otherwise alphabetically.
    column_names : tuple of str or None
        The names of the D columns of values, in their order; None if the table has no names.
    decisions : tuple of Decision
        What was decided where the table has more than one reading: which column holds the labels, for example.
    """

    values: NDArray[Any]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    column_names: tuple[str, ...] | None = None
    decisions: tuple[Decision, ...] = ()


@names_its_file
def read_csv(
    path: str | os.PathLike[str], *, label: str | int | None = None, like: Dataset | Trained | Expected | None = None
) -> Table:
    r"""Read a table of numbers with a column of labels, gzipped or not.

    Parameters
    ----------
    path : path-like
        A text file (UTF-8, gzipped or not) with one sample per line and values separated by commas, semicolons, tabs or
        bars (|).
        The first line may hold the names of the columns.
    label : str or int, optional
        The column of the labels, by its name or its index; a negative index counts from the end. By default it is

        - the column named label, labels, class, target, y, category, digit, letter or species;
        - if no column has such a name, the only column of words that recur;
        - otherwise, if the columns have no names, the first or the last one, if it alone holds whole numbers of which
          each occurs about twice or more. If both do, the one whose numbers are 0, 1, ... or 1, 2, ... without a gap.

        A table that fits none of these has no labels.
    like : Dataset or Sequential, optional
        A data set or a model whose columns this table should have. They are found by their names and returned in that
        order; if the names differ in case, spaces or underscores only, that is a decision. The column that is left
        is the labels; if none is left, there are no labels. Where either has no names, columns are taken by position,
        if their number fits.

    Returns
    -------
    Table
        values, labels, class_names, column_names, decisions.

    Raises
    ------
    OSError
        If the file cannot be read (FileNotFoundError if there is none).
    MemoryError
        If the table needs more memory than is available; raised before anything is read.
    ValueError
        If a row has more or fewer values than the first, a value is not a finite number or a label is missing (the
        message names the line); if several columns may be the labels, or there is no such column; if a name occurs
        twice, or the columns are not those of `like` (the message names them).
    TypeError
        If `label` is neither str nor int.

    Notes
    -----
    Lines that begin with ``#`` are comments, one directly above the first row may have the names, and blank lines are
    passed over. A first line ``sep=;`` names the delimiter; otherwise it is the one that leaves most numbers. With
    semicolons or tabs, numbers may have decimal commas. A column without a name, or called id or index, whose whole
    numbers never recur numbers the rows and is left out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data import read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     size = path.write_text("width,height,class\n1,2,bee\n3,4,ant\n")
    ...     table = read_csv(path)
    >>> table.values.tolist(), table.labels.tolist(), table.class_names, table.column_names
    ([[1, 2], [3, 4]], [1, 0], ('ant', 'bee'), ('width', 'height'))
    >>> print(*table.decisions)
    labels: column 'class' (its name; to change it: label=, --target)
    """
    check_memory(lambda: table_memory(path), where_of(path), SAVE_AS_NPY)
    return _read(path, label, None if like is None else wanted_columns(Expected.of(like))).table


def _open_file(start: FileStart, options: ReadOptions) -> Source | None:
    return _source({"train": start.path}, options) if begins_table(start.content) else None


def is_called_so(path: Path) -> bool:
    """Return whether the name of a file says that it is a table."""
    return path.name.lower().endswith(_SUFFIXES)


def _open_folder(path: Path, files: list[Path], options: ReadOptions) -> Source | None:
    tables = [file for file in files if is_called_so(file)]
    if not tables:
        return None
    named = {split: [file for file in tables if _begins_word(split, file.name)] for split in ("train", "test")}
    if len(tables) > 1 and len(named["train"]) == len(named["test"]) == 1:
        used = {split: found[0] for split, found in named.items()}
        others = [file.name for file in tables if file not in used.values()]
        return _source(used, options, chosen_files([file.name for file in used.values()], others))
    return _source({"train": only_file(tables, _SUFFIXES[0])}, options)


def _begins_word(split: str, name: str) -> bool:
    """Return whether a name has a word that begins so: mnist_train.csv for "train", but not latest.csv for "test"."""
    return re.search(rf"(?<![a-z]){split}", name.lower()) is not None


FORMAT = Format(
    "a .csv file, or a folder with one to train on and one to test on", _open_file, open_folder=_open_folder
)


def _source(files: dict[str, Path], options: ReadOptions, chosen: tuple[Decision, ...] = ()) -> Source:
    def read() -> RawDataset:
        where = {split: f"load: {file}" for split, file in files.items()}
        expected = options.expected
        train = _read(files["train"], options.label, None if expected is None else wanted_columns(expected))
        table, columns = train
        if table.labels is None:
            raise ValueError(
                f"{where['train']}: no column of labels (called label, class, target or so); give label= (--target)"
            )
        test = None
        if "test" in files:
            names = WantedColumns(
                files["train"].name,
                table.values.shape[1],
                table.column_names,
                columns.label,
                columns.label_name,
                columns.left_out,
                columns.counted,
            )
            test = _read(files["test"], None, names).table
        raw = RawDataset.from_splits(
            (table.values, table.labels, table.class_names),
            where["train"],
            None if test is None else (test.values, test.labels, test.class_names),
            where.get("test", ""),
        )
        decisions = dict.fromkeys((*chosen, *table.decisions, *(() if test is None else test.decisions)))
        return raw._replace(
            column_names=table.column_names, decisions=tuple(decisions), from_text=True, label_name=columns.label_name
        )

    return Source(
        read,
        lambda: MemoryEstimate.total(map(table_memory, files.values())).with_copies("test" not in files),
    )


def wanted_columns(expected: Expected) -> WantedColumns:
    """Return the columns that a table should have for a model or beside another data set."""
    label = expected.reading.get("label")
    return WantedColumns(expected.other, expected.values, expected.column_names, label_name=label)


def where_of(path: str | os.PathLike[str]) -> str:
    """Return the beginning of the messages of errors in a table."""
    return f"read_csv: {os.fspath(path)}"


def table_memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Estimate the memory for reading a table, from the size of the file and its first lines."""
    stored, size = file_sizes(path)
    with Path(path).open("rb") as file:
        start = file.read(_SAMPLED)
    if is_gzip(start):
        start = inflate_start(start, _SAMPLED, where_of(path), GZIP_WBITS)
    lines = start.split(b"\n")[1:-1] or [start]  # without the line of names and the last line, which may be cut off
    sample = b"\n".join(lines)
    times = size / (len(sample) + 1)
    rows = int(times * len(lines))
    values = rows + int(times * max(sample.count(delimiter.encode()) for delimiter in DELIMITERS))
    result = values * (8 if _NOT_UINT8.search(sample) else 1) + 8 * rows
    text = size + _OBJECT_BYTES * rows  # the lines, each a str
    reading = size + max(text, stored)  # the whole content, and the lines or what it was decompressed from
    # Then: the lines, the numbers in blocks and again as one array, the labels and the values of a block.
    converting = text + 2 * result + _OBJECT_BYTES * (rows + _MAX_BLOCK_VALUES)
    return MemoryEstimate(result, max(reading, converting) - result)


class _Read(NamedTuple):
    """A table, and which of its columns is what."""

    table: Table
    columns: Columns


def _read(path: str | os.PathLike[str], label: str | int | None, wanted: WantedColumns | None) -> _Read:
    where = where_of(path)
    values, labels, columns = table_texts(path, label, wanted)
    if columns.label is None:
        return _Read(Table(values, None, (), columns.names, columns.decisions), columns)
    if "" in labels:
        raise ValueError(f"{where}: sample {labels.index('')} has no label")
    check_labels_recur(labels, columns.label_name, label is not None, where)
    return _Read(Table(values, *_classes(labels), columns.names, columns.decisions), columns)


def table_texts(
    path: str | os.PathLike[str], label: str | int | None, wanted: WantedColumns | None
) -> tuple[NDArray[Any], list[str], Columns]:
    """Return the features, the texts of the column to be predicted, and which column is what; raises as `read_csv`."""
    where = where_of(path)
    if label is not None and (isinstance(label, bool) or not isinstance(label, str | int)):
        raise TypeError(f"read_csv: label: expected a column's name or index, got {label!r}")
    rows = rows_of(Path(path), where)
    columns = find_columns(rows, label, wanted, where)
    alone = columns.names is None and columns.width == 1
    if alone or not 1 <= len(columns.features) <= _MAX_COLUMNS:
        raise ValueError(
            f"{where}: rows of {columns.width} values; expected 1 to {_MAX_COLUMNS}, not counting the label"
        )
    return *_convert(rows, columns, where), columns


def _convert(rows: Rows, columns: Columns, where: str) -> tuple[NDArray[Any], list[str]]:
    """Return the features of all samples, uint8 if that is exact, and the texts of the labels."""
    width, label = columns.width, columns.label
    whole = list(range(width))
    kept = [place for place in whole if place in set(columns.features)]
    order = [kept.index(place) for place in columns.features]
    removed = [place for place in reversed(whole) if place not in set(kept)]
    blocks: list[NDArray[Any]] = []
    labels: list[str] = []
    source = islice(rows, columns.skip, None)
    while True:
        block = []
        for row in islice(source, max(1, min(_MAX_BLOCK_ROWS, _MAX_BLOCK_VALUES // width))):
            if len(row) != width:
                raise ValueError(f"{where}: line {rows.line}: {len(row)} values, but the first row has {width}")
            if label is not None:
                labels.append(row[label].strip())
            for place in removed:
                del row[place]
            block.append(row)
        if not block:
            break
        blocks.append(_numbers(block, rows.line, where))
    if any(block.dtype != np.uint8 for block in blocks):
        blocks = [block.astype(np.float64, copy=False) for block in blocks]
    values = np.concatenate(blocks)
    return values if order == sorted(order) else np.ascontiguousarray(values[:, order]), labels


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
                if not is_number(value) or not np.isfinite(float(value)):
                    line = last_line - len(block) + 1 + i
                    hint = "write numbers without separators of thousands"
                    if not _THOUSANDS.fullmatch(value):
                        hint = "fastnn.tabular learns from text and missing values, in a data frame"
                    raise NotNumbersError(f"{where}: about line {line}: {value[:40]!r} is not a finite number; {hint}")
        raise ValueError(f"{where}: before line {last_line}: a value is not a finite number")
    small = values.astype(np.uint8) if values.min() >= 0 and values.max() <= 255 else None
    return small if small is not None and (small == values).all() else values


def _classes(labels: list[str]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Number the classes by value if all are whole numbers, so that 10 follows 9, otherwise alphabetically."""
    texts, names = class_texts(labels)
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[texts[name]] for name in labels], np.int64), names
