"""Losses with their gradient."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import kernels
from fastnn.checks import choice, number
from fastnn.functional.checks import Array, plain_array, real_array
from fastnn.targets import check_target_weights, class_labels


def softmax_loss(x: ArrayLike, y: ArrayLike, *, reduction: str = "mean") -> tuple[float, Array]:
    """Cross-entropy of the softmax of scores, and its gradient.

    Parameters
    ----------
    x : (N, C) array, float32 or float64
        Scores (logits), one row for each sample.
    y : (N,) array of integers, or (N, C) array of the dtype of x
        The class of each sample, from 0 to C - 1; or a row of target weights for each sample, finite and >= 0, such as
        a one-hot row or a distribution. A row that sums to s counts s times as much as one that sums to 1.
    reduction : {"mean", "sum"}
        Whether to take the mean or the sum over the samples.

    Returns
    -------
    loss : float
        The loss in nats, accumulated in float64.
    dx : (N, C) array of the dtype of x
        Gradient of the loss with respect to x.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or y consists neither of integers nor of target weights of the dtype of x.
    ValueError
        If there are no samples, shapes do not fit, a label is out of range, or a target is negative or NaN.

    Notes
    -----
    With p = softmax(x), loss = Σ -log p[n, y[n]] and dx = p - onehot(y), both divided by N for the mean. With target
    weights t, loss = Σ -t log p and dx = p Σt - t. The logarithm is computed through log Σ exp(x - max), so it is
    finite also if p is too small for a float. A weight of 0 adds 0, even if p is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> loss, dx = F.softmax_loss(np.zeros((2, 4)), np.array([1, 3]))
    >>> round(loss, 6)
    1.386294
    >>> dx
    array([[ 0.125, -0.375,  0.125,  0.125],
           [ 0.125,  0.125,  0.125, -0.375]])
    """
    name = "softmax_loss"
    scores = _scores(name, x)
    targets, kernel = _targets(name, y, scores)
    scale = _scale(name, reduction, len(scores))
    dx, loss, correct = np.empty_like(scores), np.empty(1), np.empty(1, np.int64)
    kernels.get(kernel)(scores, targets, dx, loss, correct, None, scale)
    return float(loss[0]), dx


def hinge_loss(x: ArrayLike, y: ArrayLike, *, delta: float = 1.0, reduction: str = "mean") -> tuple[float, Array]:
    """Multi-class hinge loss of scores, and its gradient.

    Parameters
    ----------
    x : (N, C) array, float32 or float64
        Scores, one row for each sample.
    y : (N,) array of integers
        The class of each sample, from 0 to C - 1.
    delta : float
        The margin, above 0.
    reduction : {"mean", "sum"}
        Whether to take the mean or the sum over the samples.

    Returns
    -------
    loss : float
        The loss, accumulated in float64.
    dx : (N, C) array of the dtype of x
        Gradient of the loss with respect to x.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or labels are not integers.
    ValueError
        If there are no samples, shapes do not fit, a label is out of range, or delta is not above 0.

    Notes
    -----
    loss = Σ max(0, x[n, c] - x[n, y[n]] + delta) over c ≠ y[n] (Weston & Watkins 1999), divided by N for the mean. At
    the kink the derivative is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.hinge_loss(np.array([[3.0, 2.5, 0.0]]), np.array([0]))
    (0.5, array([[-1.,  1.,  0.]]))
    """
    name = "hinge_loss"
    scores = _scores(name, x)
    labels = _labels(name, plain_array(name, "y", y), scores)
    margin = number(name, "delta", delta, above=0)
    scale = _scale(name, reduction, len(scores))
    dx, loss, correct = np.empty_like(scores), np.empty(1), np.empty(1, np.int64)
    kernels.get("multiclass_hinge")(scores, labels, dx, loss, correct, None, scale, margin)
    return float(loss[0]), dx


def mse_loss(x: ArrayLike, y: ArrayLike, *, reduction: str = "mean") -> tuple[float, Array]:
    """Squared error, and its gradient.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Predictions.
    y : array of the shape and dtype of x
        Targets.
    reduction : {"mean", "sum"}
        Whether to take the mean or the sum over all elements (not over samples).

    Returns
    -------
    loss : float
        The loss, accumulated in float64.
    dx : array like x
        Gradient of the loss with respect to x.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If the shapes differ (nothing is broadcast) or there are no elements.

    Notes
    -----
    loss = Σ (x - y)² and dx = 2 (x - y), both divided by the number of elements for the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.mse_loss(np.array([[1.0], [4.0]]), np.array([[1.0], [2.0]]))
    (2.0, array([[0.],
           [2.]]))
    """
    name = "mse_loss"
    values = real_array(name, "x", x)
    targets = real_array(name, "y", y, ("x", values))
    if values.shape != targets.shape:
        raise ValueError(f"{name}: y must have the shape of x, {values.shape}, got {targets.shape}")
    if values.size == 0:
        raise ValueError(f"{name}: x must have at least one element, got {values.shape}")
    scale = _scale(name, reduction, values.size)
    dx, loss = np.empty(values.shape, values.dtype), np.empty(1)
    rows = (values.shape[0] if values.ndim else 1, -1)
    flat = (array.reshape(rows) for array in (values, targets, dx))
    kernels.get("squared_error")(*flat, loss, None, scale)
    return float(loss[0]), dx


def _scores(name: str, x: ArrayLike) -> Array:
    scores = real_array(name, "x", x)
    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(f"{name}: x must be (N, C) with at least one sample and one class, got {scores.shape}")
    return scores


def _scale(name: str, reduction: str, count: int) -> float:
    return 1 / count if choice(name, "reduction", reduction, ("mean", "sum")) == "mean" else 1.0


def _targets(name: str, y: ArrayLike, scores: Array) -> tuple[NDArray[Any], str]:
    """The targets as the kernel takes them, and the name of the kernel."""
    array = plain_array(name, "y", y)
    if array.ndim == 2 and array.shape[1] == scores.shape[1] and array.dtype.kind == "f":
        return _weights(name, array, scores), "soft_cross_entropy"
    return _labels(name, array, scores), "softmax_cross_entropy"


def _weights(name: str, y: NDArray[Any], scores: Array) -> Array:
    targets = real_array(name, "y", y, ("x", scores))
    if targets.shape != scores.shape:
        raise ValueError(f"{name}: y has {len(targets)} rows but x has {len(scores)}")
    check_target_weights(name, targets)
    return targets


def _labels(name: str, y: NDArray[Any], scores: Array) -> NDArray[np.int64]:
    samples, classes = scores.shape
    if y.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: y must hold integer labels of shape ({samples},) or target weights of shape "
            f"{scores.shape} and dtype {scores.dtype}, got {y.dtype} {y.shape}"
        )
    if y.shape == scores.shape and classes > 1:
        raise TypeError(
            f"{name}: one-hot y must have the dtype of x, {scores.dtype}, got {y.dtype}; "
            f'convert it with y.astype("{scores.dtype}")'
        )
    if y.shape != (samples,):
        hint = "; flatten it with y.ravel()" if y.size == samples else ""
        raise ValueError(f"{name}: labels y must have shape ({samples},), one a row of x, got {y.shape}{hint}")
    return class_labels(name, y, classes)
