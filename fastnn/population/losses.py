"""The losses that the population kernel has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from fastnn.kernels.populations import PopulationLoss
from fastnn.losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy
from fastnn.population.stages import ALTERNATIVE


@dataclass(frozen=True)
class LossTerms:
    """What the kernel computes for a loss: its value is `value`, and its gradient `gradient`, times the scale."""

    kind: PopulationLoss
    value: float = 1.0
    gradient: float = 1.0


TERMS: dict[type[Loss], Callable[[Any, int], LossTerms]] = {
    SoftmaxCrossEntropy: lambda loss, outputs: LossTerms(PopulationLoss.SOFTMAX_CROSS_ENTROPY),
    MeanSquaredError: lambda loss, outputs: LossTerms(PopulationLoss.SQUARED_ERROR),
    BinaryCrossEntropy: lambda loss, outputs: LossTerms(PopulationLoss.BINARY_CROSS_ENTROPY),
}
"""For each class of losses, the terms of a loss by its number of outputs; subclasses have entries of their own."""


def terms_of(function: str, loss: Loss, outputs: tuple[int, ...], targets: NDArray[Any]) -> LossTerms:
    """The terms of a loss for prepared targets.

    Raises
    ------
    ValueError
        If the kernel does not have the loss.
    """
    terms = TERMS.get(type(loss))
    if terms is None:
        known = ", ".join(of.name for of in (SoftmaxCrossEntropy, MeanSquaredError, BinaryCrossEntropy))
        raise ValueError(f"{function}: loss: expected {known}, got {loss.name}; {ALTERNATIVE}")
    found = terms(loss, prod(outputs))
    if found.kind == PopulationLoss.SOFTMAX_CROSS_ENTROPY and targets.ndim != 1:
        raise ValueError(f"{function}: y: expected labels (N,), got shape {targets.shape}; {ALTERNATIVE}")
    return found
