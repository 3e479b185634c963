"""Tables of which a column of numbers is to be predicted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.data.dataset import Dataset
from fastnn.data.expected import Expected, Trained
from fastnn.data.memory import SAVE_AS_NPY, check_memory
from fastnn.data.table_columns import find_columns
from fastnn.data.table_text import rows_of
from fastnn.data.tables import table_memory, table_texts, wanted_columns, where_of
from fastnn.decisions import Decision
from fastnn.decisions.columns import is_number
from fastnn.files import names_its_file


class Targets(NamedTuple):
    """A table of samples and of the numbers that are to be predicted.

    Parameters
    ----------
    values : ndarray, shape (N, D), uint8 or float64
    targets : ndarray, shape (N,), float64, or None
        None if the table has no column of targets.
    name : str or None
        The name of that column.
    column_names : tuple of str or None
    decisions : tuple of Decision
    """

    values: NDArray[Any]
    targets: NDArray[np.float64] | None
    name: str | None
    column_names: tuple[str, ...] | None
    decisions: tuple[Decision, ...]


@names_its_file
def read_targets(
    path: str | os.PathLike[str], *, label: str | int | None = None, like: Dataset | Trained | Expected | None = None
) -> Targets:
    r"""Read a table of numbers, one column of which is to be predicted as a number.

    Parameters
    ----------
    path, label, like
        As for `read_csv`.

    Raises
    ------
    OSError, MemoryError, ValueError, TypeError
        As for `read_csv`, or if a target is not a finite number.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastnn.data.table_targets import read_targets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     size = path.write_text("rooms,price\n3,151.5\n4,206\n")
    ...     read_targets(path, label="price").targets
    array([151.5, 206. ])
    """
    check_memory(lambda: table_memory(path), where_of(path), SAVE_AS_NPY)
    where = where_of(path)
    values, labels, columns = table_texts(path, label, None if like is None else wanted_columns(Expected.of(like)))
    if columns.label is None:
        return Targets(values, None, None, columns.names, columns.decisions)
    bad = next((row for row, text in enumerate(labels) if not is_number(text) or not np.isfinite(float(text))), None)
    if bad is not None:
        raise ValueError(f"{where}: sample {bad}: expected a number to be predicted, got {labels[bad]!r:.40}")
    return Targets(values, np.array(labels, np.float64), columns.label_name, columns.names, columns.decisions)


def target_texts(path: str | os.PathLike[str], label: str | int | None = None) -> list[str] | None:
    """Return the column that is to be predicted, as text, or None if the table has no such column.

    Raises
    ------
    OSError, ValueError
        As for `read_csv`.
    """
    where = where_of(path)
    rows = rows_of(Path(path), where)
    columns = find_columns(rows, label, None, where)
    return None if columns.label is None else list(rows.columns([columns.label], columns.skip)[0])
