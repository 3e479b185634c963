"""Are the gradients right? Finite differences against back-propagation.

:func:`gradcheck` takes whatever has a gradient: a pair of functions ``(forward, backward)``, a loss
that returns ``(loss, dx)``, a layer, or a whole model; ``check_function``, ``check_loss``,
``check_layer`` and ``check_model`` are the same by name. Each returns a :class:`GradCheckResult`,
which is true when all gradients agree, prints as a table and says where the worst entry lies.
:func:`sweep` shows the error for a row of step sizes; ``numerical_gradient`` and
``numerical_gradient_array`` are the differences themselves.

Everything runs in float64 with central differences, step h = eps**(1/3) * max(1, abs(x)), against
a random cotangent. (The sum of the outputs would not do: softmax and batch normalisation keep it
constant.) The error of an array is max|analytic - numeric| / max|numeric|.
"""

from fastnn.gradcheck.checks import check_function, check_layer, check_loss, check_model
from fastnn.gradcheck.differences import (
    default_step,
    numerical_gradient,
    numerical_gradient_array,
    step_around,
)
from fastnn.gradcheck.entry import gradcheck
from fastnn.gradcheck.result import ArrayCheck, GradCheckError, GradCheckResult
from fastnn.gradcheck.sweep import GradCheckSweep, sweep

__all__ = [
    "ArrayCheck",
    "GradCheckError",
    "GradCheckResult",
    "GradCheckSweep",
    "check_function",
    "check_layer",
    "check_loss",
    "check_model",
    "default_step",
    "gradcheck",
    "numerical_gradient",
    "numerical_gradient_array",
    "step_around",
    "sweep",
]
