"""Checks gradients of back-propagation against finite differences.

:func:`gradcheck` takes anything that has a gradient: a pair of functions ``(forward, backward)``, a loss that returns
``(loss, dx)``, a layer, or a whole model; ``check_function``, ``check_loss``, ``check_layer`` and ``check_model`` are
the functions for each of these. Each returns a :class:`GradCheckResult`, which is true if all gradients agree, prints
as a table and says where the worst entry is. :func:`sweep` shows the error for several step sizes;
``numerical_gradient`` and ``numerical_gradient_array`` compute the differences themselves.

Everything runs in float64 with central differences of step h = eps**(1/3) * max(1, abs(x)) and with a random cotangent.
(The sum of the outputs is not suitable, because softmax and batch normalisation keep it constant.) The error of an
array is max|analytic - numeric| / max|numeric|.
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
