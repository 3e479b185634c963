"""Batches of columns, in a random order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.compat.arguments import Array
from fastnn.compat.csc411.arguments import matrix


def shuffle_input(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Put the cases and their targets into a new random order.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        Their targets.

    Returns
    -------
    x, y : arrays
        Copies with the columns in the new order, which NumPy's global generator decides.

    Raises
    ------
    ValueError
        If the numbers of columns differ.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import shuffle_input
    >>> np.random.seed(0)
    >>> x, y = shuffle_input([[1, 2, 3, 4]], [[10, 20, 30, 40]])
    >>> bool((y == 10 * x).all()), sorted(x[0].tolist())
    (True, [1, 2, 3, 4])
    """
    cases, targets = pair("shuffle_input", x, y)
    order = np.random.permutation(cases.shape[1])
    return cases[:, order], targets[:, order]


def next_batch(x: ArrayLike, y: ArrayLike, batchSize: int) -> Iterator[tuple[Array, Array]]:
    """Cut the cases into batches of neighbouring columns, the last of which has those that remain.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        Their targets.
    batchSize : int
        At least 1.

    Yields
    ------
    x, y : arrays
        Views of `batchSize` columns. (The code of report A took only the two columns at both ends of each batch.)

    Raises
    ------
    ValueError
        If the numbers of columns differ, or the size is less than 1.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> from fastnn.compat.csc411 import next_batch
    >>> [part.tolist() for part, _ in next_batch([[1, 2, 3]], [[1, 1, 1]], 2)]
    [[[1, 2]], [[3]]]
    """
    cases, targets = pair("next_batch", x, y)
    size = whole("next_batch", "batchSize", batchSize, at_least=1)
    return ((cases[:, i : i + size], targets[:, i : i + size]) for i in range(0, cases.shape[1], size))


def pair(function: str, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Check that there is one target for each case; return both as arrays."""
    cases, targets = matrix(function, "x", x), matrix(function, "y", y)
    if cases.shape[1] != targets.shape[1]:
        raise ValueError(
            f"{function}: x and y must have the same number of columns (cases), got {cases.shape[1]} and "
            f"{targets.shape[1]}"
        )
    return cases, targets
