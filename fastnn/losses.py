"""The losses that a model is trained on: value, gradient and number of right answers, in one pass over the data."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import number
from fastnn.kernels.eager import Ops
from fastnn.named import named
from fastnn.parameter import Parameter
from fastnn.targets import check_rows, class_labels, distributions, like_outputs

Task = Literal["classification", "multilabel", "regression"]


class Loss:
    """Base of the losses.

    Attributes
    ----------
    name : str
        By which `get` finds it.
    classifies : bool
        Whether `run` counts right answers.
    takes_scores : bool
        Whether it applies a softmax or a sigmoid to the outputs itself.

    Examples
    --------
    >>> import fastnn
    >>> [name for name, loss in fastnn.losses.LOSSES.items() if loss.classifies]
    ['softmax_cross_entropy', 'multiclass_hinge', 'binary_cross_entropy']
    """

    name: ClassVar[str]
    classifies: ClassVar[bool]
    takes_scores: ClassVar[bool] = False
    l2: float = 0.0  # λ of the term λ Σ w² / (2 n) that the loss itself charges for the weights in a step of n samples
    l2_arguments: ClassVar[tuple[str, ...]] = ()  # constructor arguments that decide nothing but `l2`

    @property
    def task(self) -> Task:
        """What a model that is trained on it does, see `Sequential.task`."""
        return "classification" if self.classifies else "regression"

    def config(self) -> dict[str, Any]:
        """The constructor arguments."""
        return dict(vars(self))

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Check targets and make them ready for the kernels.

        Parameters
        ----------
        targets : (N, ...) array
        outputs : tuple of int
            Shape of the model's output for one sample.
        dtype : dtype
            Of the model.

        Returns
        -------
        (N, ...) array, C-contiguous

        Raises
        ------
        ValueError, TypeError
            If the targets do not fit the outputs.
        """
        raise NotImplementedError(f"{type(self).__name__}: prepare is missing")

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        """Compute the loss of a batch and its gradient.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        out : (N, *outputs) array
            The model's raw outputs.
        targets : (N, ...) array
            From `prepare`.
        dx : (N, *outputs) array or None
            Where the gradient with respect to `out` is written; None if it is not needed.
        loss : (1,) float64 array
            Where the loss is written.
        correct : (1,) int64 array
            Where the number of right answers is written, if the loss `classifies`.
        scale : float
            Factor on the sum over the samples, in the loss and in the gradient.
        weights : (N,) array or None
            Factor for each sample.
        """
        raise NotImplementedError(f"{type(self).__name__}: run is missing")

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        """The factor by which the sum over the samples becomes the mean.

        Parameters
        ----------
        batch : int
            The number of samples.
        outputs : tuple of int
            Shape of the model's output for one sample.
        """
        return 1.0 / batch

    def penalise(self, ops: Ops, parameters: Mapping[str, Parameter], loss: Any, batch: int) -> None:
        """Add what the loss itself, and not the model, charges for the parameters, and its gradient: here nothing.

        Parameters
        ----------
        ops : Ops
            Runs or records kernels.
        parameters : mapping of str to Parameter
            Those that are trained.
        loss : (1,) float64 array
            What is added is added to this.
        batch : int
            The number of samples of the step.
        """


class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the outputs: -log softmax(out)[label], mean over samples, in nats.

    Outputs are scores (N, C), without a softmax: a model that ends in one is trained on the softmax of its
    probabilities. Targets are labels (N,) of an integer dtype, or rows (N, C) of weights t, for which the loss is
    -Σ t log softmax(out).

    Notes
    -----
    The gradient is (softmax(out) Σt - t) / N. Weights are at least 0; a row need not sum to 1. The logarithm is taken
    through log Σ exp(out - max), and is finite where the softmax is too small for a floating-point number.

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
        check_rows(self.name, outputs)
        if targets.ndim == 2:
            return distributions(self.name, targets, outputs[0], dtype)
        return class_labels(self.name, targets, outputs[0])

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        kernel = ops.softmax_cross_entropy if len(targets.shape) == 1 else ops.soft_cross_entropy
        kernel(out, targets, dx, loss, correct, weights, scale)


class MeanSquaredError(Loss):
    """Squared error: (out - target)², mean over samples and outputs.

    Targets have the shape of the outputs, (N, *output_shape), or (N,) for one output; any real dtype.

    Notes
    -----
    The gradient is 2 (out - target) / (N · the number of outputs).

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
        return like_outputs(self.name, targets, outputs, dtype)

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        rows = (len(out), prod(out.shape[1:]))
        flat = None if dx is None else dx.reshape(rows)
        ops.squared_error(out.reshape(rows), targets.reshape(rows), flat, loss, weights, scale)

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / (batch * prod(outputs))


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
        return class_labels(self.name, targets, outputs[0])

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


BY_TASK: dict[Task, str] = {
    "classification": "softmax_cross_entropy",
    "multilabel": "binary_cross_entropy",
    "regression": "mean_squared_error",
}
LOSSES: dict[str, type[Loss]] = {
    c.name: c for c in (SoftmaxCrossEntropy, MeanSquaredError, MulticlassHinge, BinaryCrossEntropy)
}


def get(loss: str | Loss, **options: Any) -> Loss:
    """The loss of a name, made with `options`; a `Loss` is returned as it is.

    Parameters
    ----------
    loss : str or Loss
        A key of `LOSSES`, as ``"mean_squared_error"``.
    **options
        Arguments of the class.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If there is no loss of that name.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.losses.get("mean_squared_error").name
    'mean_squared_error'
    """
    return named("loss", loss, Loss, LOSSES, options)
