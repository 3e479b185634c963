"""The class that a row marks: of scores, of probabilities, or a one-hot label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def classes_of_rows(function: str, argument: str, rows: NDArray[Any], *, unique: bool) -> NDArray[np.int64]:
    """The place of the largest element of each row, if that is a class.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    rows : (N, C) array, real
        Of any other shape, it is refused.
    unique : bool
        Whether a row with several largest elements is refused, as one of targets is, which then marks no class.
        Otherwise the first of them counts.

    Returns
    -------
    (N,) int64

    Raises
    ------
    ValueError
        If a row holds NaN, or marks several classes; or if there are no rows of two elements and more. One element may
        be a score as well as a label in a column.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.decisions.rows import classes_of_rows
    >>> classes_of_rows("accuracy", "outputs", np.array([[0.2, 0.8], [0.5, 0.5]]), unique=False)
    array([1, 0])
    """
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(
            f"{function}: {argument} must have shape (N,) or (N, C) with at least two classes, got {rows.shape}; "
            "pass a column of labels as labels (N,)"
        )
    largest = rows.max(axis=1, keepdims=True)
    nan = (largest != largest)[:, 0]
    if nan.any():
        raise ValueError(f"{function}: {argument} must be numbers, got NaN in sample {int(np.argmax(nan))}")
    if unique:
        several = (rows == largest).sum(axis=1) > 1
        if several.any():
            raise ValueError(
                f"{function}: a row of {argument} must have one largest element, which marks the class, but that of "
                f"sample {int(np.argmax(several))} has several"
            )
    return np.asarray(rows.argmax(axis=1), np.int64)
