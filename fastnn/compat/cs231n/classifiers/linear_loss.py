"""What the losses of linear classifiers share: the scores, and the penalty of the first assignment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from fastnn.compat.cs231n.arrays import Array, common

__all__: list[str] = []


def penalised(
    loss_of_scores: Callable[[ArrayLike, ArrayLike], tuple[float, Array]],
    W: ArrayLike,
    X: ArrayLike,
    y: ArrayLike,
    reg: float,
) -> tuple[float, Array]:
    """Return a mean loss of the scores X W plus reg Σ W², and its gradient with respect to W.

    Parameters
    ----------
    loss_of_scores : callable
        Returns the loss of scores (N, C) and labels (N,), and its gradient with respect to the scores.
    W : (D, C) array
    X : (N, D) array
    y : (N,) array of int
    reg : float
    """
    w, x = common(W, X)
    loss, dscores = loss_of_scores(x @ w, y)
    return loss + reg * float(np.sum(w * w)), x.T @ dscores + 2 * reg * w
