"""Weights of samples and classes: a factor on the loss of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
ClassWeight = Mapping[int, float] | Sequence[float] | Literal["balanced"]


def _checked(name: str, weights: Array) -> NDArray[np.float64]:
    if weights.dtype.kind not in "fiub":
        raise TypeError(f"fit: {name}: expected real numbers, got dtype {weights.dtype}")
    found = weights.astype(np.float64)
    bad = found[~(np.isfinite(found) & (found >= 0))]
    if bad.size:
        raise ValueError(f"fit: {name}: expected finite numbers of at least 0, got {bad[0]:g}")
    return found


def by_class(class_weight: ClassWeight, targets: Array, classes: int) -> NDArray[np.float64]:
    """For each sample, the weight of its class.

    Parameters
    ----------
    class_weight : dict, sequence or "balanced"
        The weights by class; 1 for classes that a dict does not mention. "balanced": N / (C N_c) for class c, with N_c
        of the N samples in it and C classes that occur, so that the mean over the samples is 1.
    targets : (N,) int64, or (N, K)
        Labels, or rows whose largest element is at the class.
    classes : int
        Number of classes.

    Returns
    -------
    (N,) float64

    Raises
    ------
    ValueError, TypeError
        If a class is unknown, a number is missing, or a weight is not finite and at least 0.
    """
    labels = targets if targets.ndim == 1 else targets.argmax(axis=1)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"fit: class_weight: expected numbers by class or 'balanced', got {class_weight!r}")
        counts = np.bincount(labels, minlength=classes)
        table = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(class_weight, Mapping):
        unknown = [key for key in class_weight if key not in range(classes)]
        if unknown:
            raise ValueError(f"fit: class_weight: expected classes in 0 to {classes - 1}, got {unknown[0]!r}")
        table = np.ones(classes)
        for key, weight in class_weight.items():
            table[key] = _checked("class_weight", np.asarray(weight))
    else:
        table = _checked("class_weight", np.asarray(class_weight))
        if table.shape != (classes,):
            raise ValueError(
                f"fit: class_weight: expected {classes} numbers, one for each class, got shape {table.shape}"
            )
    return np.asarray(table[labels], np.float64)


def sample_weights(
    sample_weight: ArrayLike | None,
    class_weight: ClassWeight | None,
    targets: Array,
    task: str,
    classes: int,
    dtype: np.dtype[Any],
) -> Array | None:
    """The factor on the loss of each sample: its own weight times the weight of its class.

    Parameters
    ----------
    sample_weight : (N,), optional
    class_weight : dict, sequence or "balanced", optional
        As for `by_class`.
    targets : (N,) int64, or (N, …)
    task : {"classification", "regression"}
        What the loss is for.
    classes : int
        Number of classes.
    dtype : dtype
        Type of the result.

    Returns
    -------
    (N, 1) array of `dtype`, or None if there are neither weights of samples nor of classes

    Raises
    ------
    ValueError, TypeError
        If the weights do not fit the targets.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(targets))
    if sample_weight is not None:
        weights = _checked("sample_weight", np.asarray(sample_weight))
        if weights.shape != (len(targets),):
            raise ValueError(f"fit: sample_weight: expected shape ({len(targets)},), got {weights.shape}")
    if class_weight is not None:
        if task != "classification":
            raise ValueError(f"fit: class_weight: expected a loss for classification, got one for {task}")
        weights = weights * by_class(class_weight, targets, classes)
    if not weights.any():
        raise ValueError("fit: sample_weight, class_weight: expected a weight above 0 for some sample, got 0 for all")
    return weights.astype(dtype).reshape(-1, 1)
