"""What every optimiser is: its numbers, its state, and how it changes one parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from fastnn.kernels.eager import Ops
from fastnn.parameter import Parameter


def number(owner: str, name: str, value: float) -> float:
    """`value` as a float."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{owner}: {name} must be a number, got {value!r}") from None


def positive(owner: str, name: str, value: float) -> float:
    """`value` as a float, finite and above 0."""
    value = number(owner, name, value)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{owner}: {name} must be finite and above 0, got {value}")
    return value


def not_negative(owner: str, name: str, value: float) -> float:
    """`value` as a float, finite and at least 0."""
    value = number(owner, name, value)
    if not 0 <= value < math.inf:
        raise ValueError(f"{owner}: {name} must be finite and at least 0, got {value}")
    return value


def fraction(owner: str, name: str, value: float) -> float:
    """`value` as a float in [0, 1)."""
    value = number(owner, name, value)
    if not 0 <= value < 1:
        raise ValueError(f"{owner}: {name} must be at least 0 and below 1, got {value}")
    return value


class Optimizer:
    """Base of the optimisers.

    A subclass names its state in `slots` and implements `update` by the kernels of `ops`; one that computes with
    NumPy works too, and makes the training run layer by layer.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    learning_rate: float
    weight_decay: float

    def __init__(self, learning_rate: float, weight_decay: float) -> None:
        owner = type(self).__name__
        self.learning_rate = positive(owner, "learning_rate", learning_rate)
        self.weight_decay = not_negative(owner, "weight_decay", weight_decay)

    def initial(self, slot: str) -> float:
        """The value that a slot's vector starts with."""
        return 0.0

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        """Change one parameter. rate (1,) float64; t (1,) int64, the step counted from 1."""
        raise NotImplementedError

    def decay(self, parameter: Parameter) -> float:
        """Weight decay of this parameter."""
        return self.weight_decay if parameter.decays else 0.0

    def config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return dict(vars(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.config().items())})"
