"""Finite differences of the cost of the hand-out, as in the reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number, whole
from fastnn.compat.arguments import Array
from fastnn.compat.csc411.arguments import matrix, problem
from fastnn.compat.csc411.network import cost, gradient, probabilities


def finite_difference(x: ArrayLike, y: ArrayLike, theta: ArrayLike, h: float = 1e-3) -> float:
    """The gradient check of report A: one difference of the cost, with `h` added to all weights at once.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        One-hot columns.
    theta : (D, C) array, real
        Weights.
    h : float
        The number that is added to all weights.

    Returns
    -------
    float
        ``abs(mean((C(theta + h) - C(theta)) / h - df(theta + h, x, y)))``.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or ``h`` is not positive and finite.
    TypeError
        If an array is not real.

    Notes
    -----
    The number is about 0 for gradients that are wrong as well: :func:`shift_all_weights_check` says why and takes a
    gradient to try it on. :func:`negLogLossGrad_FiniteDifference` changes one weight at a time.

    Examples
    --------
    >>> from fastnn.compat.csc411 import finite_difference, finite_difference_case
    >>> finite_difference(*finite_difference_case()) < 1e-9
    True
    """
    x_, y_, w = problem("finite_difference", x, y, theta)
    number("finite_difference", "h", h, above=0)
    before, after = probabilities(x_, w), probabilities(x_, w + h)
    difference = (cost(after, y_) - cost(before, y_)) / h
    return abs(float(np.mean(difference - gradient(x_, y_, after))))


def negLogLossGrad_FiniteDifference(
    X: ArrayLike, Y: ArrayLike, W: ArrayLike, h: float = 1e-3, *, central: bool = False
) -> Array:
    """Gradient of the cost by finite differences, one weight at a time, under the name in report B.

    Parameters
    ----------
    X : (D, N) array, real
        Cases as columns.
    Y : (C, N) array, real
        One-hot columns.
    W : (D, C) array, real
        Weights.
    h : float
        The step that is added to one weight at a time.
    central : bool
        Use ``(C(W + h) - C(W - h)) / (2 h)`` instead of the report's ``(C(W + h) - C(W)) / h``.

    Returns
    -------
    (D, C) array, floating
        An estimate of :func:`negLogLossGrad`. Its error is of the order of h, or of h**2 for central differences, plus
        rounding of the order of the last digit of the cost divided by h.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or ``h`` is not positive and finite.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat import csc411
    >>> X, Y, W = csc411.finite_difference_case()
    >>> numeric = csc411.negLogLossGrad_FiniteDifference(X, Y, W, 1e-5, central=True)
    >>> bool(np.abs(numeric - csc411.negLogLossGrad(X, Y, W)).max() < 1e-9)
    True
    """
    x, y, w = problem("negLogLossGrad_FiniteDifference", X, Y, W)
    number("negLogLossGrad_FiniteDifference", "h", h, above=0)
    estimate = np.zeros_like(w)
    here = cost(probabilities(x, w), y)
    for i, j in np.ndindex(w.shape):
        ahead = _cost_with(x, y, w, i, j, h)
        if central:
            estimate[i, j] = (ahead - _cost_with(x, y, w, i, j, -h)) / (2 * h)
        else:
            estimate[i, j] = (ahead - here) / h
    return estimate


def finite_difference_table(
    X: ArrayLike, Y: ArrayLike, W: ArrayLike, *, rows: int = 10, h: float = 1.0, central: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The table of report B: the error of the gradient for a sequence of smaller and smaller steps.

    Parameters
    ----------
    X, Y, W
        As in :func:`negLogLossGrad_FiniteDifference`.
    rows : int
        The number of steps.
    h : float
        The first step. Each of the others is a tenth of the one before, computed by repeated division, so that the
        seventh is 1.0000000000000002e-06, which determines the last digits.
    central : bool
        Use central differences instead of the forward differences of the report.

    Returns
    -------
    steps : (rows,) float64 array
        The steps h.
    errors : (rows,) float64 array
        ``sum(abs(negLogLossGrad_FiniteDifference(X, Y, W, h) - negLogLossGrad(X, Y, W)))``, in nats per unit of
        weight, a sum over the weights.

    Raises
    ------
    ValueError
        If the shapes do not fit together, ``h`` is not positive and finite, or ``rows`` < 1.
    TypeError
        If an array is not real.

    Notes
    -----
    For :func:`finite_difference_case` the ten errors agree with report B in every digit, if the BLAS uses fused
    multiply-add, as those of the last decade do. Otherwise the last two or three digits differ, and from the eighth row
    on, where rounding dominates, most digits do.

    Examples
    --------
    >>> from fastnn.compat.csc411 import finite_difference_case, finite_difference_table
    >>> steps, errors = finite_difference_table(*finite_difference_case(), rows=3)
    >>> [round(float(e), 12) for e in errors]
    [2.698202291519, 0.200166359877, 0.019912135074]
    """
    x, y, w = problem("finite_difference_table", X, Y, W)
    number("finite_difference_table", "h", h, above=0)
    rows = whole("finite_difference_table", "rows", rows, at_least=1)
    exact = gradient(x, y, probabilities(x, w))
    steps, errors = np.empty(rows), np.empty(rows)
    for row in range(rows):
        steps[row] = h
        errors[row] = np.sum(np.abs(negLogLossGrad_FiniteDifference(x, y, w, h, central=central) - exact))
        h = h / 10
    return steps, errors


