"""Tables whose columns may hold text, dates and missing values, column by column."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
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
_BLOCK_ROWS = 4096  # that are looked at at once
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
    named = columns.names or tuple(f"x{k}" for k in range(len(columns.features)))
    forced = _forced(where, categorical, named)
    places = dict(zip(named, columns.features, strict=True))
    asked = {name: _kind(name, like, forced) for name in named}
    arrays = _numbers(rows, columns, {name: places[name] for name in named if asked[name] in (None, "number")}, where)
    texts = _texts(rows, columns, [place for name, place in places.items() if name not in arrays], where)
    found = {
        name: cells_of(where, f"column {name!r}", texts[place], asked[name])
        for name, place in places.items()
        if name not in arrays
    }
    arrays |= {name: _array(cells, texts[places[name]]) for name, cells in found.items()}
    arrays = {name: arrays[name] for name in named}
    kinds: dict[str, Kind] = {name: found[name].kind if name in found else "number" for name in named}
    gaps = {name: sum(map(is_missing, texts[places[name]])) for name in found}
    said = [cells.decision for cells in found.values() if cells.decision is not None]
    if like is None:
        said.append(columns_taken(kinds, gaps))
    targets = None if columns.label is None else texts[columns.label]
    return MixedTable(arrays, kinds, targets, columns.label_name, (*columns.decisions, *said))


def _memory(path: str | os.PathLike[str]) -> MemoryEstimate:
    """Of the columns, and of the references to their texts."""
    plain = table_memory(path)
    return MemoryEstimate(2 * plain.result, plain.temporary + _CELL_BYTES * plain.result)


def _blocks(rows: Rows, columns: Columns, where: str) -> Iterator[list[list[str]]]:
    """The rows of a table, some at a time, each of the width of the first."""
    source = islice(rows, columns.skip, None)
    while True:
        block = []
        for row in islice(source, _BLOCK_ROWS):
            if len(row) != columns.width:
                raise ValueError(f"{where}: line {rows.line}: {len(row)} values, but the first row has {columns.width}")
            block.append(row)
        if not block:
            return
        yield block


def _numbers(rows: Rows, columns: Columns, places: Mapping[str, int], where: str) -> dict[str, NDArray[Any]]:
    """Those of some columns that hold finite numbers in every cell, float64 (N,)."""
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in places}
    for block in _blocks(rows, columns, where):
        if not parts:
            break
        transposed = list(zip(*block, strict=True))
        for name in list(parts):
            texts = transposed[places[name]]
            try:
                # Python would read 1_000 as a number, which is none in a table
                values = np.array([np.nan] if "_" in "".join(texts) else texts, np.float64)
            except ValueError:
                values = np.array([np.nan])
            if np.isfinite(values).all():
                parts[name].append(values)
            else:
                del parts[name]
    return {name: np.concatenate(found) for name, found in parts.items()}


def _texts(rows: Rows, columns: Columns, places: Sequence[int], where: str) -> dict[int, list[str]]:
    """The texts of some columns and of the targets by their places, each different one kept once."""
    wanted = [*places, *([] if columns.label is None else [columns.label])]
    found: dict[int, list[str]] = {place: [] for place in wanted}
    kept: dict[int, dict[str, str]] = {place: {} for place in wanted}
    for block in _blocks(rows, columns, where) if wanted else ():
        transposed = list(zip(*block, strict=True))
        for place in wanted:
            same = kept[place]
            found[place] += [same.setdefault(text, text) for text in map(str.strip, transposed[place])]
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
