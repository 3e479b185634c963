"""Targets checked against a model's outputs and made ready for the kernels; `function` begins every message."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.decisions.axes import advice, same_axes
from fastnn.decisions.numbering import counted_from_one
from fastnn.kernels.layout import as_contiguous


def check_rows(function: str, outputs: tuple[int, ...]) -> None:
    """Raise ValueError unless the outputs for a sample are a row."""
    if len(outputs) != 1:
        raise ValueError(f"{function}: expected a model with outputs of one dimension, got {outputs}")


def like_outputs(function: str, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Targets that are finite numbers in the shape of the outputs, or flat."""
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"{function}: targets must be real numbers, got dtype {targets.dtype}")
    if targets.ndim == 0 or not same_axes(targets.shape[1:], outputs):
        expected, hint = ", ".join(map(str, outputs)), advice(targets.shape[1:], outputs)
        raise ValueError(f"{function}: targets must have shape (N, {expected}), got {targets.shape}{hint}")
    targets = as_contiguous(targets.reshape(len(targets), *outputs), dtype)
    if not np.isfinite(targets).all():
        raise ValueError(f"{function}: targets hold NaN or infinity")
    return targets


def class_labels(function: str, labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Labels as int64, each from 0 to classes - 1.

    Parameters
    ----------
    function : str
        It begins the message of an error.
    labels : (N,) array of integers
    classes : int

    Returns
    -------
    (N,) int64 array, C-contiguous
        A copy: kernels take what was checked for granted, and the caller may change his array at any time.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If their shape is wrong, or one is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.targets import class_labels
    >>> class_labels("f", np.array([2, 0], np.uint8), 3)
    array([2, 0])
    """
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{function}: labels must be integers, got dtype {labels.dtype}")
    if labels.ndim != 1:
        raise ValueError(f"{function}: labels must have shape (N,), got {labels.shape}")
    # labels beyond int64 become negative here, and seen as uint64 negative labels are larger than any class
    signed = labels.astype(np.int64, "C")
    unsigned = signed.view(np.uint64)
    if np.maximum.reduce(unsigned, initial=0) >= classes:
        bad = int(np.argmax(unsigned >= classes))
        raise ValueError(
            f"{function}: labels must lie in 0 to {classes - 1}, got {labels[bad]} in sample {bad}"
            f"{_how_to_number(labels, classes)}"
        )
    return signed


def _how_to_number(labels: NDArray[Any], classes: int) -> str:
    """The end of the message about labels that are out of range: what to do about it."""
    if classes == 1:
        return (
            "; a model of one output answers yes or no with the loss binary_cross_entropy and predicts a number with "
            "mean_squared_error, and classes need an output each"
        )
    if counted_from_one(np.unique(labels).tolist()) and labels.max() == classes:
        return "; classes are counted from 0, as in y - 1"
    return ""


def whole_labels(function: str, labels: NDArray[Any], classes: int) -> NDArray[Any]:
    """Labels that have one reading, as integers (N,): False and True, floats that are whole, a column (N, 1).

    Parameters
    ----------
    function : str
        It begins the message of an error.
    labels : array
        What is neither of these is returned as it is.
    classes : int
        Of a single class, a column is a row of weights.

    Raises
    ------
    TypeError
        If they are text, or floats that are not whole; it says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.targets import whole_labels
    >>> whole_labels("f", np.array([[2.0], [0.0]]), 3).tolist()
    [2, 0]
    """
    if labels.ndim == 2 and labels.shape[1] == 1 and classes > 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind in "iu":
        return labels
    if labels.dtype.kind in "USO":
        raise TypeError(
            f"{function}: labels must be integers, got dtype {labels.dtype}; names, y = numpy.unique(y, "
            "return_inverse=True) numbers them, or take fastnn.estimators, which does so itself"
        )
    if labels.dtype.kind == "f":
        broken = ~(labels == np.round(labels))  # NaN too
        if broken.any():
            row = int(np.argmax(broken))
            raise TypeError(
                f"{function}: labels must be integers, got {labels[row]} in sample {row}; numbers to be predicted need "
                "a loss such as mean_squared_error"
            )
    with np.errstate(invalid="ignore"):
        return np.asarray(labels.astype(np.int64)) if labels.dtype.kind in "bf" else labels


def check_target_weights(function: str, targets: NDArray[Any]) -> None:
    """Check rows of target weights.

    Parameters
    ----------
    function : str
        It begins the message of an error.
    targets : (N, C) array

    Returns
    -------
    None

    Raises
    ------
    ValueError
        If a weight is negative, infinite or NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.targets import check_target_weights
    >>> check_target_weights("f", np.array([[0.25, 0.75]]))
    """
    good = np.isfinite(targets) & (targets >= 0)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        value = targets[row, column]
        raise ValueError(f"{function}: one-hot labels must be finite and at least 0, got {value} in sample {row}")


def distributions(function: str, targets: NDArray[Any], classes: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """One-hot labels, or other weights of the classes, as rows (N, classes)."""
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"{function}: one-hot labels must be real numbers, got dtype {targets.dtype}")
    if targets.shape[1] != classes:
        raise ValueError(f"{function}: one-hot labels must have shape (N, {classes}), got {targets.shape}")
    targets = as_contiguous(targets, dtype)
    check_target_weights(function, targets)
    return targets
