"""Gradient descent that changes one weight after the other, as report A does."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.compat.arguments import Array, floating
from fastnn.compat.csc411.arguments import problem, ranges
from fastnn.compat.csc411.batches import next_batch, shuffle_input
from fastnn.compat.csc411.network import probabilities


def update_every_weight(
    x: ArrayLike, y: ArrayLike, w: Array, wi: int, wj: int, alpha: float, output: ArrayLike
) -> None:
    """Do one step of descent for the single weight ``w[wi, wj]``, in place.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        One-hot columns.
    w : (D, C) array, floating
        Weights, one of which is changed.
    wi, wj : int
        Row and column of the weight.
    alpha : float
        The learning rate.
    output : (C, N) array, real
        Probabilities of the cases, from `forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.csc411 import forward, update_every_weight
    >>> x, y, w = np.array([[1.0, 2.0]]), np.array([[1, 0], [0, 1]]), np.zeros((1, 2))
    >>> update_every_weight(x, y, w, 0, 1, 0.1, forward(x, w))
    >>> w
    array([[0.  , 0.05]])
    """
    error = np.asarray(output)[wj] - np.asarray(y)[wj]
    w[wi, wj] -= alpha * np.sum(error * np.asarray(x)[wi])


def gradient_descend(x: ArrayLike, y: ArrayLike, w: ArrayLike, alpha: float, epoch: int) -> Array:
    """Descent in which each weight is changed by itself, after a forward pass of its own.

    Unlike in :func:`gradient_descent`, that pass sees the weights that have been changed before it.

    Parameters
    ----------
    x : (D, N) array, real
        Cases as columns.
    y : (C, N) array, real
        One-hot columns.
    w : (D, C) array, real
        Weights to start from, which are not changed. (Report A changed them.)
    alpha : float
        The learning rate.
    epoch : int
        The number of passes over all cases, each in a new random order and in batches of 128.

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
    >>> from fastnn.compat.csc411 import forward, gradient_descend
    >>> x, y = np.array([[0.0, 1.0, 2.0, 3.0], [1, 1, 1, 1]]), np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    >>> forward(x, gradient_descend(x, y, np.zeros((2, 2)), 0.1, 300)).argmax(axis=0)
    array([0, 0, 1, 1])
    """
    name = "gradient_descend"
    cases, targets, start = problem(name, x, y, w)
    ranges(name, cases, alpha, 0.0)
    (weights,) = floating(start.copy())
    for _ in range(whole(name, "epoch", epoch, at_least=0)):
        for batch, target in next_batch(*shuffle_input(cases, targets), 128):
            for wi, wj in np.ndindex(weights.shape):
                update_every_weight(batch, target, weights, wi, wj, alpha, probabilities(batch, weights))
    return weights
