"""The network of the hand-out: probabilities, cost and gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.compat.arguments import Array, floating
from fastnn.compat.csc411.arguments import inputs, matrix, problem


def softmax(y: ArrayLike) -> Array:
    """The probabilities ``exp(y) / sum(exp(y))`` of every column of logits.

    Parameters
    ----------
    y : (C, N) array, real
        Logits, with one case in each column.

    Returns
    -------
    (C, N) array, floating
        Columns that sum to one.

    Raises
    ------
    ValueError
        If ``y`` is not two-dimensional or has no rows.
    TypeError
        If ``y`` is not real.

    Notes
    -----
    The logits are not shifted by their maximum, because the shift changes the last digits and the table of finite
    differences in the hand-out was computed without it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import softmax
    >>> softmax([[0.0, 0.0], [0.0, np.log(3.0)]])
    array([[0.5 , 0.25],
           [0.5 , 0.75]])
    """
    return unchecked_softmax(*floating(matrix("softmax", "y", y)))


def forward(x: ArrayLike, w: ArrayLike) -> Array:
    """Class probabilities of a linear layer with softmax, under the name in report A.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns, including the row of ones for the bias.
    w : (D, C) array, real
        Weights, with one column for each class.

    Returns
    -------
    (C, N) array, floating
        ``softmax(w.T @ x)``.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import forward
    >>> forward([[1.0], [2.0]], np.zeros((2, 4))).ravel()
    array([0.25, 0.25, 0.25, 0.25])
    """
    return probabilities(*inputs("forward", x, w))


def SimpleNetwork(W: ArrayLike, X: ArrayLike) -> Array:
    """Class probabilities of a linear layer with softmax, with the name and the order of arguments in report B.

    Parameters
    ----------
    W : (D, C) array, real
        Weights, with one column for each class.
    X : (D, N) array, real
        Cases as columns, including the row of ones for the bias.

    Returns
    -------
    (C, N) array, floating
        ``softmax(W.T @ X)``.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import SimpleNetwork
    >>> SimpleNetwork(np.zeros((2, 4)), [[1.0], [2.0]]).ravel()
    array([0.25, 0.25, 0.25, 0.25])
    """
    return probabilities(*inputs("SimpleNetwork", X, W))


def NLL(P: ArrayLike, Y: ArrayLike) -> float:
    """Summed negative log-likelihood ``-sum(Y * log(P))``, in nats.

    Parameters
    ----------
    P : (C, N) array, real
        Probabilities.
    Y : (C, N) array, real
        One-hot columns.

    Returns
    -------
    float
        The cost, a sum (not a mean) over cases.

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array is not real.

    Notes
    -----
    If a probability is exactly zero, the cost is NaN (0 * -inf) or infinite, as the formula says.

    Examples
    --------
    >>> from fastnn.compat.csc411 import NLL
    >>> round(NLL([[0.5, 0.2], [0.5, 0.8]], [[1, 0], [0, 1]]), 6)
    0.916291
    """
    p, y = matrix("NLL", "P", P), matrix("NLL", "Y", Y)
    if p.shape != y.shape:
        raise ValueError(f"NLL: P and Y must have one shape, got {p.shape} and {y.shape}")
    return cost(p, y)


def negLogLossGrad(X: ArrayLike, Y: ArrayLike, W: ArrayLike) -> Array:
    """Gradient of the summed cost with respect to the weights, with the name and order of arguments in report B.

    Parameters
    ----------
    X : (D, N) array, real
        Cases as columns.
    Y : (C, N) array, real
        One-hot columns.
    W : (D, C) array, real
        Weights.

    Returns
    -------
    (D, C) array, floating
        ``X @ (P - Y).T`` with ``P = softmax(W.T @ X)``.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> from fastnn.compat.csc411 import negLogLossGrad
    >>> negLogLossGrad([[1.0, 2.0]], [[1, 0], [0, 1]], [[0.0, 0.0]])
    array([[ 0.5, -0.5]])
    """
    x, y, w = problem("negLogLossGrad", X, Y, W)
    return gradient(x, y, probabilities(x, w))


def df(w: ArrayLike, x: ArrayLike, y: ArrayLike) -> Array:
    """Gradient of the summed cost with respect to the weights, with the name and order of arguments in report A.

    Parameters
    ----------
    w : (D, C) array, real
        Weights.
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        One-hot columns.

    Returns
    -------
    (D, C) array, floating
        The same as ``negLogLossGrad(x, y, w)``.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> from fastnn.compat.csc411 import df
    >>> df([[0.0, 0.0]], [[1.0, 2.0]], [[1, 0], [0, 1]])
    array([[ 0.5, -0.5]])
    """
    x, y, w = problem("df", x, y, w)
    return gradient(x, y, probabilities(x, w))


# The formulas, whose arguments are already checked. Sums run over the whole array at once, because
# another order would change the last digits of the table of finite differences.


def unchecked_softmax(logits: Array) -> Array:
    """Return ``exp(y) / sum(exp(y))`` for each column."""
    p: Array = np.exp(logits)
    p /= np.sum(p, axis=0)
    return p


def probabilities(x: Array, w: Array) -> Array:
    """Return the (C, N) output of the network."""
    return unchecked_softmax(w.T.dot(x))


def cost(p: Array, y: Array) -> float:
    """Return the summed negative log-likelihood."""
    return float(-np.sum(y * np.log(p)))


def gradient(x: Array, y: Array, p: Array) -> Array:
    """Return the (D, C) gradient of the cost."""
    g: Array = x.dot((p - y).T)
    return g
