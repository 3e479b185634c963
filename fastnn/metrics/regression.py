"""Measures of predicted numbers.

Targets and outputs are (N,) or (N, K), real and finite; a figure of several outputs is the mean over them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number, real_array

Array = NDArray[Any]


def _pair(function: str, targets: ArrayLike, outputs: ArrayLike) -> tuple[Array, Array]:
    """Both as float64 (N, K)."""
    true = real_array(function, "targets", targets).astype(np.float64)
    said = real_array(function, "outputs", outputs).astype(np.float64)
    if true.ndim not in (1, 2) or said.ndim not in (1, 2):
        shapes = f"{true.shape} and {said.shape}"
        raise ValueError(f"{function}: targets and outputs must have shape (N,) or (N, K), got {shapes}")
    true, said = (array.reshape(len(array), -1) if array.size else array for array in (true, said))
    if true.shape != said.shape:
        raise ValueError(f"{function}: targets has shape {true.shape} but outputs has {said.shape}")
    if not true.size:
        raise ValueError(f"{function}: expected at least one sample")
    for name, array in (("targets", true), ("outputs", said)):
        bad = ~np.isfinite(array).all(axis=1)
        if bad.any():
            raise ValueError(f"{function}: {name} must be finite numbers, got others in sample {int(np.argmax(bad))}")
    return true, said


def mean_absolute_error(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The mean of |target - output|, in the unit of the targets.

    Parameters
    ----------
    targets : (N,) or (N, K)
    outputs : (N,) or (N, K)

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
    >>> metrics.mean_absolute_error([1, 2, 5], [1, 3, 3])
    1.0
    """
    true, said = _pair("mean_absolute_error", targets, outputs)
    return float(np.abs(true - said).mean())


def mean_squared_error(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The mean of (target - output)².

    Parameters
    ----------
    targets : (N,) or (N, K)
    outputs : (N,) or (N, K)

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
    >>> metrics.mean_squared_error([1, 2, 5], [1, 3, 4])
    0.6666666666666666
    """
    true, said = _pair("mean_squared_error", targets, outputs)
    return float(np.square(true - said).mean())


def root_mean_squared_error(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The root of the mean of (target - output)², in the unit of the targets.

    Parameters
    ----------
    targets : (N,) or (N, K)
    outputs : (N,) or (N, K)
        Of several outputs, each has a root of its own, and the mean of the roots is taken.

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
    >>> metrics.root_mean_squared_error([1, 2], [4, 5])
    3.0
    """
    true, said = _pair("root_mean_squared_error", targets, outputs)
    return float(np.sqrt(np.square(true - said).mean(axis=0)).mean())


def mean_absolute_percentage_error(targets: ArrayLike, outputs: ArrayLike) -> float:
    """The mean of |target - output| / |target|: 0.1 for an error of 10 %.

    Parameters
    ----------
    targets : (N,) or (N, K)
        Where one is 0, its smallest float64 neighbour divides, so that the figure becomes huge, as scikit-learn has it.
    outputs : (N,) or (N, K)

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
    >>> metrics.mean_absolute_percentage_error([10, 20], [11, 18])
    0.1
    """
    true, said = _pair("mean_absolute_percentage_error", targets, outputs)
    return float((np.abs(true - said) / np.maximum(np.abs(true), np.finfo(np.float64).eps)).mean())


def pinball_loss(targets: ArrayLike, outputs: ArrayLike, level: float = 0.5) -> float:
    """The mean of τ (t - out) where t > out, else (1 - τ) (out - t): how good outputs are as τ-quantiles.

    Parameters
    ----------
    targets : (N,) or (N, K)
    outputs : (N,) or (N, K)
    level : float
        τ, above 0 and below 1.

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
    >>> metrics.pinball_loss([10, 10], [8, 12], level=0.75)
    1.0
    """
    level = number("pinball_loss", "level", level, above=0, below=1)
    true, said = _pair("pinball_loss", targets, outputs)
    return float(np.maximum(level * (true - said), (level - 1) * (true - said)).mean())


def r2(targets: ArrayLike, outputs: ArrayLike) -> float:
    """R²: 1 - Σ (target - output)² / Σ (target - mean target)², the share of the variance that is explained.

    Parameters
    ----------
    targets : (N,) or (N, K)
    outputs : (N,) or (N, K)

    Returns
    -------
    float
        At most 1. Where all targets are alike, it is 1 if all outputs are right, and 0 otherwise.

    Raises
    ------
    ValueError, TypeError
        If shapes or values do not fit.

    Examples
    --------
    >>> from fastnn import metrics
    >>> metrics.r2([1, 2, 3], [1, 2, 4])
    0.5
    """
    return r_squared(*_pair("r2", targets, outputs))


def r_squared(targets: Array, predictions: Array, weights: Array | None = None) -> float:
    """R² of arrays (N, K) that were checked, with weights (N,): the mean over the K outputs.

    As `sklearn.metrics.r2_score` has it, whose many checks take longer than an epoch of a small network. A prediction
    that is not finite gives NaN, as scikit-learn's networks score it.

    Parameters
    ----------
    targets, predictions : (N, K) float arrays
    weights : (N,) array, optional

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.metrics.regression import r_squared
    >>> r_squared(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]]))
    0.5
    """
    with np.errstate(all="ignore"):
        w = np.ones(len(targets), targets.dtype) if weights is None else weights
        errors, spread = targets - predictions, targets - w @ targets / w.sum()
        lost, total = w @ (errors * errors), w @ (spread * spread)
    if not np.isfinite(lost).all():
        return np.nan
    scores = [1 - one / of if of else float(not one) for one, of in zip(lost.tolist(), total.tolist(), strict=True)]
    return sum(scores) / len(scores)
