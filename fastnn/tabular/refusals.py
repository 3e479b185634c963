"""What is no table and no column of targets, answered with what makes one of it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any


def refuse_what_is_no_table(function: str, X: object) -> None:
    """Raise TypeError for a path, a frame that is not computed yet, and a list of records.

    Parameters
    ----------
    function : str
        It begins the message of the error.
    X : object

    Examples
    --------
    >>> from fastnn.tabular.refusals import refuse_what_is_no_table
    >>> refuse_what_is_no_table("TableRegressor", "houses.csv")
    Traceback (most recent call last):
    TypeError: TableRegressor: X: expected a table, got the text 'houses.csv'; pandas.read_csv reads one from a file
    """
    if isinstance(X, str | PathLike):
        what = f"the text {str(X)!r:.80}; pandas.read_csv reads one from a file"
    elif hasattr(X, "collect") and hasattr(type(X), "columns"):
        what = f"a {type(X).__name__}; X.collect() makes it one"
    elif isinstance(X, list | tuple) and X and isinstance(X[0], Mapping):
        what = f"a {type(X).__name__} of {type(X[0]).__name__}; pandas.DataFrame(X) makes it one"
    else:
        return
    raise TypeError(f"{function}: X: expected a table, got {what}")


def refuse_a_name(function: str, y: Any) -> None:
    """Raise TypeError for a text in the place of targets.

    Parameters
    ----------
    function : str
        It begins the message of the error.
    y : object

    Examples
    --------
    >>> from fastnn.tabular.refusals import refuse_a_name
    >>> refuse_a_name("TableRegressor", [1.5, 2.0])
    """
    if isinstance(y, str):
        raise TypeError(
            f"{function}: y: expected a target for each row, got the text {y!r:.40}; a column of a data frame is given "
            f"by itself, as in fit(X.drop(columns={y!r:.40}), X[{y!r:.40}])"
        )
