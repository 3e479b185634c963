"""Weights of samples and classes: a factor on the loss of each sample."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import without_mask

Array = NDArray[Any]
ClassWeight = Mapping[int, float] | Sequence[float] | Literal["balanced"]


def checked_weights(function: str, argument: str, weights: ArrayLike) -> NDArray[np.float64]:
    """Weights as float64.

    Parameters
    ----------
    function, argument : str
        They begin the message of an error.
    weights : array_like of any shape, real

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If one is negative, infinite, NaN or masked, or if they are a nested sequence whose parts differ in length.

    Examples
    --------
    >>> from fastnn.trainer.weights import checked_weights
    >>> checked_weights("fit", "sample_weight", [1, -9])
    Traceback (most recent call last):
    ValueError: fit: sample_weight: expected finite numbers of at least 0, got -9 (weight 1)
    """
    weights = without_mask(function, argument, weights)
    try:
        given = np.asarray(weights)
    except ValueError as error:
        raise ValueError(f"{function}: {argument}: expected an array of numbers ({error})") from None
    if given.dtype.kind == "O":  # of a table whose columns have several types
        kinds = {type(value) for value in given.flat if not isinstance(value, numbers.Real)}
        if kinds:
            raise TypeError(f"{function}: {argument}: expected real numbers, got {kinds.pop().__name__}")
    elif given.dtype.kind not in "fiub":
        raise TypeError(f"{function}: {argument}: expected real numbers, got dtype {given.dtype}")
    found = given.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if bad.size:
        where = f" (weight {bad[0]})" if found.size > 1 else ""
        raise ValueError(
            f"{function}: {argument}: expected finite numbers of at least 0, got {found.flat[bad[0]]:g}{where}"
        )
    return found


def as_class_weight(class_weight: Any) -> Any:
    """The argument `class_weight` as it is kept: a dict of whatever maps classes to weights, such as a pandas Series.

    Read as a sequence, a Series would give its weights to the classes by their place and not by their name.
    """
    return dict(class_weight.items()) if hasattr(class_weight, "items") else class_weight


def _class_number(key: object, classes: int) -> int:
    """The class that a key of `class_weight` means: 1 and 1.0 are class 1, and of two classes True is the second."""
    if isinstance(key, bool | np.bool_) and classes != 2:
        raise ValueError(
            f"fit: class_weight: expected classes in 0 to {classes - 1}, got {key!r}, which is the number of a class "
            "only where there are two"
        )
    if key not in range(classes):
        raise ValueError(f"fit: class_weight: expected classes in 0 to {classes - 1}, got {key!r}")
    return int(key)  # type: ignore[call-overload, no-any-return]


def by_class(class_weight: ClassWeight, targets: Array, classes: int) -> NDArray[np.float64]:
    """Return for each sample the weight of its class.

    Parameters
    ----------
    class_weight : dict, sequence or "balanced"
        The weights by class; 1 for classes that a dict does not mention. A dict's keys are numbers of classes, also as
        floats, or of two classes as False and True. "balanced": N / (C N_c) for class c, with N_c of the N samples in
        it and C classes that occur, so that the mean over the samples is 1.
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
        table = np.ones(classes)
        for key, weight in class_weight.items():
            value = checked_weights("fit", "class_weight", weight)
            if value.ndim:
                raise ValueError(f"fit: class_weight: expected one number for class {key!r}, got shape {value.shape}")
            table[_class_number(key, classes)] = value
    else:
        table = checked_weights("fit", "class_weight", class_weight)
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
    rows: NDArray[np.int64] | None = None,
) -> Array | None:
    """The factor on the loss of each sample that is trained on: its own weight times the weight of its class.

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
    rows : (n,) int64, optional
        The samples that are trained on; the others are neither weighted nor counted by "balanced". Default: all.

    Returns
    -------
    (n, 1) array of `dtype`, or None if there are neither weights of samples nor of classes

    Raises
    ------
    ValueError, TypeError
        If the weights do not fit the targets.
    """
    if sample_weight is None and class_weight is None:
        return None
    weights = np.ones(len(targets))
    if sample_weight is not None:
        weights = checked_weights("fit", "sample_weight", sample_weight)
        if weights.shape != (len(targets),):
            raise ValueError(f"fit: sample_weight: expected shape ({len(targets)},), got {weights.shape}")
    if rows is not None:
        weights, targets = weights[rows], targets[rows]
    if class_weight is not None:
        if task != "classification":
            raise ValueError(f"fit: class_weight: expected a loss for classification, got one for {task}")
        of_classes = by_class(class_weight, targets, classes)
        with np.errstate(all="ignore"):
            weights = weights * of_classes
    with np.errstate(all="ignore"):
        weights = weights.astype(dtype)
    if not np.isfinite(weights).all():
        raise ValueError(f"fit: sample_weight, class_weight: expected products that {dtype} can hold, got a larger one")
    if not weights.any():
        raise ValueError("fit: sample_weight, class_weight: expected a weight above 0 for some sample, got 0 for all")
    return weights.reshape(-1, 1)
