"""The losses that are a sum over single outputs: what each one computes, and the number by which kernels know it.

The formulas of the kernels are in ``reference/elementwise_loss.py`` and ``csrc/loss/elementwise_loss.c``; the numbers
reach C through a generated header. Nothing of fastnn is imported here, because the build reads this file before there
is a package to import.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ElementwiseLoss(IntEnum):
    """The argument ``loss_kind`` of the kernel ``elementwise_loss``.

    Attributes
    ----------
    formula : str
        The loss of an output x and its target t. Where it names ``p``, that is the parameter of the output.
    gradient : str
        Its derivative with respect to x.
    has_parameter : bool
        Whether each output has a parameter.
    """

    formula: str
    gradient: str
    has_parameter: bool

    def __new__(cls, number: int, formula: str = "", gradient: str = "", has_parameter: bool = False) -> Self:
        """Make a member from its number and attributes."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.formula, member.gradient, member.has_parameter = formula, gradient, has_parameter
        return member

    ABSOLUTE = 0, "|x - t|", "sign(x - t)"
    HUBER = 1, "(x - t)² / 2 where |x - t| <= p, else p (|x - t| - p / 2)", "x - t, clipped to ±p", True
    LOG_COSH = 2, "log cosh(x - t)", "tanh(x - t)"
    HALF_POISSON_DEVIANCE = 3, "exp(x) - t x + t log t - t", "exp(x) - t"
    HALF_GAMMA_DEVIANCE = 4, "t exp(-x) + x - log t - 1", "1 - t exp(-x)"
    PINBALL = 5, "p (t - x) where t > x, else (1 - p) (x - t)", "-p where t > x, 1 - p where t < x, else 0", True
