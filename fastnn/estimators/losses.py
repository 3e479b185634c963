"""The losses that scikit-learn's networks minimise: means over samples of sums over outputs, with the L2 term.

They differ from those of `fastnn.losses` in two things alone. The gradient is divided by the number of samples and not
by the number of outputs, and each step charges for the weights: ``alpha / (2 n) Σ w²`` in a step of n samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from numpy.typing import NDArray

from fastnn.kernels.eager import Ops
from fastnn.losses import BinaryCrossEntropy, HalfPoissonDeviance, Loss, MeanSquaredError, SoftmaxCrossEntropy
from fastnn.parameter import Parameter

Array = NDArray[Any]


class PenalisedLoss(Loss):
    """Base of the losses: the mean over the samples, and the L2 term.

    Parameters
    ----------
    alpha : float
        Coefficient of the L2 term, at least 0. It is divided by the number of samples of a step.
    """

    l2_arguments = ("alpha",)

    def __init__(self, alpha: float = 0.0) -> None:
        self.alpha = alpha

    @property
    def l2(self) -> float:  # type: ignore[override]
        """The coefficient of the L2 term of one sample."""
        return self.alpha

    def with_l2(self, l2: float) -> PenalisedLoss:
        return type(self)(**(self.config() | {"alpha": l2}))

    def scale(self, batch: int, outputs: tuple[int, ...]) -> float:
        return 1.0 / batch

    def penalise(self, ops: Ops, parameters: Mapping[str, Parameter], loss: Any, batch: int) -> None:
        if not self.alpha:
            return
        for parameter in parameters.values():
            if parameter.decays:
                ops.penalty(parameter.value, parameter.grad, loss, 0.0, self.l2 / batch)

    def reported(self, value: float, penalty: float, outputs: int) -> float:
        """The value that scikit-learn reports for what is minimised.

        Parameters
        ----------
        value : float
            What is minimised, with the L2 term.
        penalty : float
            The L2 term.
        outputs : int
        """
        return value


class ClassCrossEntropy(PenalisedLoss, SoftmaxCrossEntropy):
    """Cross-entropy of the softmax of the outputs, for one of several classes."""


class LabelsCrossEntropy(PenalisedLoss, BinaryCrossEntropy):
    """Binary cross-entropy of each output's sigmoid, summed over the outputs."""


class HalfSquaredError(PenalisedLoss, MeanSquaredError):
    """Half the squared error, whose gradient is that of the sum over outputs: (out - target) / N.

    Parameters
    ----------
    alpha : float
        See `PenalisedLoss`.
    mean : bool
        Whether the value is the mean over the outputs. That is what scikit-learn reports, although it takes the
        gradient of the sum; with one output the two are the same.
    """

    def __init__(self, alpha: float = 0.0, mean: bool = True) -> None:
        super().__init__(alpha)
        self.mean = mean

    def run(
        self, ops: Ops, out: Any, targets: Any, dx: Any, loss: Any, correct: Any, scale: float, weights: Any = None
    ) -> None:
        rows = (out.shape[0], prod(out.shape[1:]))
        outputs = rows[1] if self.mean else 1
        flat, wanted = out.reshape(rows), targets.reshape(rows)
        if dx is None or outputs == 1:
            gradient = None if dx is None else dx.reshape(rows)
            ops.squared_error(flat, wanted, gradient, loss, weights, scale / 2 / outputs)
            return
        share = ops.empty(rows)  # the gradient of the mean over the outputs
        ops.squared_error(flat, wanted, share, loss, weights, scale / 2 / outputs)
        ops.gather_rows(share, None, dx.reshape(rows), float(outputs))

    def reported(self, value: float, penalty: float, outputs: int) -> float:
        return value if self.mean else (value - penalty) / outputs + penalty


class SummedPoissonDeviance(PenalisedLoss, HalfPoissonDeviance):
    """Half the Poisson deviance of targets whose mean is exp(out), summed over the outputs."""
