"""The cross-entropy of a linear classifier."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastnn.compat.cs231n.arrays import Array
from fastnn.compat.cs231n.classifiers.linear_loss import penalised
from fastnn.compat.cs231n.layers import softmax_loss

__all__ = ["softmax_loss_naive", "softmax_loss_vectorized"]


def softmax_loss_vectorized(W: ArrayLike, X: ArrayLike, y: ArrayLike, reg: float) -> tuple[float, Array]:
    """Return mean cross-entropy + reg Σ W², and its gradient, of a linear classifier W (D, C) on X (N, D), y (N,)."""
    return penalised(softmax_loss, W, X, y, reg)


softmax_loss_naive = softmax_loss_vectorized
