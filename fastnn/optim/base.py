"""What every optimiser is: its numbers, its state, and how it changes one parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastnn.checks import number
from fastnn.kernels.eager import Ops
from fastnn.parameter import Parameter


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
        self.learning_rate = number(owner, "learning_rate", learning_rate, above=0)
        self.weight_decay = number(owner, "weight_decay", weight_decay, at_least=0)

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
