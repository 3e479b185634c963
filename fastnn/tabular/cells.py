"""Single values of tables: which are missing, and values as text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or pandas' NA, which is neither equal nor unequal to itself.

    Parameters
    ----------
    value : object

    Examples
    --------
    >>> from fastnn.tabular.cells import is_missing
    >>> is_missing(float("nan")), is_missing("")
    (True, False)
    """
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return True


def texts(values: Array) -> Array:
    """Values as text, so that a category is the same after it was saved: whole numbers without a point.

    Parameters
    ----------
    values : (N,) array

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.tabular.cells import texts
    >>> texts(np.array([3.0, "red", None], object)).tolist()
    ['3', 'red', None]
    """
    found = np.full(len(values), None, object)
    for i, value in enumerate(values.tolist()):
        if not is_missing(value):
            found[i] = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return found
