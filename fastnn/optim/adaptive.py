"""Optimisers that divide the step of each element by the size of its past gradients."""

from __future__ import annotations

from fastnn.checks import number
from fastnn.kernels import UpdateRule
from fastnn.optim.base import Optimizer

__all__ = ["Adagrad", "Adam", "AdamW", "RMSProp"]


class Adagrad(Optimizer):
    """Adagrad: steps shrink with the sum of the squared gradients.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    eps : float
        Added to the divisor, above 0.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights.
    initial_accumulator : float
        The value that every element of v starts with, at least 0.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    For each element, with its gradient g: v ← v + g²; w ← w - rate g / (√v + eps). Duchi, Hazan & Singer, "Adaptive
    subgradient methods for online learning and stochastic optimization", 2011.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Adagrad(0.05).eps
    1e-10
    """

    rule = UpdateRule.ADAGRAD

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


class RMSProp(Optimizer):
    """RMSProp: steps are divided by a running root mean square of the gradients.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    rho : float
        The share of v that a step keeps, at least 0 and below 1.
    eps : float
        Added to the divisor, above 0.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    For each element, with its gradient g: v ← rho v + (1 - rho) g²; w ← w - rate g / (√v + eps). Tieleman & Hinton,
    lecture 6.5 of "Neural networks for machine learning", 2012.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.RMSProp().rho
    0.99
    """

    rule = UpdateRule.RMSPROP

    def __init__(
        self, learning_rate: float = 1e-3, rho: float = 0.99, eps: float = 1e-8, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.rho = number("RMSProp", "rho", rho, at_least=0, below=1)
        self.eps = number("RMSProp", "eps", eps, above=0)


class Adam(Optimizer):
    """Adam: running means of the gradient and of its square, both corrected for their start at 0.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    beta1, beta2 : float
        The shares of the two running means that a step keeps, at least 0 and below 1.
    eps : float
        Added to the divisor, above 0.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights. `AdamW` keeps the two apart.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    For each element, with its gradient g: m ← beta1 m + (1 - beta1) g; v ← beta2 v + (1 - beta2) g²;
    w ← w - rate m̂ / (√v̂ + eps), where m̂ = m / (1 - beta1ᵗ) and v̂ = v / (1 - beta2ᵗ) in step t, counted from 1 over
    the whole training. Kingma & Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Adam(0.003).beta2
    0.999
    """

    rule = UpdateRule.ADAM

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


class AdamW(Adam):
    """Adam with decoupled weight decay, which shrinks the weights instead of changing their gradient.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    beta1, beta2 : float
        The shares of the two running means that a step keeps, at least 0 and below 1.
    eps : float
        Added to the divisor, above 0.
    weight_decay : float
        At least 0; applies to weights and never to biases.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    First w ← (1 - rate weight_decay) w, then the step of `Adam`. Loshchilov & Hutter, "Decoupled weight decay
    regularization", 2019.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.AdamW().weight_decay
    0.01
    """

    rule = UpdateRule.ADAMW

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
