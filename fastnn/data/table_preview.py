"""What a table holds, before anything is made of it: its columns, its first rows, and which cells are empty."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fastnn.data.table_columns import find_columns
from fastnn.data.table_text import Rows, rows_of
from fastnn.data.tables import where_of
from fastnn.decisions.cells import is_missing
from fastnn.decisions.columns import is_number


@dataclass(frozen=True)
class PreviewColumn:
    """One column of a table.

    Parameters
    ----------
    name : str
    empty : int
        Rows without a value.
    numbers : bool
        Whether all values are numbers.
    values : str
        In words: the range of numbers, or how many different words there are.
    target : bool
        Whether the column is taken for what is to be predicted.
    """

    name: str
    empty: int
    numbers: bool
    values: str
    target: bool


@dataclass(frozen=True)
class TablePreview:
    """The columns of a table and its first rows.

    Parameters
    ----------
    columns : tuple of PreviewColumn
    rows : tuple of tuple of str
        The texts of the first rows; cells that a short row lacks are empty.
    total : int
        How many rows there are.
    """

    columns: tuple[PreviewColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


def preview_table(path: str | os.PathLike[str], label: str | int | None = None, rows: int = 10) -> TablePreview:
    r"""Look at a table that need not be complete.

    Parameters
    ----------
    path : path-like
    label : str or int, optional
        The column to be predicted, as for `read_csv`.
    rows : int
        How many rows to show.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read or is no text, or there is no such column.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data.table_preview import preview_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     size = path.write_text("width,kind\n1.5,ant\n,bee\n4,ant\n")
    ...     found = preview_table(path)
    >>> [(column.name, column.empty, column.values) for column in found.columns]
    [('width', 1, '1.5 to 4'), ('kind', 0, '2 different words')]
    """
    where = where_of(path)
    table = rows_of(Path(path), where)
    names, skip, target = _names(table, label, where)
    body = [row + [""] * (len(names) - len(row)) for row in islice(table, skip, None)]
    columns = tuple(_column(name, [row[place] for row in body], place == target) for place, name in enumerate(names))
    return TablePreview(columns, tuple(tuple(row[: len(names)]) for row in body[:rows]), len(body))


def _names(table: Rows, label: str | int | None, where: str) -> tuple[list[str], int, int | None]:
    """The names of the columns, how many rows precede the first sample, and the place of the target if it is known."""
    first = next(iter(table), None)
    if first is None:
        raise ValueError(f"{where}: expected a table, got a file without rows")
    try:
        columns = find_columns(table, label, None, where)
    except ValueError:
        if label is not None:
            raise
        named = not any(map(is_number, first))  # what holds the labels cannot be said, but the rest can be shown
        return (first if named else [f"column {k}" for k in range(len(first))]), int(named), None
    if columns.skip:
        return first, columns.skip, columns.label
    return [f"column {k}" for k in range(columns.width)], 0, columns.label


def _column(name: str, texts: list[str], target: bool) -> PreviewColumn:
    given = [text.strip() for text in texts if not is_missing(text)]
    numbers = bool(given) and all(map(is_number, given))
    if numbers:
        low, high = min(map(float, given)), max(map(float, given))
        values = f"{low:g} to {high:g}"
    else:
        different = len(set(given))
        values = f"{different} different word{'' if different == 1 else 's'}" if given else "no values"
    return PreviewColumn(name, len(texts) - len(given), numbers, values, target)
