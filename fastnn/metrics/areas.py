"""Areas under the ROC and the precision-recall curve; targets and outputs as in `fastnn.metrics.probabilities`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.metrics.probabilities import are_probabilities, checked_outputs, log_probabilities

Array = NDArray[Any]


def _one_against_rest(
    function: str, targets: ArrayLike, outputs: ArrayLike, from_scores: bool
) -> list[tuple[NDArray[np.bool_], Array]]:
    """Return, for each class beside others, a mask of its samples and scores that rise with its probability."""
    true, found = checked_outputs(function, targets, outputs)
    if found.ndim == 2 and found.shape[1] > 2:
        logs = log_probabilities(function, targets, found, from_scores)[1]
        found = logs if from_scores else found  # as given, because rounding would break ties
        pairs = [(true == k, found[:, k]) for k in range(found.shape[1])]
    else:
        if found.ndim == 2:  # a difference of probabilities would round equal ones apart
            found = found[:, 1] if are_probabilities(found) else found[:, 1] - found[:, 0]
        pairs = [(true == 1, found)]
    return [(positive, scores) for positive, scores in pairs if 0 < positive.sum() < len(positive)]


def _thresholds(positive: NDArray[np.bool_], scores: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many positive, and how many samples in all, have at least the score of each different score, falling."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(order) - 1)
    return np.cumsum(positive[order])[last], last + 1


def roc_auc(targets: ArrayLike, outputs: ArrayLike, *, from_scores: bool = False) -> float:
    """The area under the ROC curve: the chance that a sample of a class scores higher than one of the others.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N, C), or (N,) for two classes
        Of two classes any scores, of which only the order counts; of more, probabilities.
    from_scores : bool
        Whether those of more than two classes are scores before a softmax.

    Returns
    -------
    float
        At least 0 and at most 1: of two classes that of class 1, of more the mean over the classes, each against the
        rest. Classes that do not occur are left out; NaN if there is only one.

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    areas = []
    for positive, scores in _one_against_rest("roc_auc", targets, outputs, from_scores):
        right, everything = _thresholds(positive, scores)
        hits, alarms = right / right[-1], (everything - right) / (everything - right)[-1]
        before = np.append(0, hits[:-1])
        areas.append(float((np.diff(alarms, prepend=0) * (hits + before) / 2).sum()))
    return sum(areas) / len(areas) if areas else float("nan")


def average_precision(targets: ArrayLike, outputs: ArrayLike, *, from_scores: bool = False) -> float:
    """The area under the precision-recall curve, as steps: Σ (recall[i] - recall[i-1]) precision[i].

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N, C), or (N,) for two classes
        As for `roc_auc`.
    from_scores : bool
        Whether those of more than two classes are scores before a softmax.

    Returns
    -------
    float
        At least 0 and at most 1; over classes as for `roc_auc`.

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> round(metrics.average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    areas = []
    for positive, scores in _one_against_rest("average_precision", targets, outputs, from_scores):
        right, everything = _thresholds(positive, scores)
        areas.append(float((np.diff(right, prepend=0) / right[-1] * right / everything).sum()))
    return sum(areas) / len(areas) if areas else float("nan")
