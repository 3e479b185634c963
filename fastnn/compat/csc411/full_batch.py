"""Full-batch gradient descent that records its path."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import number, whole
from fastnn.compat.arguments import Array
from fastnn.compat.csc411.arguments import problem, ranges, velocity
from fastnn.compat.csc411.network import cost, gradient, probabilities


def part5_gradient_descent(
    X: ArrayLike,
    Y: ArrayLike,
    init_W: ArrayLike,
    alpha: float,
    eps: float,
    max_iter: int,
    init_v: ArrayLike,
    momentum: float,
) -> tuple[list[Array], list[tuple[int, float]]]:
    """Full-batch gradient descent with momentum that records its path.

    Parameters
    ----------
    X : (D, N) array, real
        Cases as columns.
    Y : (C, N) array, real
        One-hot columns.
    init_W : (D, C) array, real
        Weights to start from.
    alpha : float
        The learning rate for the gradient summed over all cases.
    eps : float
        Stop as soon as the Frobenius norm of an update is less than this; with 0, never stop early.
    max_iter : int
        The largest number of updates.
    init_v : float or (D, C) array
        Velocity before the first update; 0 means at rest.
    momentum : float
        Fraction of the last velocity that is kept, in [0, 1); 0 is plain descent.

    Returns
    -------
    Whistory : list of (D, C) arrays
        The weights at the recorded iterations, from the initial ones to the result.
    history : list of (int, float)
        Iteration (the number of updates done) and summed cost in nats, for each entry of ``Whistory``.

    Raises
    ------
    ValueError
        If shapes do not fit together, there are no cases, or a number is out of range.
    TypeError
        If an array is not real.

    Notes
    -----
    One update is ``v <- momentum * v + alpha * dC/dW``, ``W <- W - v``. The iterations ``k * max_iter // 100`` for k =
    0
    ... 100 are recorded (all if max_iter <= 100), and the last one.

    Examples
    --------
    >>> from fastnn.compat.csc411 import finite_difference_case, part5_gradient_descent
    >>> X, Y, W = finite_difference_case()
    >>> weights, history = part5_gradient_descent(X, Y, W, 1e-3, 1e-5, 20, 0.0, 0.9)
    >>> len(weights), history[0][0], history[-1][0], history[-1][1] < history[0][1]
    (21, 0, 20, True)
    """
    name = "part5_gradient_descent"
    x, y, w = problem(name, X, Y, init_W)
    ranges(name, x, alpha, momentum)
    number(name, "eps", eps, at_least=0, finite=False)
    whole(name, "max_iter", max_iter, at_least=0)
    w, v = w.copy(), velocity(name, init_v, w)
    due = {k * max_iter // 100 for k in range(101)}
    weights: list[Array] = []
    history: list[tuple[int, float]] = []
    iteration = 0
    while True:
        p = probabilities(x, w)
        short = iteration > 0 and float(np.linalg.norm(v)) < eps  # the last update was W - v
        if short or iteration in due:
            weights.append(w)
            history.append((iteration, cost(p, y)))
        if short or iteration == max_iter:
            return weights, history
        v = momentum * v + alpha * gradient(x, y, p)
        w = w - v
        iteration += 1
