"""The losses of numbers: errors of a location, deviances of counts and of positive numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from fastnn.checks import Range, in_words, inside, number
from fastnn.kernels import ElementwiseLoss
from fastnn.kernels.eager import Ops
from fastnn.losses.base import Loss
from fastnn.targets import like_outputs


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


class OutputwiseLoss(Loss):
    """Base of the losses that are a mean over samples and outputs of one formula, `fastnn.kernels.ElementwiseLoss`.

    Targets have the shape of the outputs, (N, *output_shape), or (N,) for one output; any real dtype.

    Attributes
    ----------
    kind : ElementwiseLoss
        The formula and its gradient.
    target_range : dict
        What the targets must be, as arguments of `fastnn.checks.inside`.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.losses.MeanAbsoluteError.kind.formula
    '|x - t|'
    """

    classifies = False
    kind: ClassVar[ElementwiseLoss]
    target_range: ClassVar[Range] = {}

    def parameters(self, outputs: int) -> list[float] | None:
        """The parameter of each output of a sample, if the formula has one.

        Parameters
        ----------
        outputs : int
        """
        return None

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        prepared = like_outputs(self.name, targets, outputs, dtype)
        if prepared.size and not inside(float(prepared.min()), self.target_range):
            expected = in_words("numbers", self.target_range)
            raise ValueError(f"{self.name}: targets: expected {expected}, got {prepared.min():g}")
        return prepared

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        rows = (out.shape[0], prod(out.shape[1:]))
        flat = None if dx is None else dx.reshape(rows)
        values = self.parameters(rows[1])
        parameters = None if values is None else np.array(values, ops.dtype)
        ops.elementwise_loss(
            out.reshape(rows), targets.reshape(rows), parameters, flat, loss, weights, scale, self.kind
        )

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / (batch * prod(outputs))


class MeanAbsoluteError(OutputwiseLoss):
    """Absolute error: |out - target|, mean over samples and outputs.

    It is least for the median of the targets. Targets have the shape of the outputs, or (N,) for one output.

    Notes
    -----
    The gradient is sign(out - target) / (N · the number of outputs).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [[3, -1]], loss="mae")
    {'loss': 2.0}
    """

    name = "mean_absolute_error"
    kind = ElementwiseLoss.ABSOLUTE


class Huber(OutputwiseLoss):
    """Huber's loss: d² / 2 where |d| <= δ, else δ (|d| - δ / 2), with d = out - target; mean over samples and outputs.

    Parameters
    ----------
    delta : float
        δ, from where on the error counts only linearly; above 0, in units of the targets.

    Raises
    ------
    TypeError, ValueError
        If delta is not a number, or out of its range.

    Notes
    -----
    Huber, "Robust estimation of a location parameter", 1964.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [[1, 3]], loss=fastnn.losses.Huber(1))
    {'loss': 1.5}
    """

    name = "huber"
    kind = ElementwiseLoss.HUBER

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = number("Huber", "delta", delta, above=0)

    def parameters(self, outputs: int) -> list[float] | None:
        return [self.delta] * outputs


class LogCosh(OutputwiseLoss):
    """log cosh(out - target), mean over samples and outputs: d² / 2 for small errors d, |d| - log 2 for large ones.

    Notes
    -----
    The gradient is tanh(out - target) / (N · the number of outputs).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1, init="zeros")], input_shape=(2,))
    >>> round(model.evaluate([[1, 2]], [[100]], loss="log_cosh")["loss"], 4)  # 100 - log 2
    99.3069
    """

    name = "log_cosh"
    kind = ElementwiseLoss.LOG_COSH


class HalfPoissonDeviance(OutputwiseLoss):
    """Half the Poisson deviance of counts t whose mean is exp(out): exp(out) - t out + t log t - t.

    The mean over samples and outputs. The outputs are logarithms: ``numpy.exp(model.predict(x))`` are the means.
    Targets are at least 0, in the shape of the outputs or (N,) for one output.

    Notes
    -----
    The gradient is (exp(out) - t) / (N · the number of outputs).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [[1]], loss="poisson")
    {'loss': 0.0}
    """

    name = "half_poisson_deviance"
    kind = ElementwiseLoss.HALF_POISSON_DEVIANCE
    target_range: ClassVar[Range] = {"at_least": 0}


class HalfGammaDeviance(OutputwiseLoss):
    """Half the deviance of gamma-distributed t whose mean is exp(out): t exp(-out) + out - log t - 1.

    The mean over samples and outputs: relative errors count, as for prices or durations. The outputs are logarithms:
    ``numpy.exp(model.predict(x))`` are the means. Targets are above 0, in the shape of the outputs or (N,) for one.

    Notes
    -----
    The gradient is (1 - t exp(-out)) / (N · the number of outputs).

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [[1]], loss="gamma")
    {'loss': 0.0}
    """

    name = "half_gamma_deviance"
    kind = ElementwiseLoss.HALF_GAMMA_DEVIANCE
    target_range: ClassVar[Range] = {"above": 0}


class Quantile(OutputwiseLoss):
    """Pinball loss: τ (t - out) where t > out, else (1 - τ) (out - t); least where out is the τ-quantile of t.

    The mean over samples and outputs. With one level, targets have the shape of the outputs, or (N,) for one output.
    With several, the model has an output for each level, and targets (N,) are compared with all of them, or targets
    (N, levels) each with its own; `fastnn.layers.Rising` as the last layer keeps the quantiles from crossing.

    Parameters
    ----------
    levels : float or sequence of float
        τ, above 0 and below 1; several in rising order.

    Raises
    ------
    TypeError, ValueError
        If a level is not a number, out of its range, or not above the one before it.

    Notes
    -----
    Koenker & Bassett, "Regression quantiles", 1978.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(2, init="zeros")], input_shape=(2,))
    >>> model.evaluate([[1, 2]], [4], loss=fastnn.losses.Quantile([0.25, 0.75]))
    {'loss': 2.0}
    """

    name = "quantile"
    kind = ElementwiseLoss.PINBALL

    def __init__(self, levels: float | Sequence[float] = 0.5) -> None:
        several = isinstance(levels, Sequence | np.ndarray) and not isinstance(levels, str)
        given = list(cast(Sequence[float], levels)) if several else [cast(float, levels)]
        if not given:
            raise ValueError("Quantile: levels: expected at least one, got none")
        found = [number("Quantile", "levels", level, above=0, below=1) for level in given]
        if any(second <= first for first, second in pairwise(found)):
            raise ValueError(f"Quantile: levels: expected numbers in rising order, got {given!r:.80}")
        self.levels: float | list[float] = found if several else found[0]

    def parameters(self, outputs: int) -> list[float] | None:
        levels = self.levels if isinstance(self.levels, list) else [self.levels]
        return levels * outputs if len(levels) == 1 else levels

    def prepare(self, targets: NDArray[Any], outputs: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        if not isinstance(self.levels, list) or len(self.levels) == 1:
            return super().prepare(targets, outputs, dtype)
        if outputs != (len(self.levels),):
            raise ValueError(f"{self.name}: expected a model with an output for each of {self.levels}, got {outputs}")
        if targets.shape[1:] == outputs:
            return super().prepare(targets, outputs, dtype)
        return like_outputs(self.name, targets, (1,), dtype).repeat(len(self.levels), axis=1)
