"""The temperature by which scores are divided so that probabilities are as certain as they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LOWEST, HIGHEST = 0.02, 50.0
_ITERATIONS = 60  # of the golden section, each of which leaves 0.618 of the interval


def best_temperature(scores: Array, labels: NDArray[np.int64], weights: Array | None = None) -> float:
    """The temperature T that minimises the cross-entropy of softmax(scores / T), of targets that are not quite certain.

    A share of 1 / (N + 2) of each target is spread over the other classes, so that a sample that is wholly right does
    not make the probabilities certain.

    Parameters
    ----------
    scores : (N, C) float array
        Of rows that were not trained on.
    labels : (N,) int64
    weights : (N,) float64, optional
        Factors on the losses of the rows.

    Returns
    -------
    float
        Between 0.02 and 50; 1 if there are no rows, or only one class.

    Notes
    -----
    Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", 2017. Targets as in Platt,
    "Probabilistic outputs for support vector machines", 1999. The cross-entropy is convex in 1/T, so it has one minimum
    in log T, which a golden section finds.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.tabular.calibration import best_temperature
    >>> scores = np.array([[4.0, 0.0]] * 4)  # 98 % certain, 75 % right
    >>> round(4 / best_temperature(scores, np.array([0, 0, 0, 1])), 4)  # log 2, of 2/3 = 3/4 · 5/6 + 1/4 · 1/6
    0.6931
    """
    if not len(scores) or scores.shape[1] < 2:
        return 1.0
    others = 1 / (len(labels) + 2)
    targets = np.full(scores.shape, others / (scores.shape[1] - 1))
    targets[np.arange(len(labels)), labels] = 1 - others

    def loss(log_temperature: float) -> float:
        scaled = (scores - scores.max(axis=1, keepdims=True)) / np.exp(log_temperature)
        losses = np.log(np.exp(scaled).sum(axis=1)) - (targets * scaled).sum(axis=1)
        return float(losses.sum() if weights is None else losses @ weights)

    low, high, share = float(np.log(LOWEST)), float(np.log(HIGHEST)), (5**0.5 - 1) / 2
    inner = [high - share * (high - low), low + share * (high - low)]
    values = [loss(at) for at in inner]
    for _ in range(_ITERATIONS):
        if values[0] <= values[1]:
            high = inner[1]
            inner = [high - share * (high - low), inner[0]]
            values = [loss(inner[0]), values[0]]
        else:
            low = inner[0]
            inner = [inner[1], low + share * (high - low)]
            values = [values[1], loss(inner[1])]
    return float(np.exp((low + high) / 2))
