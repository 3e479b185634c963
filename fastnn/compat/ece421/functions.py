"""The layers and losses of the hand-out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.compat.activation import rectified, row_softmax
from fastnn.compat.arguments import Array, floating, real, rows
from fastnn.data import one_hot
from fastnn.functional.checks import ready

__all__ = ["CE", "averageCE", "computeLayer", "convertOneHot", "gradCE", "relu", "shuffle", "softmax"]


def relu(x: ArrayLike) -> Array:
    """Return max(x, 0) in a new array.

    Parameters
    ----------
    x : array of any shape, real

    Returns
    -------
    array like x, floating

    Raises
    ------
    TypeError
        If x is not real.

    Examples
    --------
    >>> from fastnn.compat.ece421 import relu
    >>> relu([-1, 0, 2])
    array([0., 0., 2.])
    """
    (x,) = floating(real("relu", "x", x))
    return rectified(x)


def softmax(x: ArrayLike) -> Array:
    """The softmax of every row of logits.

    Parameters
    ----------
    x : (N, K) array, real

    Returns
    -------
    (N, K) array, floating
        Rows that sum to one.

    Raises
    ------
    ValueError
        If x is not two-dimensional.
    TypeError
        If x is not real.

    Notes
    -----
    The largest logit of a row is subtracted first, so that nothing overflows.

    Examples
    --------
    >>> from fastnn.compat.ece421 import softmax
    >>> softmax([[1000, 1000]])
    array([[0.5, 0.5]])
    """
    (x,) = floating(rows("softmax", "x", x))
    return row_softmax(x)


def computeLayer(X: ArrayLike, W: ArrayLike, b: ArrayLike | None = None) -> Array:
    """The output ``X @ W + b`` of a layer before its activation.

    Parameters
    ----------
    X : (N, D) array, real
    W : (D, K) array, real
    b : (K,) or (1, K) array, real, optional

    Returns
    -------
    (N, K) array, floating

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> from fastnn.compat.ece421 import computeLayer
    >>> computeLayer([[1, 2]], [[1, 0], [0, 1]], [10, 20])
    array([[11., 22.]])
    """
    arrays: tuple[Any, ...] = (X, W) if b is None else (X, W, b)
    if not ready(*arrays):
        arrays = floating(*(real("computeLayer", name, a) for name, a in zip("XWb", arrays, strict=False)))
    X_, W_ = arrays[:2]
    if X_.ndim != 2 or W_.ndim != 2 or not X_.shape[1] == len(W_) > 0 or W_.shape[1] == 0:
        X_, W_ = rows("computeLayer", "X", X_), rows("computeLayer", "W", W_)
        raise ValueError(
            f"computeLayer: W has {len(W_)} rows but X has {X_.shape[1]} columns (X: {X_.shape}, W: {W_.shape})"
        )
    units = W_.shape[1]
    bias = arrays[2] if b is not None else None
    if bias is not None and bias.shape not in ((units,), (1, units)):
        raise ValueError(f"computeLayer: b must have shape ({units},), got {bias.shape}")
    if not ready(*arrays):  # half precision, which kernels do not take
        out: Array = X_.dot(W_)
        return out if bias is None else out + bias
    out = np.empty((len(X_), units), X_.dtype)
    kernels.get("affine_forward")(X_, W_, None if bias is None else bias.reshape(units), out)
    return out


def averageCE(target: ArrayLike, prediction: ArrayLike) -> float:
    """Mean over samples of -Σ target log prediction, in nats.

    Parameters
    ----------
    target : (N, K) array, real
        One-hot rows.
    prediction : (N, K) array, real
        Probabilities.

    Returns
    -------
    float
        The loss, which is infinite if the probability of a target is 0. Classes that are no target do not count.

    Raises
    ------
    ValueError
        If the shapes differ, or there are no samples.
    TypeError
        If an array is not real.

    Examples
    --------
    >>> from fastnn.compat.ece421 import averageCE
    >>> round(averageCE([[0, 1]], [[0.5, 0.5]]), 4)
    0.6931
    """
    return _average_ce(*_pair("averageCE", target, prediction))


def CE(target: ArrayLike, prediction: ArrayLike) -> tuple[float, float]:
    """Mean cross-entropy in nats, and accuracy in per cent.

    Parameters
    ----------
    target, prediction
        As for `averageCE`.

    Returns
    -------
    loss, accuracy : float
        A sample is correct if its largest probability, or the first of equal ones, has the index of its target.

    Raises
    ------
    ValueError, TypeError
        As for `averageCE`.

    Examples
    --------
    >>> from fastnn.compat.ece421 import CE
    >>> CE([[0, 1], [1, 0]], [[0.0, 1.0], [1.0, 0.0]])
    (0.0, 100.0)
    """
    target_, prediction_ = _pair("CE", target, prediction)
    right = np.argmax(prediction_, axis=1) == np.argmax(target_, axis=1)
    return _average_ce(target_, prediction_), 100.0 * float(np.mean(right))


def gradCE(prediction: ArrayLike, target: ArrayLike) -> Array:
    """Gradient of the summed cross-entropy with respect to the logits, ``prediction - target``.

    Parameters
    ----------
    prediction : (N, K) array, real
        The softmax of the logits.
    target : (N, K) array, real
        One-hot rows.

    Returns
    -------
    (N, K) array, floating

    Raises
    ------
    ValueError, TypeError
        As for `averageCE`.

    Examples
    --------
    >>> from fastnn.compat.ece421 import gradCE
    >>> gradCE([[0.25, 0.75]], [[0, 1]])
    array([[ 0.25, -0.25]])
    """
    target_, prediction_ = _pair("gradCE", target, prediction)
    return np.asarray(prediction_ - target_)


def convertOneHot(*targets: ArrayLike, classes: int = 10) -> tuple[Array, ...]:
    """Convert arrays of labels (of training, validation and test in the hand-out) to one-hot rows.

    Parameters
    ----------
    *targets : (N,) arrays of int
    classes : int
        The number of columns.

    Returns
    -------
    tuple of (N, classes) float64 arrays

    Raises
    ------
    ValueError
        If a label is not a whole number from 0 to classes - 1, or an array does not have one dimension.

    Examples
    --------
    >>> from fastnn.compat.ece421 import convertOneHot
    >>> train, test = convertOneHot([0, 2], [1], classes=3)
    >>> train
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    return tuple(one_hot(target, classes, np.float64) for target in targets)


