"""The files of tables that ``fastnn`` reads for its estimators of tables: text, and Parquet through narwhals."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.mixed_tables import MixedTable, WantedKinds, read_mixed
from fastnn.decisions import Decision
from fastnn.decisions.cells import columns_taken
from fastnn.decisions.columns import counts_rows, order_by_name, row_counter
from fastnn.decisions.label_column import called_labels, named_label

_PARQUET = b"PAR1"  # with which such a file begins
_READERS = ("pyarrow", "polars", "pandas")


def is_parquet(path: Path) -> bool:
    """Return whether a file is a table in the format of Parquet."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def read_table_file(
    path: Path, *, label: str | None = None, like: WantedKinds | None = None, categorical: Collection[str] = ()
) -> MixedTable:
    """Return the columns of a table, as `fastnn.data.mixed_tables.read_mixed` does, of Parquet too.

    Raises
    ------
    OSError, MemoryError, ValueError, TypeError
        As `read_mixed`.
    ImportError
        If no package is there that reads Parquet.
    """
    if not is_parquet(path):
        return read_mixed(path, label=label, like=like, categorical=categorical)
    frame = _frame(path)
    from fastnn.tabular.columns import columns_of

    names, where, decisions = list(frame.columns), f"DATA: {path}", list[Decision]()
    target = label if label is not None else like.target_name if like is not None else None
    if label is not None and label not in names:
        raise ValueError(f"{where}: no column {label!r}; there are {', '.join(names)}")
    if target is None and like is None:
        place = called_labels(names, where)
        target = None if place is None else names[place]
        decisions += [] if target is None else [named_label(f"column {target!r}")]
    features = [name for name in names if name != target]
    asked = [name for name in features if like is None or name not in like.kinds]
    counters = [name for name in asked if counts_rows(name, list(map(str, frame[name].to_list())))]
    decisions += [row_counter(f"column {name!r}") for name in counters]
    features = [name for name in features if name not in counters]
    if like is not None:
        order, said = order_by_name(features, list(like.kinds), where, "the model")
        features, decisions = [features[k] for k in order], [*decisions, *said]
    forced = list(categorical) if like is None else [name for name, kind in like.kinds.items() if kind == "category"]
    columns = columns_of("DATA", frame.select(features).to_native(), [name for name in forced if name in features])
    kinds = {column.name: column.kind for column in columns}
    if like is None:
        gaps = {c.name: int(np.sum(_gone(c.values))) for c in columns}
        decisions.append(columns_taken(kinds, gaps))
    targets = None if target not in names else ["" if one is None else str(one) for one in frame[target].to_list()]
    renamed = kinds if like is None else like.kinds
    arrays = {name: _values(column) for name, column in zip(renamed, columns, strict=True)}
    return MixedTable(arrays, dict(zip(renamed, kinds.values(), strict=True)), targets, target, tuple(decisions))


def _frame(path: Path) -> Any:
    """A Parquet file as a data frame of narwhals."""
    reader = next((name for name in _READERS if find_spec(name) is not None), None)
    if reader is None or find_spec("narwhals") is None:
        needed = "narwhals and one of " * (find_spec("narwhals") is None) + ", ".join(_READERS)
        raise ImportError(f"DATA: {path} is Parquet, which needs {needed}; type:  pip install narwhals pyarrow")
    import narwhals as nw

    backend: Any = reader
    try:
        return nw.read_parquet(str(path), backend=backend)
    except Exception as error:  # every package has errors of its own for damage
        raise ValueError(f"DATA: {path} is not a readable Parquet file ({error!s:.200})") from None


def _gone(values: Any) -> Any:
    return [value is None for value in values.tolist()] if values.dtype == object else np.isnan(values)


def _values(column: Any) -> Any:
    """Dates as such again, of the days since 1970 that a column of dates has."""
    if column.kind != "date":
        return column.values
    microseconds = np.round(column.values * 86_400e6)
    found = np.where(np.isnan(microseconds), 0, microseconds).astype(np.int64).astype("datetime64[us]")
    found[np.isnan(microseconds)] = np.datetime64("NaT")
    return found
