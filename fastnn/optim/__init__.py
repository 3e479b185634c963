"""The optimisers: how a gradient changes a parameter.

An optimiser names its state arrays (`slots`, one flat vector each, laid out like the parameters) and calls one update
kernel a parameter. Weight decay adds ``weight_decay * w`` to the gradient of weights, never of biases; `AdamW` shrinks
the weights instead.
"""

from __future__ import annotations

from typing import Any

from fastnn.named import named
from fastnn.optim.adaptive import Adagrad, Adam, AdamW, RMSProp
from fastnn.optim.base import Optimizer
from fastnn.optim.descent import SGD, Momentum, Nesterov

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": Adagrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}


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
    return named("optimizer", optimizer, Optimizer, OPTIMIZERS, options)


__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "get",
]