def shuffle(data: ArrayLike, target: ArrayLike, seed: int = 421) -> tuple[Array, Array]:
    """Put samples and their targets into the same new order.

    Parameters
    ----------
    data : (N, ...) array
    target : (N, ...) array
    seed : int
        Seed of a NumPy `RandomState`, 421 in the hand-out. NumPy's global generator is not used.

    Returns
    -------
    data, target : arrays
        Copies of the arrays in the new order.

    Raises
    ------
    ValueError
        If they differ in length.

    Examples
    --------
    >>> from fastnn.compat.ece421 import shuffle
    >>> x, y = shuffle([10, 20, 30], [1, 2, 3])
    >>> bool((x == 10 * y).all())
    True
    """
    data_, target_ = np.asarray(data), np.asarray(target)
    if data_.shape[:1] != target_.shape[:1]:
        raise ValueError(f"shuffle: data has shape {data_.shape} but target {target_.shape}")
    order = np.arange(len(data_))
    np.random.RandomState(seed).shuffle(order)
    return data_[order], target_[order]


def _pair(function: str, target: ArrayLike, prediction: ArrayLike) -> tuple[Array, Array]:
    target_, prediction_ = rows(function, "target", target), rows(function, "prediction", prediction)
    if target_.shape != prediction_.shape or len(target_) == 0:
        raise ValueError(
            f"{function}: target and prediction must have one shape (N, K) with samples, got {target_.shape} and "
            f"{prediction_.shape}"
        )
    target_, prediction_ = floating(target_, prediction_)
    return target_, prediction_


def _average_ce(target: Array, prediction: Array) -> float:
    if prediction.min() > 0:
        logarithms = np.log(prediction)
    else:  # a class that is no target does not count, whatever its probability
        with np.errstate(divide="ignore"):
            logarithms = np.log(prediction, where=target != 0, out=np.zeros_like(prediction))
    return -float(np.vdot(target, logarithms)) / len(target) + 0.0
