"""Gradient descent: plain, with momentum, and by signs."""

from __future__ import annotations

from fastnn.checks import number
from fastnn.kernels import UpdateRule
from fastnn.optim.base import Optimizer

__all__ = ["SGD", "Lion", "Momentum", "Nesterov"]


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w - rate g, with the gradient g of a batch.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.SGD(0.5)
    SGD(learning_rate=0.5, weight_decay=0.0)
    """

    rule = UpdateRule.SGD

    def __init__(self, learning_rate: float = 0.1, *, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, weight_decay)


class Momentum(Optimizer):
    """Gradient descent with momentum: v ← momentum v + rate g; w ← w - v.

    Parameters
    ----------
    learning_rate : float
        Above 0.
    momentum : float
        The share of the velocity v that a step keeps, at least 0 and below 1.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights.
    initial_velocity : float
        The value that every element of v starts with; finite.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    The velocity contains the rate, as in Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and
    momentum in deep learning", 2013, equation 1; so a schedule does not rescale the steps already taken. PyTorch
    multiplies by the rate afterwards; with a constant rate the two methods are the same.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Momentum(0.1).momentum
    0.9
    """

    rule = UpdateRule.MOMENTUM

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


class Nesterov(Optimizer):
    """Nesterov's accelerated gradient: v ← momentum v + rate g; w ← w - (momentum v + rate g).

    Parameters
    ----------
    learning_rate : float
        Above 0.
    momentum : float
        The share of the velocity v that a step keeps, at least 0 and below 1.
    weight_decay : float
        At least 0; ``weight_decay w`` is added to the gradient of weights.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    The method takes the gradient at the point to which the velocity would lead (Sutskever, Martens, Dahl & Hinton,
    "On the importance of initialization and momentum in deep learning", 2013, equations 3 and 4). Here w is that point
    (Bengio, Boulanger-Lewandowski & Pascanu, "Advances in optimizing recurrent networks", 2013, equation 7). With a
    constant rate it is the same method as PyTorch's ``SGD(nesterov=True)``.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Nesterov(0.1)
    Nesterov(learning_rate=0.1, weight_decay=0.0, momentum=0.9)
    """

    rule = UpdateRule.NESTEROV

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9, *, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = number("Nesterov", "momentum", momentum, at_least=0, below=1)


class Lion(Optimizer):
    """Lion: every element moves by the rate, against the sign of a running mean of its gradients.

    Parameters
    ----------
    learning_rate : float
        Above 0; about a tenth of what suits Adam.
    beta1, beta2 : float
        The shares of the mean that the step and the kept mean take from the past, at least 0 and below 1.
    weight_decay : float
        At least 0; shrinks the weights themselves, as `AdamW` does.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or out of its range.

    Notes
    -----
    For each element, with its gradient g: first w ← (1 - rate weight_decay) w; then
    w ← w - rate sign(beta1 m + (1 - beta1) g), with sign(0) = 0; m ← beta2 m + (1 - beta2) g. NaN stays NaN. Chen et
    al., "Symbolic discovery of optimization algorithms", 2023.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.Lion().beta2
    0.99
    """

    rule = UpdateRule.LION

    def __init__(
        self, learning_rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.99, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.beta1 = number("Lion", "beta1", beta1, at_least=0, below=1)
        self.beta2 = number("Lion", "beta2", beta2, at_least=0, below=1)
