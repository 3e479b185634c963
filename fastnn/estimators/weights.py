"""Weights of samples and of classes, as scikit-learn's estimators take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import compute_sample_weight

from fastnn.trainer.weights import as_class_weight, checked_weights

Array = NDArray[Any]


def sample_weights(owner: str, sample_weight: ArrayLike | None, samples: int) -> NDArray[np.float64] | None:
    """The argument `sample_weight` as float64.

    Parameters
    ----------
    owner : str
        The class of the estimator, which begins the message of an error.
    sample_weight : (N,) array_like or float, optional
        A single number is the weight of every sample.
    samples : int
        N.

    Returns
    -------
    (N,) float64, or None if there are none

    Raises
    ------
    ValueError, TypeError
        If they are not N finite numbers of at least 0, some of them above 0.
    """
    if sample_weight is None:
        return None
    weights = checked_weights(owner, "sample_weight", sample_weight)
    if weights.ndim == 0:
        weights = np.full(samples, float(weights))
    # scikit-learn's own checks look for these words
    if weights.ndim != 1:
        raise ValueError(
            f"{owner}: sample_weight: Sample weights must be 1D array or scalar, got {weights.ndim}D array"
        )
    if len(weights) != samples:
        raise ValueError(f"{owner}: sample_weight: expected shape ({samples},), got {weights.shape}")
    if not weights.any():
        raise ValueError(f"{owner}: sample_weight: Sample weights must contain at least one non-zero number")
    return weights


def check_class_weight(owner: str, class_weight: Any) -> Any:
    """The parameter `class_weight`: a dict of weights that are finite and at least 0, "balanced", or None.

    Raises
    ------
    ValueError, TypeError
        If it is something else.
    """
    class_weight = as_class_weight(class_weight)
    if class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced"):
        return class_weight
    if not isinstance(class_weight, Mapping):
        kind = ValueError if isinstance(class_weight, str) else TypeError
        raise kind(
            f"{owner}: class_weight: expected a dict of weights by class, 'balanced' or None, got {class_weight!r}"
        )
    for name, weight in class_weight.items():
        if checked_weights(owner, "class_weight", weight).ndim:
            raise ValueError(f"{owner}: class_weight: expected one number for class {name!r}, got {weight!r:.80}")
    return class_weight


def weights_by_class(owner: str, class_weight: Any, y: Array, classes: Array) -> NDArray[np.float64]:
    """Return for each sample the weight of its class.

    Parameters
    ----------
    owner : str
        The class of the estimator, which begins the message of an error.
    class_weight : dict or "balanced"
        Checked by `check_class_weight`.
    y : (N,) array
        Labels.
    classes : (C,) array
        All classes that there are. A sample need not exist of each.

    Returns
    -------
    (N,) float64
        1 for classes that a dict does not mention.

    Raises
    ------
    ValueError
        If a dict names something that is no class while it leaves out one that is: a name that is spelled in another
        way. A dict that has a weight for every class may have further ones, for classes that these samples lack.
    """
    if isinstance(class_weight, str):
        return np.asarray(compute_sample_weight(class_weight, y), np.float64)
    known = classes.tolist()
    unknown = [name for name in class_weight if name not in known]
    if unknown and any(name not in class_weight for name in known):
        raise ValueError(
            f"{owner}: class_weight names {unknown[0]!r}, which y does not have; its classes are {_in_words(known)}"
        )
    table = np.array([float(class_weight.get(name, 1.0)) for name in known])
    return np.asarray(table[np.searchsorted(classes, y)], np.float64)


def _in_words(classes: list[Any]) -> str:
    shown = ", ".join(map(repr, classes[:10]))
    return f"{shown}, …" if len(classes) > 10 else shown


def mean_weight(weights: Array | None) -> float:
    """The mean of weights, 1 if there are none."""
    return 1.0 if weights is None else float(weights.mean())


def mean_one(weights: Array | None) -> Array | None:
    """Scale weights to a mean of 1, because the loss of a batch is divided by its number of samples."""
    if weights is None:
        return None
    with np.errstate(all="ignore"):
        return np.asarray(weights / weights.mean())
