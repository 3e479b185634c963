"""Classification by the nearest samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import choice, whole
from fastnn.compat.cs231n.arrays import Array, common

__all__ = ["KNearestNeighbor"]


class KNearestNeighbor:
    """A classifier that gives a sample the most frequent class of the k nearest ones, by Euclidean distance."""

    X_train: Array | None = None
    y_train: Array

    def train(self, X: ArrayLike, y: ArrayLike) -> None:
        """Keep samples X (N, D) and their classes y (N,)."""
        (self.X_train,), self.y_train = common(X), np.asarray(y)
        if self.X_train.ndim != 2 or self.y_train.shape != self.X_train.shape[:1]:
            shapes = f"{self.X_train.shape} and {self.y_train.shape}"
            raise ValueError(f"train: expected X (N, D) and y (N,), got {shapes}")

    def predict(self, X: ArrayLike, k: int = 1, num_loops: int = 0) -> Array:
        """Return the classes (M,) of samples X (M, D); `num_loops` is 0, 1 or 2 and decides nothing."""
        choice("predict", "num_loops", num_loops, (0, 1, 2))
        return self.predict_labels(self.compute_distances_no_loops(X), k=k)

    def compute_distances_no_loops(self, X: ArrayLike) -> Array:
        """Return the distances (M, N) of samples X (M, D) from those of training.

        They are √(a² + b² - 2 a b) from a matrix product, with an error of the order of √u |a|, where u is the unit
        roundoff. The hand-out's variants with one and two loops are the same function here.
        """
        if self.X_train is None:
            raise ValueError("compute_distances: call train first")
        x, kept = common(X, self.X_train)
        if x.ndim != 2 or x.shape[1] != kept.shape[1]:
            raise ValueError(f"compute_distances: expected X (M, {kept.shape[1]}), got {x.shape}")
        squares = np.square(x).sum(axis=1)[:, np.newaxis] + np.square(kept).sum(axis=1) - 2 * (x @ kept.T)
        return np.asarray(np.sqrt(np.maximum(squares, 0, out=squares), out=squares))

    compute_distances_one_loop = compute_distances_two_loops = compute_distances_no_loops

    def predict_labels(self, dists: Array, k: int = 1) -> Array:
        """Return the most frequent class of the k nearest samples for each row of `dists` (M, N).

        Among equally frequent classes it is the smallest one, among equally near samples the first.
        """
        k = whole("predict_labels", "k", k, at_least=1, at_most=np.shape(dists)[1])
        nearest = np.argsort(dists, axis=1, kind="stable")[:, :k]
        classes, numbers = np.unique(self.y_train, return_inverse=True)
        votes = np.zeros((len(nearest), len(classes)), np.int64)
        np.add.at(votes, (np.arange(len(nearest))[:, np.newaxis], numbers[nearest]), 1)
        return np.asarray(classes[votes.argmax(axis=1)])
