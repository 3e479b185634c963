"""The temperature by which scores are divided so that probabilities are as certain as they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LOWEST, HIGHEST = 0.05, 20.0
_ITERATIONS = 60  # of the golden section, each of which leaves 0.618 of the interval


def best_temperature(scores: Array, labels: NDArray[np.int64]) -> float:
    """The temperature T that minimises the cross-entropy of softmax(scores / T).

    Parameters
    ----------
    scores : (N, C) float array
        Of rows that were not trained on.
    labels : (N,) int64

    Returns
    -------
    float
        Between 0.05 and 20; 1 if there are no rows, or only one class.

    Notes
    -----
    Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", 2017. The cross-entropy is convex in 1/T,
    so it has one minimum in log T, which a golden section finds.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.tabular.calibration import best_temperature
    >>> scores = np.array([[4.0, 0.0]] * 4)  # 98 % certain, 75 % right
    >>> round(4 / best_temperature(scores, np.array([0, 0, 0, 1])), 4)  # log 3
    1.0986
    """
    if not len(scores) or scores.shape[1] < 2:
        return 1.0
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = (scores - scores.max(axis=1, keepdims=True)) / np.exp(log_temperature)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, labels]).sum())

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
