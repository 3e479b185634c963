"""The optimisers: how the gradient of a parameter changes it.

An optimiser names its state arrays in `slots`, one flat vector for each, laid out like the parameters, and calls one
update kernel for each parameter. Weight decay adds ``weight_decay w`` to the gradient of weights, never to that of
biases; `AdamW`, `Lion` and `Muon` shrink the weights instead.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fastnn.kernels.custom import names as custom_names
from fastnn.keywords import no_attribute
from fastnn.named import named
from fastnn.optim import adaptive, descent, muon
from fastnn.optim.adaptive import *
from fastnn.optim.base import Optimizer
from fastnn.optim.custom import CustomOptimizer, RuleMaker
from fastnn.optim.descent import *
from fastnn.optim.muon import *

OPTIMIZERS: dict[str, type[Optimizer]] = {
    name.lower(): getattr(module, name) for module in (adaptive, descent, muon) for name in module.__all__
}


def get(optimizer: str | Optimizer | RuleMaker, **options: Any) -> Optimizer:
    """The optimiser of a name, made with `options`; an `Optimizer` is returned as it is.

    Parameters
    ----------
    optimizer : str, Optimizer or RuleMaker
        The name of a class in lower case, as ``"adamw"``, or a rule of one's own or its name.
    **options
        Arguments of the class.

    Returns
    -------
    Optimizer

    Raises
    ------
    ValueError
        If there is no optimiser of that name.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.optim.get("adam", learning_rate=0.01).learning_rate
    0.01
    """
    if isinstance(optimizer, RuleMaker):
        return optimizer(**options)
    if isinstance(optimizer, str) and optimizer in custom_names("update rule"):
        return CustomOptimizer(optimizer, **options)
    return named("optimizer", optimizer, Optimizer, OPTIMIZERS, options)


__all__ = ["OPTIMIZERS", "CustomOptimizer", "Optimizer", "get", *(cls.__name__ for cls in OPTIMIZERS.values())]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(no_attribute(__name__, name, __all__))
