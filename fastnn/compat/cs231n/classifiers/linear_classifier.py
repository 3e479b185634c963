"""Linear classifiers, trained by gradient descent on batches drawn with replacement."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import ArrayLike

from fastnn.compat.cs231n.arrays import Array
from fastnn.compat.cs231n.classifiers.fc_net import normal
from fastnn.compat.cs231n.classifiers.linear_svm import svm_loss_naive, svm_loss_vectorized
from fastnn.compat.cs231n.classifiers.saving import load_arrays, save_arrays
from fastnn.compat.cs231n.classifiers.softmax import softmax_loss_naive, softmax_loss_vectorized

__all__ = [
    "LinearClassifier",
    "LinearSVM",
    "Softmax",
    "softmax_loss_naive",
    "softmax_loss_vectorized",
    "svm_loss_naive",
    "svm_loss_vectorized",
]


class LinearClassifier:
    """A classifier with scores X W; subclasses have the loss."""

    W: Array | None = None

    def train(
        self,
        X: ArrayLike,
        y: ArrayLike,
        learning_rate: float = 1e-3,
        reg: float = 1e-5,
        num_iters: int = 100,
        batch_size: int = 200,
        verbose: bool = False,
    ) -> list[float]:
        """Do `num_iters` steps of gradient descent; return the loss of the batch of each step."""
        x, labels = np.asarray(X), np.asarray(y)
        if self.W is None:
            self.W = normal(0.001, x.shape[1], int(labels.max()) + 1)
        history = []
        for i in range(num_iters):
            batch = np.random.choice(len(x), batch_size)
            loss, gradient = self.loss(x[batch], labels[batch], reg)
            history.append(loss)
            self.W = self.W - learning_rate * gradient
            if verbose and i % 100 == 0:
                print(f"iteration {i} / {num_iters}: loss {loss:f}")
        return history

    def predict(self, X: ArrayLike) -> Array:
        """Return the classes (N,) of X (N, D)."""
        if self.W is None:
            raise ValueError("predict: call train first")
        return np.asarray(np.argmax(np.asarray(X) @ self.W, axis=1))

    def loss(self, X_batch: ArrayLike, y_batch: ArrayLike, reg: float) -> tuple[float, Array]:
        """Return the loss and its gradient for a batch."""
        raise NotImplementedError(f"{type(self).__name__}: loss is missing")

    def save(self, fname: str | PathLike[str]) -> None:
        """Write W to a file."""
        if self.W is None:
            raise ValueError("save: call train first")
        save_arrays(fname, {"W": self.W})

    def load(self, fname: str | PathLike[str]) -> bool:
        """Read W from a file that `save` wrote; return whether there is one."""
        arrays = load_arrays(fname)
        if arrays is not None:
            self.W = arrays["W"]
        return arrays is not None


class LinearSVM(LinearClassifier):
    """A linear classifier with the multi-class hinge loss."""

    def loss(self, X_batch: ArrayLike, y_batch: ArrayLike, reg: float) -> tuple[float, Array]:
        assert self.W is not None
        return svm_loss_vectorized(self.W, X_batch, y_batch, reg)


class Softmax(LinearClassifier):
    """A linear classifier with the cross-entropy of the softmax."""

    def loss(self, X_batch: ArrayLike, y_batch: ArrayLike, reg: float) -> tuple[float, Array]:
        assert self.W is not None
        return softmax_loss_vectorized(self.W, X_batch, y_batch, reg)
