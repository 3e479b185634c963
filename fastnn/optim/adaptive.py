"""Optimisers that divide each element's step by the size of its past gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.checks import number
from fastnn.kernels.eager import Ops
from fastnn.optim.base import Optimizer
from fastnn.parameter import Parameter


class Adagrad(Optimizer):
    """v ← v + g²; w ← w - rate · g / (√v + eps) (Duchi, Hazan & Singer 2011).

    Parameters
    ----------
    learning_rate : float
        Above 0.
    eps : float
        Above 0.
    weight_decay : float
        At least 0; added to the gradient.
    initial_accumulator : float
        What every element of v starts with, at least 0.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Adagrad(0.05).eps
    1e-10
    """

    slots = ("v",)

    def __init__(
        self,
        learning_rate: float = 0.01,
        eps: float = 1e-10,
        *,
        weight_decay: float = 0.0,
        initial_accumulator: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.eps = number("Adagrad", "eps", eps, above=0)
        self.initial_accumulator = number("Adagrad", "initial_accumulator", initial_accumulator, at_least=0)

    def initial(self, slot: str) -> float:
        return self.initial_accumulator

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.adagrad_update(parameter.value, state["v"], parameter.grad, rate, self.eps, self.decay(parameter))


class RMSProp(Optimizer):
    """v ← rho · v + (1 - rho) · g²; w ← w - rate · g / (√v + eps) (Tieleman & Hinton 2012, lecture 6.5).

    Parameters
    ----------
    learning_rate : float
        Above 0.
    rho : float
        How much of v a step keeps, in [0, 1).
    eps : float
        Above 0.
    weight_decay : float
        At least 0; added to the gradient.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.RMSProp().rho
    0.99
    """

    slots = ("v",)

    def __init__(
        self, learning_rate: float = 1e-3, rho: float = 0.99, eps: float = 1e-8, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.rho = number("RMSProp", "rho", rho, at_least=0, below=1)
        self.eps = number("RMSProp", "eps", eps, above=0)

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.rmsprop_update(parameter.value, state["v"], parameter.grad, rate, self.rho, self.eps, self.decay(parameter))


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
        owner = type(self).__name__
        self.beta1 = number(owner, "beta1", beta1, at_least=0, below=1)
        self.beta2 = number(owner, "beta2", beta2, at_least=0, below=1)
        self.eps = number(owner, "eps", eps, above=0)

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


class AdamW(Adam):
    """Adam with decay apart from the gradient: first w ← (1 - rate · weight_decay) · w (Loshchilov & Hutter 2019).

    Parameters
    ----------
    learning_rate : float
        Above 0.
    beta1, beta2 : float
        Decay rates of the two moments, in [0, 1).
    eps : float
        Above 0.
    weight_decay : float
        At least 0; of weights, never of biases.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.AdamW().weight_decay
    0.01
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, eps, weight_decay=weight_decay)

    def update(self, ops: Ops, parameter: Parameter, state: Mapping[str, Any], rate: Any, t: Any) -> None:
        ops.adamw_update(
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
