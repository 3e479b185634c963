"""The hinge loss of a linear classifier."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastnn.compat.cs231n.arrays import Array
from fastnn.compat.cs231n.classifiers.linear_loss import penalised
from fastnn.compat.cs231n.layers import svm_loss

__all__ = ["svm_loss_naive", "svm_loss_vectorized"]


def svm_loss_vectorized(W: ArrayLike, X: ArrayLike, y: ArrayLike, reg: float) -> tuple[float, Array]:
    """Return mean hinge loss + reg Σ W², and its gradient, of a linear classifier W (D, C) on X (N, D), y (N,)."""
    return penalised(svm_loss, W, X, y, reg)


svm_loss_naive = svm_loss_vectorized
