"""The elementwise activations: what each one computes, and the number by which kernels know it.

The formulas of the kernels are in ``reference/activation.py`` and ``csrc/elementwise/activation.h``; the numbers reach
C through a generated header. Nothing of fastnn is imported here at run time, because the build reads this file before
there is a package to import.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from fastnn.checks import Range


@dataclass(frozen=True)
class Alpha:
    """The number that an activation takes beside its input. An empty name says that it takes none."""

    name: str = ""
    default: float = 0.0
    ends: Range = field(default_factory=dict)  # type: ignore[assignment]
    meaning: str = ""


_NONE = Alpha()
# the linear and the cubic coefficient of z in GELU = x sigmoid(z), because 0.5 x (1 + tanh(y)) = x sigmoid(2 y)
GELU_ARGUMENT = (2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715)
# the slope of SELU above zero, and its limit at -∞, negated: with these, mean 0 and variance 1 are a fixed point
SELU_SCALES = (1.0507009873554805, 1.0507009873554805 * 1.6732632423543772)


class Activation(IntEnum):
    """The argument ``kind`` of the activation kernels and of all kernels that have a fused activation.

    The functions of `fastnn.functional` follow from these entries; their layers are in `fastnn.layers`.

    Attributes
    ----------
    formula : str
        The output as a function of the input x.
    gradient : str
        The gradient with respect to the input, given the gradient dout with respect to the output.
    alpha : Alpha
    backward_needs_input : bool
        Whether the gradient is computed from the input, because the output alone does not give it.
    """

    formula: str
    gradient: str
    alpha: Alpha
    backward_needs_input: bool

    def __new__(
        cls,
        number: int,
        formula: str = "",
        gradient: str = "",
        alpha: Alpha = _NONE,
        backward_needs_input: bool = False,
    ) -> Self:
        """Make a member from its number and attributes."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.formula, member.gradient, member.alpha = formula, gradient, alpha
        member.backward_needs_input = backward_needs_input
        return member

    IDENTITY = 0, "x", "dout"
    RELU = 1, "max(x, 0)", "dout where x > 0, else 0"
    LEAKY_RELU = (
        2,
        "x where x > 0, else alpha x",
        "dout where x > 0, else alpha dout",
        Alpha("alpha", 0.01, {"at_least": 0}, "Slope below zero"),
    )
    ELU = (
        3,
        "x where x > 0, else alpha (exp(x) - 1)",
        "dout where x > 0, else dout (out + alpha)",
        Alpha("alpha", 1.0, {"above": 0}, "Scale below zero; the limit at -∞ is ``-alpha``"),
    )
    SIGMOID = 4, "1 / (1 + exp(-x))", "dout out (1 - out)"
    TANH = 5, "tanh(x)", "dout (1 - out²)"
    TANHSHRINK = 6, "x - tanh(x)", "dout tanh(x)²", _NONE, True
    SOFTSHRINK = (
        7,
        "x - lambd where x > lambd, x + lambd where x < -lambd, else 0",
        "dout where |x| > lambd, else 0",
        Alpha("lambd", 0.5, {"at_least": 0}, "Threshold"),
    )
    GELU = (
        8,
        "x s with s = 1 / (1 + exp(-2 √(2/π) (x + 0.044715 x³)))",
        "dout s (1 + x (1 - s) 2 √(2/π) (1 + 0.134145 x²))",
        _NONE,
        True,
    )
    SILU = 9, "x s with s = 1 / (1 + exp(-x))", "dout s (1 + x (1 - s))", _NONE, True
    SOFTPLUS = 10, "log(1 + exp(x))", "dout (1 - exp(-out))"
    MISH = (
        11,
        "x t with t = tanh(log(1 + exp(x)))",
        "dout (t + x (1 - t²) / (1 + exp(-x)))",
        _NONE,
        True,
    )
    HARD_SIGMOID = 12, "(x + 3) / 6, at least 0 and at most 1", "dout / 6 where 0 < out < 1, else 0"
    HARD_SWISH = (
        13,
        "x h with h = (x + 3) / 6, at least 0 and at most 1",
        "dout (2 x + 3) / 6 where -3 < x < 3, dout h elsewhere",
        _NONE,
        True,
    )
    SELU = (
        14,
        "1.0507… x where x > 0, else 1.7581… (exp(x) - 1)",
        "1.0507… dout where out > 0, else dout (out + 1.7581…)",
    )
