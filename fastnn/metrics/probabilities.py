"""Measures of predicted probabilities: log loss, Brier score, calibration.

Targets are labels (N,), or rows (N, C) whose largest element marks the class. Probabilities are rows (N, C) that sum
to 1, or for two classes (N,), those of class 1. With ``from_scores=True``, they are scores: rows before a softmax, or
(N,) before a sigmoid. Probabilities that are said to be scores are an error, and the other way round.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import flag, real_array, whole
from fastnn.metrics.classes import class_numbers

Array = NDArray[Any]
_SUM_TOLERANCE = 1e-3  # of probabilities that were rounded to float16 or to three digits


def checked_outputs(function: str, targets: ArrayLike, outputs: ArrayLike) -> tuple[NDArray[np.int64], Array]:
    """The classes of the samples, and the outputs as float64 (N,) or (N, C)."""
    found = real_array(function, "outputs", outputs).astype(np.float64)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim not in (1, 2):
        raise ValueError(f"{function}: outputs must have shape (N,) or (N, C), got {found.shape}")
    given = np.asarray(targets)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim == 1 and given.dtype.kind == "f" and np.isin(given, (0, 1)).all():  # as binary cross-entropy has them
        given = given.astype(np.int64)
    true = class_numbers(function, "targets", given)
    if len(true) != len(found):
        raise ValueError(f"{function}: targets has {len(true)} samples but outputs has {len(found)}")
    if not len(true):
        raise ValueError(f"{function}: expected at least one sample")
    bad = np.isnan(found.reshape(len(found), -1)).any(axis=1)
    if bad.any():
        raise ValueError(f"{function}: outputs must be numbers, got NaN in sample {int(np.argmax(bad))}")
    classes = 2 if found.ndim == 1 else found.shape[1]
    if true.max() >= classes:
        raise ValueError(f"{function}: labels must lie in 0 to {classes - 1}, got {true.max()}")
    return true, found


def are_probabilities(outputs: Array) -> bool:
    """Whether outputs lie in 0 to 1, and rows sum to 1."""
    inside = bool((outputs >= 0).all() and (outputs <= 1).all())
    return inside and (outputs.ndim == 1 or bool((np.abs(outputs.sum(axis=1) - 1) <= _SUM_TOLERANCE).all()))


def log_probabilities(
    function: str, targets: ArrayLike, outputs: ArrayLike, from_scores: bool
) -> tuple[NDArray[np.int64], Array]:
    """The classes of the samples, and the logarithms of the probabilities of all classes, (N, C) float64."""
    true, found = checked_outputs(function, targets, outputs)
    already = are_probabilities(found)
    if flag(function, "from_scores", from_scores):
        if already and found.ndim == 2:
            raise ValueError(f"{function}: outputs: expected scores, got probabilities; leave out from_scores=True")
        rows = np.stack([np.zeros_like(found), found], axis=1) if found.ndim == 1 else found
        shifted = rows - rows.max(axis=1, keepdims=True)
        return true, shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    if not already:
        raise ValueError(
            f"{function}: outputs: expected probabilities, in 0 to 1 and with rows that sum to 1; pass "
            "from_scores=True if they are scores before a softmax or sigmoid"
        )
    rows = np.stack([1 - found, found], axis=1) if found.ndim == 1 else found / found.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        return true, np.log(rows)


def log_loss(targets: ArrayLike, outputs: ArrayLike, *, from_scores: bool = False) -> float:
    """The mean of -log p[label], in nats; a p below 2⁻⁵² counts as that.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N, C), or (N,) for two classes
        Probabilities.
    from_scores : bool
        Whether the outputs are scores, before a softmax or sigmoid.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> round(metrics.log_loss([0, 1], [[0.5, 0.5], [0.75, 0.25]]), 4)  # (log 2 + log 4) / 2
    1.0397
    """
    true, logs = log_probabilities("log_loss", targets, outputs, from_scores)
    least = np.log(np.finfo(np.float64).eps)
    return float(-np.maximum(logs[np.arange(len(true)), true], least).mean())


def brier_score(targets: ArrayLike, outputs: ArrayLike, *, from_scores: bool = False) -> float:
    """The mean squared distance of the probabilities from what happened.

    Of two classes, it is the mean of (p[1] - t)², from 0 to 1; of more, that of Σ (p[k] - t[k])², from 0 to 2.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N, C), or (N,) for two classes
        Probabilities.
    from_scores : bool
        Whether the outputs are scores, before a softmax or sigmoid.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Notes
    -----
    Brier, "Verification of forecasts expressed in terms of probability", 1950.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.brier_score([0, 1], [0.5, 1])
    0.125
    """
    true, logs = log_probabilities("brier_score", targets, outputs, from_scores)
    off = np.exp(logs) - np.eye(logs.shape[1])[true]
    return float(np.square(off).sum(axis=1).mean() / (2 if logs.shape[1] == 2 else 1))


def calibration_error(targets: ArrayLike, outputs: ArrayLike, bins: int = 15, *, from_scores: bool = False) -> float:
    """How far stated certainty is from the share of right answers: the expected calibration error.

    The samples are put into bins of equal width by the probability of the predicted class. In each bin, the mean of
    those probabilities is compared with the share of right predictions; the error is the mean distance over samples.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N, C), or (N,) for two classes
        Probabilities.
    bins : int
        At least 1.
    from_scores : bool
        Whether the outputs are scores, before a softmax or sigmoid.

    Returns
    -------
    float
        At least 0 and at most 1.

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Notes
    -----
    Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", 2017.

    Examples
    --------
    >>> from fastnn import metrics
    >>> round(metrics.calibration_error([1, 1, 1, 0], [0.9, 0.9, 0.9, 0.9]), 4)  # 90 % certain, 75 % right
    0.15
    """
    curve = _reliability("calibration_error", targets, outputs, bins, from_scores)
    return float((np.abs(curve.certainty - curve.right) * curve.number).sum() / curve.number.sum())


class ReliabilityCurve(NamedTuple):
    """How certain predictions are, and how often they are right, in bins of like certainty that are not empty.

    Attributes
    ----------
    certainty : (B,) float64
        The mean probability of the predicted class.
    right : (B,) float64
        The share of right predictions.
    number : (B,) int64
        How many predictions.
    """

    certainty: NDArray[np.float64]
    right: NDArray[np.float64]
    number: NDArray[np.int64]


def reliability_curve(
    targets: ArrayLike, outputs: ArrayLike, bins: int = 15, *, from_scores: bool = False
) -> ReliabilityCurve:
    """How often predictions are right that are stated with like certainty; `fastnn.plots.reliability` draws it.

    Parameters
    ----------
    targets : (N,) labels, or (N, C) rows
    outputs : (N, C), or (N,) for two classes
        Probabilities.
    bins : int
        Of equal width, at least 1.
    from_scores : bool
        Whether the outputs are scores, before a softmax or sigmoid.

    Returns
    -------
    ReliabilityCurve

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.reliability_curve([1, 1, 1, 0], [0.9, 0.9, 0.9, 0.9], 10).right.tolist()
    [0.75]
    """
    return _reliability("reliability_curve", targets, outputs, bins, from_scores)


def _reliability(
    function: str, targets: ArrayLike, outputs: ArrayLike, bins: int, from_scores: bool
) -> ReliabilityCurve:
    bins = whole(function, "bins", bins, at_least=1)
    true, logs = log_probabilities(function, targets, outputs, from_scores)
    certainty, right = np.exp(logs.max(axis=1)), logs.argmax(axis=1) == true
    place = np.clip(np.ceil(certainty * bins).astype(np.int64) - 1, 0, bins - 1)  # a bin holds its upper end
    number = np.bincount(place, minlength=bins)
    filled = number > 0
    means = [np.bincount(place, values, bins)[filled] / number[filled] for values in (certainty, right)]
    return ReliabilityCurve(means[0], means[1], number[filled])
