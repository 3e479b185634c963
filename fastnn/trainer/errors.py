"""The error of a training whose loss is no longer finite."""

from __future__ import annotations

import numpy as np

from fastnn.model.sequential import Sequential
from fastnn.optim import Optimizer


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


def explain_nonfinite(model: Sequential, optimizer: Optimizer, step: int, value: float, rate: float) -> str:
    """The explanation of a `NonFiniteLossError`: what happened, where, and what usually helps.

    Parameters
    ----------
    model : Sequential
        Its parameters must be up to date.
    optimizer : Optimizer
    step : int
        Number of the step in the whole training, counted from 1.
    value : float
        Its loss.
    rate : float
        Its learning rate.
    """
    bad = [name for name, values in model.parameters.items() if not np.isfinite(values).all()]
    where = f"first in {bad[0]}" if bad else "all parameters are still finite, so it arose in the outputs or the inputs"
    return (
        f"fit: the loss of step {step} is {value} ({where}). Likely cause: the learning rate {rate:g} of "
        f"{type(optimizer).__name__} is too large for these inputs (try a tenth, or scale inputs to [0, 1]), or the "
        "inputs hold NaN or infinity."
    )
