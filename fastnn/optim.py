"""The optimisers: how a gradient changes a parameter.

An optimiser names its state arrays (`slots`, one flat vector each, laid out like the parameters) and calls one update
kernel a parameter. Weight decay adds ``weight_decay * w`` to the gradient of weights, never of biases.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from fastnn.kernels.eager import Ops
from fastnn.parameter import Parameter


def _number(owner: str, name: str, value: float) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{owner}: {name} must be a number, got {value!r}") from None


def _positive(owner: str, name: str, value: float) -> float:
    value = _number(owner, name, value)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{owner}: {name} must be finite and above 0, got {value}")
    return value


def _fraction(owner: str, name: str, value: float) -> float:
    value = _number(owner, name, value)
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
        self.learning_rate = _positive(owner, "learning_rate", learning_rate)
        self.weight_decay = _number(owner, "weight_decay", weight_decay)
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"{owner}: weight_decay must be finite and at least 0, got {weight_decay}")

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
        self.momentum = _fraction("Momentum", "momentum", momentum)
        self.initial_velocity = _number("Momentum", "initial_velocity", initial_velocity)
        if not math.isfinite(self.initial_velocity):
            raise ValueError(f"Momentum: initial_velocity must be finite, got {initial_velocity}")

    def initial(self, slot: str) -> float:
        return self.initial_velocity

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.momentum_update(parameter.value, state["v"], parameter.grad, rate, self.momentum, self.decay(parameter))


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015), with bias correction.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    beta1, beta2 : float
        Decay rates of the two moments, in [0, 1).
    eps : float
        Above 0.
    weight_decay : float
        At least 0; added to the gradient (not decoupled).

    Notes
    -----
    m ← beta1 m + (1 - beta1) g; v ← beta2 v + (1 - beta2) g²; w ← w - rate m̂ / (√v̂ + eps), with
    m̂ = m / (1 - beta1ᵗ) and v̂ = v / (1 - beta2ᵗ) in step t, counted from 1 over the whole training.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Adam(0.003).beta2
    0.999
    """

    slots = ("m", "v")

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.beta1 = _fraction("Adam", "beta1", beta1)
        self.beta2 = _fraction("Adam", "beta2", beta2)
        self.eps = _positive("Adam", "eps", eps)

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.adam_update(
            parameter.value,
            state["m"],
            state["v"],
            parameter.grad,
            rate,
            t,
            self.beta1,
            self.beta2,
            self.eps,
            self.decay(parameter),
        )


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "momentum": Momentum, "adam": Adam}


def get(optimizer: str | Optimizer, **options: Any) -> Optimizer:
    """The optimiser of that name with `options`; an `Optimizer` comes back as it is.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.get("adam", learning_rate=0.01).learning_rate
    0.01
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str) or optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer: expected one of {', '.join(OPTIMIZERS)}, got {optimizer!r}")
    return OPTIMIZERS[optimizer](**options)
