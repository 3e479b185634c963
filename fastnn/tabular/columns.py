"""Tables read into columns of numbers, categories and dates.

A data frame of pandas, polars or Arrow is read through narwhals; arrays and lists need nothing but NumPy. What a column
is follows from its dtype alone: text, categories and enumerations are categories, dates and times are dates, all else
are numbers. A column of Python objects is what its values are.
"""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import as_array
from fastnn.frames import is_frame
from fastnn.tabular.cells import is_missing, texts

Array = NDArray[Any]
Kind = Literal["number", "category", "date"]
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
    kind : {"number", "category", "date"}
    values : (N,) array
        Numbers as float64, NaN where one is missing; categories as objects: text, None where it is missing; dates as
        days since 1970 in float64, NaN where one is missing.
    """

    name: str
    kind: Kind
    values: Array


def reads_as_frame(table: object) -> bool:
    """Whether a table is a data frame that narwhals reads, of Arrow too, and no array.

    Parameters
    ----------
    table : object

    Examples
    --------
    >>> from fastnn.tabular.columns import reads_as_frame
    >>> reads_as_frame([[1, 2]])
    False
    """
    return is_frame(table) or all(hasattr(table, name) for name in ("column_names", "columns", "to_pandas"))


def check_frame(function: str, table: Any) -> None:
    """Refuse a data frame in which two columns have one name.

    Parameters
    ----------
    function : str
        It begins the message of the error.
    table : data frame

    Raises
    ------
    ValueError
        It has the name.
    """
    _check_different(function, list(map(str, getattr(table, "column_names", table.columns))))


def by_name(table: object) -> bool:
    """Whether a table is a mapping of names to columns; a sparse matrix, which may be a mapping too, is none.

    Parameters
    ----------
    table : object

    Examples
    --------
    >>> from fastnn.tabular.columns import by_name
    >>> by_name({"size": [1, 2]}), by_name([[1, 2]])
    (True, False)
    """
    return isinstance(table, Mapping) and not hasattr(table, "toarray")


def columns_of(
    function: str, table: Any, categorical: Collection[str | int] = (), expected: Sequence[str] | None = None
) -> list[Column]:
    """The columns of a table.

    Parameters
    ----------
    function : str
        It begins the message of an error.
    table : data frame, mapping of str to (N,) array_like, or (N, D) array_like
        The columns of an array are called x0, x1, …
    categorical : collection of str and int
        Names or numbers of columns whose values are categories, whatever their dtype.
    expected : sequence of str, optional
        The names that the columns must have, in their order.

    Raises
    ------
    ValueError, TypeError
        If it is no table, holds infinity, has no column that `categorical` names, or other columns than `expected`.
    ImportError
        If it is a data frame and narwhals is not installed.

    Examples
    --------
    >>> from fastnn.tabular.columns import columns_of
    >>> [(column.name, column.kind) for column in columns_of("f", [[1, "red"], [2, "blue"]])]
    [('x0', 'number'), ('x1', 'category')]
    """
    if by_name(table):
        named = _of_mapping(function, table)
    else:
        named = _of_frame(function, table) if reads_as_frame(table) else _of_array(function, table)
    names = [name for name, _ in named]
    _check_different(function, names)
    if expected is not None and names != list(expected):
        raise ValueError(f"{function}: X: expected the columns {', '.join(expected)}, got {', '.join(names)}")
    forced = {_named(function, one, names) for one in categorical}
    return [_column(function, name, values, name in forced) for name, values in named]


def _check_different(function: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{function}: X: expected columns of different names, got {twice!r} twice")


def _named(function: str, one: str | int, names: Sequence[str]) -> str:
    """The name of the column that a name or a number means."""
    if isinstance(one, str) and one in names:
        return one
    if isinstance(one, numbers.Integral) and not isinstance(one, bool) and 0 <= one < len(names):
        return names[int(one)]
    raise ValueError(f"{function}: categorical: expected names of columns ({', '.join(names)}), got {one!r}")


def _of_frame(function: str, table: Any) -> list[tuple[str, Array]]:
    try:
        import narwhals as nw
    except ImportError:
        raise ImportError(
            f"{function}: a data frame needs the package narwhals; type:  pip install 'fastnn-cpu[tables]'"
        ) from None
    try:
        frame: Any = nw.from_native(table, eager_only=True)
        series = list(frame.iter_columns())
    except TypeError as error:
        raise TypeError(f"{function}: X: expected a table that is in memory ({error})") from None
    return [(str(one.name), _of_series(one, nw)) for one in series]


def _of_series(series: Any, nw: Any) -> Array:
    """A column of a data frame as an array: of numbers, of datetime64, or of objects with None where one is missing."""
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        plain = series.to_numpy()
        if plain.dtype.kind in "fiub":
            return np.asarray(plain, np.float64)
        return np.array([np.nan if is_missing(value) else float(value) for value in series.to_list()], np.float64)
    if dtype == nw.Datetime or dtype == nw.Date:
        days = [_days(value) for value in series.to_list()]
        return np.array(days, "datetime64[us]")
    if dtype == nw.Duration:
        seconds = [np.nan if is_missing(value) else value.total_seconds() for value in series.to_list()]
        return np.array(seconds, np.float64)
    found = np.empty(len(series), object)
    found[:] = series.to_list()
    # categories that are whole numbers are categories all the same
    return texts(found) if dtype == nw.Categorical or dtype == nw.Enum else found


def _days(value: Any) -> np.datetime64:
    """A date or a time as datetime64, without its time zone."""
    if is_missing(value):
        return np.datetime64("NaT")
    if isinstance(value, datetime.datetime):
        value = value.replace(tzinfo=None)
    return np.datetime64(value, "us")


def _of_mapping(function: str, table: Mapping[Any, Any]) -> list[tuple[str, Array]]:
    named = [(name, as_array(function, f"X[{name!r}]", _one_kind(column))) for name, column in table.items()]
    for name, column in named:
        if not isinstance(name, str) or column.ndim != 1:
            raise ValueError(f"{function}: X: expected rows (N,) by name, got {name!r} of shape {column.shape}")
        if len(column) != len(named[0][1]):
            first = f"{named[0][0]!r} of {len(named[0][1])}"
            raise ValueError(
                f"{function}: X: expected columns of one length, got {first} and {name!r} of {len(column)}"
            )
    return named


def _one_kind(column: Any) -> Any:
    """A list that holds text beside other values as objects, of which NumPy would make text."""
    if not isinstance(column, list | tuple) or not any(isinstance(value, str) or value is None for value in column):
        return column
    found = np.empty(len(column), object)
    found[:] = column
    return found


def rows_in(table: Any) -> int:
    """The number of rows of a table.

    Parameters
    ----------
    table : data frame, mapping of columns, or array

    Examples
    --------
    >>> from fastnn.tabular.columns import rows_in
    >>> rows_in({"size": [1, 2, 3]}), rows_in([[1, 2]])
    (3, 1)
    """
    return len(next(iter(table.values()), ()) if by_name(table) else table)


def _of_array(function: str, table: ArrayLike) -> list[tuple[str, Array]]:
    array = as_array(function, "X", unmixed(table))
    if array.ndim != 2:
        raise ValueError(f"{function}: X: expected a table, rows by columns, got shape {array.shape}")
    return [(f"x{i}", array[:, i]) for i in range(array.shape[1])]


def unmixed(table: Any) -> Any:
    """Rows in lists as an array of objects where they hold text, which NumPy would make of the numbers beside it too.

    Parameters
    ----------
    table : object

    Examples
    --------
    >>> from fastnn.tabular.columns import unmixed
    >>> unmixed([[1, "red"]])
    array([[1, 'red']], dtype=object)
    """
    if not isinstance(table, list | tuple):
        return table
    try:
        return np.asarray(table, object) if np.asarray(table).dtype.kind in "US" else table
    except ValueError:  # rows of different lengths, for which there is a better message
        return table


def _column(function: str, name: str, values: Array, forced: bool) -> Column:
    """A column of what its values are."""
    if values.dtype.kind == "M":
        since = values.astype("datetime64[us]")
        days = (since - np.datetime64("1970-01-01", "us")) / _DAY
        return Column(name, "category", texts(values.astype(object))) if forced else Column(name, "date", days)
    if values.dtype.kind in "US":
        values = values.astype(object)
    if values.dtype.kind == "O":
        return _of_objects(function, name, values, forced)
    if values.dtype.kind == "c":
        raise ValueError(f"{function}: X: Complex data not supported in column {name!r}")
    if values.dtype.kind not in "fiub":
        raise TypeError(f"{function}: X: expected numbers, text or dates in column {name!r}, got dtype {values.dtype}")
    found = values.astype(np.float64)
    _check_finite(function, name, found)
    return Column(name, "category", texts(values)) if forced else Column(name, "number", found)


def _check_finite(function: str, name: str, values: Array) -> None:
    bad = np.isinf(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{function}: X: expected finite numbers or NaN, got infinity in column {name!r}, row {row}")


def _of_objects(function: str, name: str, values: Array, forced: bool) -> Column:
    """A column of Python objects: numbers, dates, or text where any value is text."""
    missing = np.array([is_missing(value) for value in values], bool)
    present = values[~missing]
    kinds = {_kind_of(value) for value in present}
    if None in kinds:
        other = next(value for value in present if _kind_of(value) is None)
        raise TypeError(
            f"{function}: X: argument must be a string or a number, got a {type(other).__name__} in column {name!r}"
        )
    if forced or "category" in kinds or len(kinds) > 1:
        found = np.full(len(values), None, object)
        found[~missing] = texts(present)
        return Column(name, "category", found)
    if kinds == {"date"}:
        days = np.array([np.datetime64("NaT") if gone else _days(v) for v, gone in zip(values, missing, strict=True)])
        return _column(function, name, days.astype("datetime64[us]"), False)
    found = np.full(len(values), np.nan)
    found[~missing] = present.astype(np.float64)
    _check_finite(function, name, found)
    return Column(name, "number", found)


def _kind_of(value: object) -> Kind | None:
    if isinstance(value, str | bytes):
        return "category"
    if isinstance(value, datetime.date | np.datetime64):
        return "date"
    return "number" if isinstance(value, numbers.Real | np.bool_) or hasattr(value, "as_tuple") else None
