"""The losses that a model is trained on.

A loss gets raw outputs and targets and gives the loss, its gradient and (for classes) the number of right answers in
one pass. `scale` is 1 / batch for the mean over samples, 1 for the sum.
"""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.eager import Ops


class Loss:
    """Base of the losses."""

    name: ClassVar[str]
    classifies: ClassVar[bool]

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """`targets` checked against the model's output shape (without the batch) and made ready for the kernels.

        Raises
        ------
        ValueError, TypeError
            If they do not fit.
        """
        raise NotImplementedError

    def run(self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float) -> None:
        """Write loss (1,), gradient dx (or None) and count of right answers (1,)."""
        raise NotImplementedError

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        """The factor that makes the sum over samples the mean."""
        return 1.0 / batch


class SoftmaxCrossEntropy(Loss):
    """-log softmax(out)[label], mean over samples, in nats; labels (N,) or distributions (N, C).

    Rows of distributions are taken as they are: they need not sum to 1. The outputs are those before a softmax; a
    model that ends in one trains on the softmax of its probabilities.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(4, init="zeros")], input_shape=(2,))
    >>> round(model.evaluate([[1, 2]], [3], loss=fastnn.losses.SoftmaxCrossEntropy())["loss"], 4)  # log 4
    1.3863
    """

    name = "softmax_cross_entropy"
    classifies = True

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        if len(outputs) != 1:
            raise ValueError(f"{self.name}: expected a model with outputs of one dimension, got {outputs}")
        if targets.ndim == 2:
            return _distributions(self.name, targets, outputs[0], dtype)
        return class_labels(self.name, targets, outputs[0])

    def run(self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float) -> None:
        kernel = ops.softmax_cross_entropy if len(targets.shape) == 1 else ops.soft_cross_entropy
        kernel(out, targets, dx, loss, correct, scale)


class MeanSquaredError(Loss):
    """(out - target)², mean over samples and outputs; targets (N, *output_shape), or (N,) for one output.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [[3, 1]], loss=fastnn.losses.MeanSquaredError())
    {'loss': 5.0}
    """

    name = "mean_squared_error"
    classifies = False

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        if targets.dtype.kind not in "fiub":
            raise TypeError(f"{self.name}: targets must be real numbers, got dtype {targets.dtype}")
        if targets.ndim == 0 or prod(targets.shape[1:]) != prod(outputs):
            raise ValueError(
                f"{self.name}: targets must have shape (N, {', '.join(map(str, outputs))}), got {targets.shape}"
            )
        targets = np.require(targets.reshape(len(targets), *outputs), dtype, ("C", "A"))
        if not np.isfinite(targets).all():
            raise ValueError(f"{self.name}: targets hold NaN or infinity")
        return targets

    def run(self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float) -> None:
        ops.squared_error(out, targets, dx, loss, scale)

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / (batch * prod(outputs))


def class_labels(function: str, labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Whole-number labels (N,) in 0 … classes-1, as int64.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If their shape or range is wrong.
    """
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{function}: labels must be integers, got dtype {labels.dtype}")
    if labels.ndim != 1:
        raise ValueError(f"{function}: labels must have shape (N,), got {labels.shape}")
    if len(labels) and not (0 <= labels.min() and labels.max() < classes):
        raise ValueError(f"{function}: labels must lie in 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return np.require(labels, np.int64, ("C", "A"))


def _distributions(function: str, targets: NDArray[Any], classes: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"{function}: one-hot labels must be real numbers, got dtype {targets.dtype}")
    if targets.shape[1] != classes:
        raise ValueError(f"{function}: one-hot labels must have shape (N, {classes}), got {targets.shape}")
    targets = np.require(targets, dtype, ("C", "A"))
    if not (np.isfinite(targets).all() and (targets >= 0).all()):
        raise ValueError(f"{function}: one-hot labels must be finite and not negative")
    return targets


LOSSES: dict[str, type[Loss]] = {c.name: c for c in (SoftmaxCrossEntropy, MeanSquaredError)}


def get(loss: str | Loss) -> Loss:
    """The loss of that name; a `Loss` comes back as it is.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.losses.get("mean_squared_error").name
    'mean_squared_error'
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str) or loss not in LOSSES:
        raise ValueError(f"loss: expected one of {', '.join(LOSSES)}, got {loss!r}")
    return LOSSES[loss]()
