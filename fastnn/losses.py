"""The losses that a model is trained on.

A loss gets raw outputs and targets and gives the loss, its gradient and (for classes) the number of right answers in
one pass. `scale` is 1 / batch for the mean over samples, 1 for the sum.
"""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import number
from fastnn.kernels.eager import Ops
from fastnn.kernels.layout import as_taken
from fastnn.named import named

Task = Literal["classification", "multilabel", "regression"]


class Loss:
    """Base of the losses."""

    name: ClassVar[str]
    classifies: ClassVar[bool]  # whether `run` counts right answers
    takes_scores: ClassVar[bool] = False  # whether it applies a softmax or sigmoid of its own to the outputs

    @property
    def task(self) -> Task:
        """What a model trained on it does, see `Sequential.task`."""
        return "classification" if self.classifies else "regression"

    def config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return dict(vars(self))

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """`targets` checked against the model's output shape (without the batch) and made ready for the kernels.

        Raises
        ------
        ValueError, TypeError
            If they do not fit.
        """
        raise NotImplementedError

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        """Write loss (1,), gradient dx (or None) and count of right answers (1,); weights (N,) or None."""
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
    takes_scores = True

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        _rows_of_outputs(self.name, outputs)
        if targets.ndim == 2:
            return _distributions(self.name, targets, outputs[0], dtype)
        return class_labels(self.name, targets, outputs[0])

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        kernel = ops.softmax_cross_entropy if len(targets.shape) == 1 else ops.soft_cross_entropy
        kernel(out, targets, dx, loss, correct, weights, scale)


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
        return _like_outputs(self.name, targets, outputs, dtype)

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        rows = (len(out), prod(out.shape[1:]))
        flat = None if dx is None else dx.reshape(rows)
        ops.squared_error(out.reshape(rows), targets.reshape(rows), flat, loss, weights, scale)

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / (batch * prod(outputs))


class MulticlassHinge(Loss):
    """Σ max(0, out[j] - out[label] + delta) over the wrong classes j, mean over samples; labels (N,).

    The support vector machine of Weston & Watkins (1999). Outputs are scores, not probabilities.

    Parameters
    ----------
    delta : float
        The margin that is asked for, above 0.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(4, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [3], loss=fastnn.losses.MulticlassHinge(0.5))
    {'loss': 1.5, 'accuracy': 0.0}
    """

    name = "multiclass_hinge"
    classifies = True
    takes_scores = True

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = number("MulticlassHinge", "delta", delta, above=0)

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        _rows_of_outputs(self.name, outputs)
        return class_labels(self.name, targets, outputs[0])

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        ops.multiclass_hinge(out, targets, dx, loss, correct, weights, scale, self.delta)


class BinaryCrossEntropy(Loss):
    """-t log σ(out) - (1 - t) log σ(-out), mean over samples and outputs, in nats.

    Every output is a yes-or-no question of its own; targets t in [0, 1], (N, C), or (N,) for one output. A sample is
    right where all its outputs are on the right side of 0. The outputs are those before a sigmoid.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(3, init="zeros")], input_shape=(2,))
    >>> loss = model.evaluate([[1, 2]], [[0, 1, 1]], loss=fastnn.losses.BinaryCrossEntropy())["loss"]
    >>> round(loss, 4)  # log 2
    0.6931
    """

    name = "binary_cross_entropy"
    classifies = True
    takes_scores = True

    @property
    def task(self) -> Task:
        return "multilabel"

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        _rows_of_outputs(self.name, outputs)
        prepared = _like_outputs(self.name, targets, outputs, dtype)
        if prepared.size and not (prepared.min() >= 0 and prepared.max() <= 1):
            raise ValueError(f"{self.name}: targets must lie in 0 to 1, got {prepared.min():g} to {prepared.max():g}")
        return prepared

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        ops.binary_cross_entropy(out, targets, dx, loss, correct, weights, scale)

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / (batch * prod(outputs))


def _rows_of_outputs(function: str, outputs: tuple[int, ...]) -> None:
    if len(outputs) != 1:
        raise ValueError(f"{function}: expected a model with outputs of one dimension, got {outputs}")


def _like_outputs(function: str, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Finite numbers, as many a sample as outputs."""
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"{function}: targets must be real numbers, got dtype {targets.dtype}")
    if targets.ndim == 0 or prod(targets.shape[1:]) != prod(outputs):
        expected = ", ".join(map(str, outputs))
        raise ValueError(f"{function}: targets must have shape (N, {expected}), got {targets.shape}")
    targets = as_taken(targets.reshape(len(targets), *outputs), dtype)
    if not np.isfinite(targets).all():
        raise ValueError(f"{function}: targets hold NaN or infinity")
    return targets


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
    # uint64 labels beyond int64 turn negative here, and negative ones are huge as uint64
    whole = as_taken(labels, np.dtype(np.int64))
    unsigned = whole.view(np.uint64)
    if np.maximum.reduce(unsigned, initial=0) >= classes:
        bad = int(np.argmax(unsigned >= classes))
        raise ValueError(f"{function}: labels must lie in 0 to {classes - 1}, got {labels[bad]} in sample {bad}")
    return whole


def check_target_weights(function: str, targets: NDArray[Any]) -> None:
    """Raise ValueError unless all of (N, C) are finite and at least 0."""
    good = np.isfinite(targets) & (targets >= 0)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        value = targets[row, column]
        raise ValueError(f"{function}: one-hot labels must be finite and at least 0, got {value} in sample {row}")


def _distributions(function: str, targets: NDArray[Any], classes: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"{function}: one-hot labels must be real numbers, got dtype {targets.dtype}")
    if targets.shape[1] != classes:
        raise ValueError(f"{function}: one-hot labels must have shape (N, {classes}), got {targets.shape}")
    targets = as_taken(targets, dtype)
    check_target_weights(function, targets)
    return targets


BY_TASK: dict[Task, str] = {
    "classification": "softmax_cross_entropy",
    "multilabel": "binary_cross_entropy",
    "regression": "mean_squared_error",
}
LOSSES: dict[str, type[Loss]] = {
    c.name: c for c in (SoftmaxCrossEntropy, MeanSquaredError, MulticlassHinge, BinaryCrossEntropy)
}


def get(loss: str | Loss, **options: Any) -> Loss:
    """The loss of that name with `options`; a `Loss` comes back as it is.

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
    return named("loss", loss, Loss, LOSSES, options)
