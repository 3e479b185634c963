"""The summed cost of a softmax network as a function of two weights of one class, the others fixed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class TwoWeights:
    """Cost, gradient and curvature as functions of two weights.

    Parameters
    ----------
    x : (N, D) array
        Inputs.
    labels : (N,) int array
        Class of each sample.
    w : (D, C) array
        Trained weights.
    rows : pair of int
        The inputs whose weights are varied.
    column : int
        The class whose weights are varied.

    Notes
    -----
    Changing weights of one class changes one logit z of each sample by d = a x_i + b x_j. If s is the log-sum-exp of
    the other logits, the cost of a sample is log(exp(s) + exp(z + d)) minus the logit of the right class. Samples in
    which both inputs are zero add a constant, which is computed once.
    """

    def __init__(self, x: NDArray[Any], labels: NDArray[np.int64], w: NDArray[Any], rows: tuple[int, int], column: int):
        pair = x[:, list(rows)].astype(np.float64)
        moved = pair.any(axis=1)
        z = x.astype(np.float32) @ w.astype(np.float32)
        z = z.astype(np.float64)
        cost = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), labels]
        self._constant = float(cost[~moved].sum())
        others = np.delete(z[moved], column, axis=1)
        self._rest = np.logaddexp.reduce(others, axis=1)
        self._logit, self._pair = z[moved, column], pair[moved]
        self._is_class = (labels[moved] == column).astype(np.float64)
        right = z[moved][np.arange(int(moved.sum())), labels[moved]]
        self._right = np.where(self._is_class == 1, self._logit, right)
        self.start = np.array([w[rows[0], column], w[rows[1], column]], np.float64)

    def cost(self, a: float, b: float) -> float:
        """Summed cost in nats if the two weights are (a, b)."""
        d = self._pair @ (np.array([a, b]) - self.start)
        z = self._logit + d
        return self._constant + float(np.sum(np.logaddexp(self._rest, z) - self._right - self._is_class * d))

    def gradient(self, point: Floats) -> Floats:
        """Gradient (2,) at a point (2,)."""
        return np.asarray(self._pair.T @ (self._probability(point) - self._is_class))

    def hessian(self, point: Floats) -> Floats:
        """Second derivatives (2, 2) at a point (2,)."""
        p = self._probability(point)
        return np.asarray((self._pair * (p * (1 - p))[:, None]).T @ self._pair)

    def minimum(self) -> Floats:
        """The point of least cost, found by Newton's method with step halving."""
        point = self.start.copy()
        for _ in range(100):
            step = np.linalg.solve(self.hessian(point), self.gradient(point))
            size = 1.0
            while self.cost(*(point - size * step)) > self.cost(*point) and size > 1e-6:
                size /= 2
            point = point - size * step
            if np.abs(size * step).max() < 1e-10:
                break
        return point

    def descend(self, start: Floats, rate: float, momentum: float, steps: int) -> Floats:
        """The points (steps + 1, 2) of a descent with v <- momentum v + rate g, where v starts at zero."""
        points, v = [np.asarray(start, np.float64)], np.zeros(2)
        for _ in range(steps):
            v = momentum * v + rate * self.gradient(points[-1])
            points.append(points[-1] - v)
        return np.array(points)

    def _probability(self, point: Floats) -> Floats:
        z = self._logit + self._pair @ (np.asarray(point) - self.start)
        return np.asarray(np.exp(z - np.logaddexp(self._rest, z)))
