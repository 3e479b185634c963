"""The error of a training whose loss is no longer finite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.custom import CustomKernel
from fastnn.layers.chain import walk
from fastnn.program.step import Problem


class NonFiniteLossError(ArithmeticError, ValueError):
    """The loss became NaN or infinite; the training stopped after that step.

    It is an ArithmeticError by what happened, and a ValueError as well, because an argument is what caused it: code
    that is written for scikit-learn's estimators catches that.

    Parameters
    ----------
    explanation : str
        What happened, where, and why.
    advice : str
        What the caller of `Trainer.fit` can do, a sentence that follows the explanation.

    Examples
    --------
    >>> import fastnn
    >>> str(fastnn.NonFiniteLossError("fit: the loss of step 3 is nan.", 'on_nonfinite="ignore" continues.'))
    'fit: the loss of step 3 is nan. on_nonfinite="ignore" continues.'
    """

    def __init__(self, explanation: str, advice: str = "") -> None:
        super().__init__(explanation, advice)
        self.explanation, self.advice = explanation, advice

    def __str__(self) -> str:
        return f"{self.explanation} {self.advice}".rstrip()


IGNORE = 'on_nonfinite="ignore" continues all the same.'  # the advice to whoever made the trainer


def explain_end(problem: Problem) -> str | None:
    """What is not finite in the last weights, running statistics and state of a training; None if everything is.

    A loss does not show it: weights whose squared gradients overflow stay where they are, and running variances that
    do make every normalised input 0.

    Parameters
    ----------
    problem : Problem
        What was trained; the arrays of the model and of `state` must be up to date.
    """
    model = problem.model
    if all(np.isfinite(array).all() for array in _wholes([*problem.state.values(), model.parameters, model.state])):
        return None
    slots = {f"{slot} of {name}": a for name, slots in problem.state.items() for slot, a in slots.items()}
    arrays = {**model.parameters, **model.state, **slots}
    bad = next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)
    if bad is None:
        return None
    largest = float(np.sqrt(np.finfo(model.dtype).max))
    return (
        f"fit: {bad} is not finite after the last step. Likely cause: gradients or inputs of a layer whose squares "
        f"{model.dtype} cannot hold, those beyond {largest:.2g}; scale inputs and targets, clip gradients, or make the "
        "model with dtype float64."
    )


def _wholes(arrays: Iterable[Mapping[str, NDArray[Any]]]) -> Iterable[NDArray[Any]]:
    """Few arrays that hold all elements of many: those of the same dtype that the arrays are views of."""
    found: dict[int, NDArray[Any]] = {}
    for array in (array for named in arrays for array in named.values()):
        base = array.base
        whole = base if isinstance(base, np.ndarray) and base.dtype == array.dtype else array
        found[id(whole)] = whole
    return found.values()


def explain_nonfinite(problem: Problem, what: str, value: float, rate: float | None = None) -> str:
    """The explanation of a `NonFiniteLossError`: what happened, where, and what usually helps.

    Parameters
    ----------
    problem : Problem
        What is trained; the model's parameters must be up to date.
    what : str
        The loss that is not finite: "the loss of step 3".
    value : float
        Its value.
    rate : float, optional
        The learning rate of the step. Default: the optimiser's own.
    """
    bad = [name for name, values in problem.model.parameters.items() if not np.isfinite(values).all()]
    where = f"first in {bad[0]}" if bad else "all parameters are still finite, so it arose in the outputs or the inputs"
    optimizer = problem.optimizer
    own = _own_operations(problem)
    if own:
        return f"fit: {what} is {value} ({where}). Likely cause: {own}."
    return (
        f"fit: {what} is {value} ({where}). Likely cause: the learning rate "
        f"{optimizer.learning_rate if rate is None else rate:g} of {type(optimizer).__name__} is too large for these "
        "inputs (try a tenth, or scale inputs to [0, 1]), or the inputs hold NaN or infinity."
    )


def _own_operations(problem: Problem) -> str | None:
    """What an operation of the user's own gives that is not finite, though what it was given is; None: nothing."""
    kernels = [
        *(getattr(layer, "activation", None) for layer in walk(problem.model.layers)),
        getattr(problem.loss, "kernel", None),
        getattr(problem.optimizer, "kernel", None),
    ]
    outputs = prod(problem.model.output_shape)
    found = (kernel.trouble(outputs) for kernel in kernels if isinstance(kernel, CustomKernel))
    return next((text for text in found if text is not None), None)
