"""The losses of classes: cross-entropies and the multi-class hinge."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import number
from fastnn.kernels.eager import Ops
from fastnn.losses.base import Loss, Task
from fastnn.targets import check_rows, class_labels, distributions, like_outputs, whole_labels


class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the outputs: -log softmax(out)[label], mean over samples, in nats.

    Outputs are scores (N, C), without a softmax: a model that ends in one is trained on the softmax of its
    probabilities. Targets are labels (N,), whole numbers of any dtype, or rows (N, C) of weights t, for which the loss
    is -Σ t log softmax(out).

    Parameters
    ----------
    label_smoothing : float
        ε: a share of each target that is spread evenly over all classes, at least 0 and below 1. The targets become
        (1 - ε) t + ε Σt / C.

    Raises
    ------
    TypeError, ValueError
        If label_smoothing is not a number, or out of its range.

    Notes
    -----
    The gradient is (softmax(out) Σt - t) / N. Weights are at least 0; a row need not sum to 1. The logarithm is taken
    through log Σ exp(out - max), and is finite where the softmax is too small for a floating-point number. Label
    smoothing: Szegedy et al., "Rethinking the inception architecture for computer vision", 2016.

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
    label_smoothing: float = 0.0

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = number("SoftmaxCrossEntropy", "label_smoothing", label_smoothing, at_least=0, below=1)

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        check_rows(self.name, outputs)
        targets = whole_labels(self.name, targets, outputs[0])
        if targets.ndim == 2:
            return distributions(self.name, targets, outputs[0], dtype)
        labels = class_labels(self.name, targets, outputs[0])
        return np.asarray(np.eye(outputs[0], dtype=dtype)[labels]) if self.label_smoothing else labels

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        if self.label_smoothing:
            smoothed, classes = ops.empty(targets.shape), targets.shape[1]
            mixing = np.eye(classes) * (1 - self.label_smoothing) + self.label_smoothing / classes
            ops.affine_forward(targets, mixing.astype(ops.dtype), None, smoothed)
            targets = smoothed
        kernel = ops.softmax_cross_entropy if len(targets.shape) == 1 else ops.soft_cross_entropy
        kernel(out, targets, dx, loss, correct, weights, scale)


class FocalCrossEntropy(Loss):
    """Focal loss: -(1 - q)^γ log q with q = softmax(out)[label], mean over samples, in nats.

    Samples that are already right with certainty count little, so that rare and hard ones are learned. Outputs are
    scores (N, C), without a softmax; targets are labels (N,) of an integer dtype.

    Parameters
    ----------
    gamma : float
        γ, at least 0; 0 is the cross-entropy.

    Raises
    ------
    TypeError, ValueError
        If gamma is not a number, or out of its range.

    Notes
    -----
    Lin, Goyal, Girshick, He & Dollár, "Focal loss for dense object detection", 2017. Their factor α for each class is
    the trainer's `class_weight`.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(4, init="zeros")], input_shape=(2,))
    >>> round(model.evaluate([[1, 2]], [3], loss=fastnn.losses.FocalCrossEntropy(2))["loss"], 4)  # (3/4)² log 4
    0.7798
    """

    name = "focal_cross_entropy"
    classifies = True
    takes_scores = True

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = number("FocalCrossEntropy", "gamma", gamma, at_least=0)

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        check_rows(self.name, outputs)
        return class_labels(self.name, whole_labels(self.name, targets, outputs[0]), outputs[0])

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        ops.focal_cross_entropy(out, targets, dx, loss, correct, weights, scale, self.gamma)


class MulticlassHinge(Loss):
    """Multi-class hinge loss: Σ max(0, out[j] - out[label] + delta) over the wrong classes j, mean over samples.

    Outputs are scores (N, C), not probabilities; targets are labels (N,) of an integer dtype.

    Parameters
    ----------
    delta : float
        The margin by which the right score shall exceed the others, above 0.

    Raises
    ------
    TypeError, ValueError
        If delta is not a number, or out of its range.

    Notes
    -----
    Weston & Watkins, "Support vector machines for multi-class pattern recognition", 1999. At the kink the gradient
    is 0.

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
        check_rows(self.name, outputs)
        return class_labels(self.name, whole_labels(self.name, targets, outputs[0]), outputs[0])

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        ops.multiclass_hinge(out, targets, dx, loss, correct, weights, scale, self.delta)


class BinaryCrossEntropy(Loss):
    """Binary cross-entropy: -t log σ(out) - (1 - t) log σ(-out), mean over samples and outputs, in nats.

    Each output answers its own yes-or-no question. Outputs are scores (N, C), without a sigmoid; targets t are at
    least 0 and at most 1, (N, C), or (N,) for one output. A sample counts as right if every one of its outputs is on
    the right side of 0.

    Notes
    -----
    The gradient is (σ(out) - t) / (N C).

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
        check_rows(self.name, outputs)
        prepared = like_outputs(self.name, targets, outputs, dtype)
        if prepared.size and not (prepared.min() >= 0 and prepared.max() <= 1):
            raise ValueError(f"{self.name}: targets must lie in 0 to 1, got {prepared.min():g} to {prepared.max():g}")
        return prepared

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        ops.binary_cross_entropy(out, targets, dx, loss, correct, weights, scale)

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / (batch * prod(outputs))
