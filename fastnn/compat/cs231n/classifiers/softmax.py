"""The cross-entropy of a linear classifier."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.compat.cs231n.arrays import Array, common
from fastnn.compat.cs231n.layers import softmax_loss

__all__ = ["softmax_loss_naive", "softmax_loss_vectorized"]


def softmax_loss_vectorized(W: ArrayLike, X: ArrayLike, y: ArrayLike, reg: float) -> tuple[float, Array]:
    """Return mean cross-entropy + reg Σ W², and its gradient, of a linear classifier W (D, C) on X (N, D), y (N,)."""
    w, x = common(W, X)
    loss, dscores = softmax_loss(x @ w, y)
    return loss + reg * float(np.sum(w * w)), x.T @ dscores + 2 * reg * w


softmax_loss_naive = softmax_loss_vectorized
