"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.checks import number
from fastnn.kernels.eager import Ops
from fastnn.optim.base import Optimizer
from fastnn.parameter import Parameter


class SGD(Optimizer):
    """w ← w - rate · gradient.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    weight_decay : float
        At least 0.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.SGD(0.5)
    SGD(learning_rate=0.5, weight_decay=0.0)
    """

    def __init__(self, learning_rate: float = 0.1, *, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, weight_decay)

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.sgd_update(parameter.value, parameter.grad, rate, self.decay(parameter))


class Momentum(Optimizer):
    """v ← momentum · v + rate · gradient; w ← w - v.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    momentum : float
        In [0, 1).
    weight_decay : float
        At least 0.
    initial_velocity : float
        What every element of v starts with.

    Notes
    -----
    The rate stands inside the velocity (Sutskever et al. 2013), so a schedule does not rescale steps already
    taken. PyTorch keeps it outside; with a constant rate the two are the same method.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Momentum(0.1).momentum
    0.9
    """

    slots = ("v",)

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        initial_velocity: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = number("Momentum", "momentum", momentum, at_least=0, below=1)
        self.initial_velocity = number("Momentum", "initial_velocity", initial_velocity)

    def initial(self, slot: str) -> float:
        return self.initial_velocity

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.momentum_update(parameter.value, state["v"], parameter.grad, rate, self.momentum, self.decay(parameter))


class Nesterov(Optimizer):
    """v ← momentum · v + rate · gradient; w ← w - (momentum · v + rate · gradient).

    Parameters
    ----------
    learning_rate : float
        Above 0.
    momentum : float
        In [0, 1).
    weight_decay : float
        At least 0.

    Notes
    -----
    Nesterov's accelerated gradient as Sutskever et al. (2013) write it, with the gradient taken at the place to which
    the velocity would lead; w holds that place (Bengio et al. 2013, eq. 7). With a constant rate the same method as
    PyTorch's ``SGD(nesterov=True)``.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Nesterov(0.1)
    Nesterov(learning_rate=0.1, weight_decay=0.0, momentum=0.9)
    """

    slots = ("v",)

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9, *, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = number("Nesterov", "momentum", momentum, at_least=0, below=1)

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.nesterov_update(parameter.value, state["v"], parameter.grad, rate, self.momentum, self.decay(parameter))
