"""Mini-batch gradient descent: plain, with momentum, and weight by weight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.compat.arguments import Array, floating
from fastnn.compat.csc411.arguments import matrix, problem, ranges, velocity
from fastnn.compat.csc411.network import probabilities

Gradient: TypeAlias = Callable[[Array, Array, Array], Any]
Callback: TypeAlias = Callable[[int, Array], object]


def sgd(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    df: Gradient,
    alpha: float,
    epoch: int,
    *,
    batch_size: int = 128,
    max_steps: int | None = None,
    callback: Callback | None = None,
) -> Array:
    """Mini-batch gradient descent, ``w <- w - alpha * df(w, x_batch, y_batch)``.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        One-hot columns.
    w : (D, C) array, real
        Weights to start from.
    df : callable
        The gradient ``df(w, x, y) -> (D, C)``, for instance :func:`df`, which is a sum over the batch.
    alpha : float
        The learning rate. If the gradient is a sum, the rate is per case, not per batch.
    epoch : int
        The number of passes over all cases.
    batch_size : int
        The number of columns in a batch; the last batch of a pass may have fewer.
    max_steps : int, optional
        Stop after this many updates, even in the middle of a pass.
    callback : callable, optional
        Called as ``callback(step, w)`` after every update, where step counts from 1. Every update makes a new array, so
        that ``w`` may be kept.

    Returns
    -------
    (D, C) array, floating
        The trained weights.

    Raises
    ------
    ValueError
        If shapes do not fit together, there are no cases, or a number is out of range.
    TypeError
        If an array is not real.

    Notes
    -----
    Batches are slices of neighbouring columns, in order. Shuffle the columns first if they are sorted by class, as in
    ``mnist_all.mat``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import df, forward, sgd
    >>> x, y = np.array([[0.0, 1.0, 2.0, 3.0], [1, 1, 1, 1]]), np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    >>> w = sgd(x, y, np.zeros((2, 2)), df, 0.1, 500, batch_size=2)
    >>> forward(x, w).argmax(axis=0)
    array([0, 0, 1, 1])
    """
    return _mini_batches("sgd", x, y, w, df, alpha, epoch, 0.0, 0.0, batch_size, max_steps, callback)


def sgd_momentum(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    df: Gradient,
    alpha: float,
    epoch: int,
    *,
    momentum: float = 0.9,
    init_v: ArrayLike = 0.0,
    batch_size: int = 128,
    max_steps: int | None = None,
    callback: Callback | None = None,
) -> Array:
    """Mini-batch gradient descent with momentum, ``v <- momentum * v + alpha * df``, ``w <- w - v``.

    Parameters
    ----------
    x, y, w, df, alpha, epoch
        As in :func:`sgd`.
    momentum : float
        Fraction of the last velocity that is kept, in [0, 1).
    init_v : float or (D, C) array
        Velocity before the first update, in units of the weights.
    batch_size, max_steps, callback
        As in :func:`sgd`.

    Returns
    -------
    (D, C) array, floating
        The trained weights.

    Raises
    ------
    ValueError
        If shapes do not fit together, there are no cases, or a number is out of range.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import df, forward, sgd_momentum
    >>> x, y = np.array([[0.0, 1.0, 2.0, 3.0], [1, 1, 1, 1]]), np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    >>> w = sgd_momentum(x, y, np.zeros((2, 2)), df, 0.1, 100, batch_size=2)
    >>> forward(x, w).argmax(axis=0)
    array([0, 0, 1, 1])
    """
    return _mini_batches("sgd_momentum", x, y, w, df, alpha, epoch, momentum, init_v, batch_size, max_steps, callback)


def gradient_descent(
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    alpha: float,
    epoch: int,
    *,
    batch_size: int = 128,
    max_steps: int | None = None,
    callback: Callback | None = None,
) -> Array:
    """Mini-batch gradient descent weight by weight, with a forward pass for each.

    This is the slow method with which back-propagation is compared. It does the steps of :func:`sgd` with the summed
    gradient, on the same batches, but computes every partial derivative separately.

    Parameters
    ----------
    x, y, w, alpha, epoch, batch_size, max_steps, callback
        As in :func:`sgd`.

    Returns
    -------
    (D, C) array, floating
        The trained weights, those of ``sgd(x, y, w, df, alpha, epoch)`` up to rounding.

    Raises
    ------
    ValueError
        If shapes do not fit together, there are no cases, or a number is out of range.
    TypeError
        If an array is not real.

    Notes
    -----
    ``dC/dW[i, j] = sum(X[i] * (P[j] - Y[j]))`` with P from a separate forward pass. An update takes D * C
    forward passes, 7,850 for MNIST, where back-propagation takes one.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import df, finite_difference_case, gradient_descent, sgd
    >>> x, y, w = finite_difference_case()
    >>> np.allclose(gradient_descent(x, y, w, 1e-3, 5), sgd(x, y, w, df, 1e-3, 5), rtol=1e-12)
    True
    """

    def weight_by_weight(w: Array, x: Array, y: Array) -> Array:
        x, y, w = problem("gradient_descent", x, y, w)
        g = np.empty_like(w)
        for i, j in np.ndindex(w.shape):
            g[i, j] = np.sum(x[i] * (probabilities(x, w)[j] - y[j]))
        return g

    return _mini_batches(
        "gradient_descent", x, y, w, weight_by_weight, alpha, epoch, 0.0, 0.0, batch_size, max_steps, callback
    )


def _mini_batches(
    name: str,
    x: ArrayLike,
    y: ArrayLike,
    w: ArrayLike,
    df: Gradient,
    alpha: float,
    epoch: int,
    momentum: float,
    init_v: ArrayLike,
    batch_size: int,
    max_steps: int | None,
    callback: Callback | None,
) -> Array:
    """Do the steps of gradient descent over batches, plain (momentum 0, velocity 0) or with momentum."""
    # Cases and targets keep their dtype, such as uint8 of images, because df promotes each batch.
    cases, targets = matrix(name, "x", x), matrix(name, "y", y)
    (start,) = floating(matrix(name, "w", w))
    problem(name, cases[:, :1], targets[:, :1], start)
    if cases.shape[1] != targets.shape[1]:
        raise ValueError(
            f"{name}: x and y must have the same number of columns (cases), got {cases.shape[1]} and {targets.shape[1]}"
        )
    ranges(name, cases, alpha, momentum)
    whole(name, "epoch", epoch, at_least=0)
    whole(name, "batch_size", batch_size, at_least=1)
    if max_steps is not None:
        whole(name, "max_steps", max_steps, at_least=0)
    weights, v = start.copy(), velocity(name, init_v, start)
    for step, columns in enumerate(_slices(cases.shape[1], epoch, batch_size), start=1):
        if max_steps is not None and step > max_steps:
            break
        v = momentum * v + alpha * df(weights, cases[:, columns], targets[:, columns])
        weights = weights - v
        if callback is not None:
            callback(step, weights)
    return weights


def _slices(cases: int, epochs: int, batch_size: int) -> Iterator[slice]:
    for _ in range(epochs):
        for start in range(0, cases, batch_size):
            yield slice(start, start + batch_size)
