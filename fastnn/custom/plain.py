"""The space in which the text of a user's functions runs as plain Python, one number at a time.

It is slow and says what the compiled functions mean: the reference of the kernels uses it, and the checks of
derivatives do, in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return (e if x < 0 else 1) / (1 + e)


def _erf(x: Any) -> Any:
    return type(x)(math.erf(float(x)))


STEPS = {"float32": 5e-3, "float64": 6e-6}  # of central differences: the cube root of the dtype's rounding error
SPACE: dict[str, Any] = {
    **{
        name: getattr(np, name)
        for name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan")
    },
    **{
        name: getattr(np, name)
        for name in ("sinh", "cosh", "tanh", "fabs", "floor", "ceil", "copysign", "sign", "square")
    },
    "atan": np.arctan,
    "erf": _erf,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "select": lambda condition, a, b: a if condition else b,
    "maximum": lambda a, b: b if b > a else a,
    "minimum": lambda a, b: b if b < a else a,
    "power": lambda a, b: np.power(a, b),
    **{f"power{n}": lambda x, n=n: np.power(x, n) for n in range(1, 9)},
    "range": range,
    "step_": STEPS["float64"],
    "nan_": math.nan,
    "infinity_": math.inf,
    "minus_infinity_": -math.inf,
}


def run(text: str) -> dict[str, Function]:
    """The functions of a text, as Python functions of float64."""
    space: dict[str, Any] = SPACE | {"real": np.float64}
    exec(text, space)
    return space
