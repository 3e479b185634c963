"""Tables whose columns may hold text, dates and missing values, column by column."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.memory import MemoryEstimate, check_memory
from fastnn.data.table_columns import Columns, WantedColumns, find_columns
from fastnn.data.table_text import Rows, rows_of
from fastnn.data.tables import table_memory, where_of
from fastnn.decisions import Decision
from fastnn.decisions.cells import Cells, Kind, cells_of, columns_taken, is_missing

_CELL_BYTES = 16  # a reference to a text that is kept once, twice over
_HINT = "take fewer rows"


class MixedTable(NamedTuple):
    """A table of columns of different kinds.

    Parameters
    ----------
    columns : dict of str to (N,) array
        float64, with NaN for what is missing; datetime64, with NaT; or objects that are text, with None.
    kinds : dict of str to {"number", "category", "date"}
        What each column holds.
    targets : list of str or None
        The texts of the column to be predicted; None if the table has no such column.
    target_name : str or None
        The name of that column.
    decisions : tuple of Decision
    """

    columns: dict[str, NDArray[Any]]
    kinds: dict[str, Kind]
    targets: list[str] | None
    target_name: str | None
    decisions: tuple[Decision, ...]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())))

    def taken(self, rows: NDArray[np.int64]) -> MixedTable:
        """The table of some of the rows, by their numbers."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return self._replace(
            columns=columns, targets=None if self.targets is None else [self.targets[k] for k in rows.tolist()]
        )


class WantedKinds(NamedTuple):
    """The columns that a table should have for a model.

    Parameters
    ----------
    kinds : mapping of str to {"number", "category", "date"}
        By name, in their order.
    target_name : str or None
        The column that the model predicts.
    """

    kinds: Mapping[str, Kind]
    target_name: str | None


def read_mixed(
    path: str | os.PathLike[str],
    *,
    label: str | int | None = None,
    like: WantedKinds | None = None,
    categorical: Collection[str] = (),
) -> MixedTable:
    r"""Read a table whose columns hold numbers, text or dates, with cells that may be empty.

    Parameters
    ----------
    path : path-like
        As for `read_csv`.
    label : str or int, optional
        The column to be predicted, as for `read_csv`.
    like : WantedKinds, optional
        The columns that the table should have; they are found by their names. A table without names is taken by
        position.
    categorical : collection of str
        Columns of categories, whatever they hold.

    Raises
    ------
    OSError, MemoryError, ValueError
        As for `read_csv`; or if a column has two readings, or holds something else than in training.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data.mixed_tables import read_mixed
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     size = path.write_text("rooms,place,price\n3,town,151.5\n,village,206\n")
    ...     table = read_mixed(path, label="price")
    >>> table.kinds, table.columns["rooms"].tolist(), table.targets
    ({'rooms': 'number', 'place': 'category'}, [3.0, nan], ['151.5', '206'])
    """
    where = where_of(path)
    check_memory(lambda: _memory(path), where, _HINT)
    rows = rows_of(Path(path), where)
    wanted = None if like is None else WantedColumns(
        "the model", len(like.kinds), tuple(like.kinds), label_name=like.target_name, mixed=True
    )  # fmt: skip
    columns = find_columns(rows, label, wanted, where)
    places = [*columns.features, *([] if columns.label is None else [columns.label])]
    texts = _texts(rows, columns, places, where)
    named = columns.names or tuple(f"x{k}" for k in range(len(columns.features)))
    forced = _forced(where, categorical, named)
    found = {
        name: cells_of(where, f"column {name!r}", column, _kind(name, like, forced))
        for name, column in zip(named, texts, strict=False)
    }
    arrays = {name: _array(cells, column) for (name, cells), column in zip(found.items(), texts, strict=False)}
    kinds = {name: cells.kind for name, cells in found.items()}
    gaps = {name: sum(map(is_missing, column)) for name, column in zip(named, texts, strict=False)}
    said = [cells.decision for cells in found.values() if cells.decision is not None]
    if like is None:
        said.append(columns_taken(kinds, gaps))
    targets = None if columns.label is None else texts[-1]
    return MixedTable(arrays, kinds, targets, columns.label_name, (*columns.decisions, *said))


def _memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Of the columns, and of the references to their texts."""
    plain = table_memory(path)
    return MemoryEstimate(2 * plain.result, plain.temporary + _CELL_BYTES * plain.result)


def _texts(rows: Rows, columns: Columns, places: Sequence[int], where: str) -> list[list[str]]:
    """The texts of some columns, each different one kept once."""
    found: list[list[str]] = [[] for _ in places]
    kept: list[dict[str, str]] = [{} for _ in places]
    for row in islice(rows, columns.skip, None):
        if len(row) != columns.width:
            raise ValueError(f"{where}: line {rows.line}: {len(row)} values, but the first row has {columns.width}")
        for place, texts, same in zip(places, found, kept, strict=True):
            text = row[place].strip()
            texts.append(same.setdefault(text, text))
    return found


def _forced(where: str, categorical: Collection[str], names: Sequence[str]) -> set[str]:
    wrong = [name for name in categorical if name not in names]
    if wrong:
        raise ValueError(f"{where}: categorical: expected names of columns ({', '.join(names)}), got {wrong[0]!r}")
    return set(categorical)


def _kind(name: str, like: WantedKinds | None, forced: Collection[str]) -> Kind | None:
    if like is not None:
        return like.kinds[name]
    return "category" if name in forced else None


def _array(cells: Cells, texts: Sequence[str]) -> NDArray[Any]:
    """The values of a column as an array of its kind."""
    values = [cells.values[text] for text in texts]
    if cells.kind == "number":
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if cells.kind == "date":
        return np.array([np.datetime64("NaT") if value is None else value for value in values], "datetime64[us]")
    column = np.empty(len(values), object)
    column[:] = values
    return column