def finite_difference_case() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the case of report B's table.

    Returns
    -------
    X : (5, 4) float64 array
        Five equal rows 1, 2, 3, 4.
    Y : (4, 4) float64 array
        The identity, so that case n is of class n.
    W : (5, 4) float64 array
        The weights of the report.

    Examples
    --------
    >>> from fastnn.compat.csc411 import SimpleNetwork, finite_difference_case
    >>> X, Y, W = finite_difference_case()
    >>> SimpleNetwork(W, X)[:, 0].round(4)
    array([0.0043, 0.0865, 0.129 , 0.7803])
    """
    X = np.tile(np.array([1.0, 2.0, 3.0, 4.0]), (5, 1))
    W = np.array(
        [
            [1.0, 0.0, 1.2, 3.0],
            [1.0, 2.0, 0.2, 1.2],
            [1.0, 8.0, 1.0, 4.0],
            [1.0, -2.0, 3.0, 1.0],
            [1.0, 0.0, 3.0, 1.0],
        ]
    )
    return X, np.eye(4), W


def shift_all_weights_check(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    df: Callable[[Array, Array, Array], Any],
    h: float = 1e-3,
) -> float:
    """The gradient check of report A, which checks nothing.

    It computes one difference of the cost with ``h`` added to *all* weights at once, compares it with every entry of
    the gradient, and averages the signed differences.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        One-hot columns.
    w : (D, C) array, real
        Weights.
    df : callable
        The gradient to check, ``df(w, x, y) -> (D, C)``.
    h : float
        The number that is added to all weights.

    Returns
    -------
    float
        ``mean(df(w, x, y) - (C(w + h) - C(w)) / h)``, which is about 0 whatever the scale of the gradient.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or ``h`` is not positive and finite.
    TypeError
        If an array is not real.

    Notes
    -----
    The check is here to show that it is vacuous. The shift adds h * sum(x) to all logits of a case, which does not
    change their softmax, so the difference is 0 up to rounding. The entries of the true gradient sum to 0 over the
    classes, as the columns of P - Y do, and so do those of a gradient that is five times too large, or of one that is
    zero: all of them pass. :func:`negLogLossGrad_FiniteDifference` changes one weight at a time and
    tells them apart.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat import csc411
    >>> X, Y, W = csc411.finite_difference_case()
    >>> too_large = lambda w, x, y: 5 * csc411.df(w, x, y)
    >>> abs(csc411.shift_all_weights_check(X, Y, W, too_large)) < 1e-9
    True
    >>> numeric = csc411.negLogLossGrad_FiniteDifference(X, Y, W, central=True)
    >>> bool(np.abs(too_large(W, X, Y) - numeric).max() > 1)
    True
    """
    x_, y_, w_ = problem("shift_all_weights_check", x, y, w)
    number("shift_all_weights_check", "h", h, above=0)
    difference = (cost(probabilities(x_, w_ + h), y_) - cost(probabilities(x_, w_), y_)) / h
    under_test = matrix("shift_all_weights_check", "df(w, x, y)", df(w_, x_, y_))
    if under_test.shape != w_.shape:
        raise ValueError(
            f"shift_all_weights_check: df(w, x, y) must have the shape of w, {w_.shape}, got {under_test.shape}"
        )
    return float(np.mean(under_test - difference))


def _cost_with(x: Array, y: Array, w: Array, i: int, j: int, h: float) -> float:
    """Return the cost with ``h`` added to weight (i, j)."""
    moved = w.copy()
    moved[i, j] += h
    return cost(probabilities(x, moved), y)
