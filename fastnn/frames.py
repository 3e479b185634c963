"""Tables of pandas, polars and libraries like them: their columns by name, and their numbers as an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_frame(value: object) -> bool:
    """Whether a value is a table with named columns."""
    return all(hasattr(value, name) for name in ("columns", "dtypes", "to_numpy", "__getitem__"))


def names_of(value: object) -> tuple[str, ...] | None:
    """Return the names of a table's columns; None for other objects and for names that are no distinct texts.

    Examples
    --------
    >>> from fastnn.frames import names_of
    >>> names_of([[1, 2], [3, 4]]) is None
    True
    """
    if not is_frame(value):
        return None
    names = tuple(value.columns)  # type: ignore[attr-defined]
    return names if all(isinstance(name, str) for name in names) and len(set(names)) == len(names) else None


def in_order(function: str, argument: str, value: Any, wanted: Sequence[str] | None) -> Any:
    """A table with its columns in a given order; anything else, and a table without names, as it is.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    value : object
    wanted : sequence of str, optional
        The names in the order that is wanted; None if any will do.

    Raises
    ------
    ValueError
        If the table lacks one of these columns, or has others.
    """
    names = names_of(value)
    if wanted is None or names is None or names == tuple(wanted):
        return value
    missing, others = [name for name in wanted if name not in names], [name for name in names if name not in wanted]
    if missing or others:
        found = [f"no {missing[0]!r}"] if missing else []
        found += [f"{others[0]!r} that the model does not have"] if others else []
        raise ValueError(
            f"{function}: {argument}: expected the {len(wanted)} columns of the model, got {len(names)} columns with "
            f"{' and with '.join(found)}"
        )
    return value[list(wanted)]


def check_same_order(function: str, **arguments: Any) -> None:
    """Refuse tables and columns of pandas whose rows have the same labels, each in another order.

    Such rows have two readings: pandas itself pairs them by their labels, and arrays are paired by their place.

    Parameters
    ----------
    function : str
        It begins the message of an error.
    **arguments : object
        Samples, targets, weights; what has no labels of rows is paired by its place.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from fastnn.frames import check_same_order
    >>> check_same_order("fit", x=[[1], [2]], y=[0, 1])
    """
    labelled = {name: value.index for name, value in arguments.items() if hasattr(value, "iloc")}
    first = next(iter(labelled), "")
    for name, index in labelled.items():
        known = labelled[first]
        if len(index) != len(known) or index.equals(known) or not (index.is_unique and known.is_unique):
            continue
        if index.isin(known).all():
            raise ValueError(
                f"{function}: {name}: expected the rows of {first} in their order, got the same labels in another one; "
                f"{name}.loc[{first}.index] brings them into it, {name}.to_numpy() pairs them as they stand"
            )


def as_numbers(function: str, argument: str, frame: Any) -> NDArray[Any]:
    """The numbers of a table as an array (N, D).

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    frame : DataFrame

    Returns
    -------
    (N, D) array
        Of the table's own common dtype; float64 for the dtypes of pandas that NumPy does not have, with NaN for what
        is missing.

    Raises
    ------
    TypeError
        If a column holds something else than numbers.
    """
    array = np.asarray(frame)
    if array.dtype.kind in "fiub":
        return array
    columns = [np.asarray(frame[name]) for name in frame.columns] if len(set(frame.columns)) == array.shape[1] else []
    for name, column in zip(frame.columns, columns, strict=False):
        kind = getattr(getattr(frame[name], "dtype", None), "kind", column.dtype.kind)  # pandas' own dtypes have one
        if kind not in "fiub":
            raise TypeError(
                f"{function}: {argument}: expected columns of numbers, got column {name!r} of dtype "
                f"{getattr(frame[name], 'dtype', column.dtype)}"
            )
    try:
        return np.asarray(frame.astype(np.float64))
    except (TypeError, ValueError, AttributeError) as error:
        raise TypeError(f"{function}: {argument} must be real numbers, got dtype {array.dtype} ({error})") from None
