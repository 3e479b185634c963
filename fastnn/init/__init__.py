"""Initialisers: functions that draw the first values of parameters.

An initialiser is a function ``f(shape, fans, seed, step) -> float64 array`` of that shape. `fans` are the numbers of
inputs and outputs of one unit; `seed` and `step` choose the part of the random stream, one step for each parameter of
a model. `get` finds an initialiser by name; the functions of this module make one, some with options:
``Dense(10, init=fastnn.init.normal(0.1))``.
"""

from typing import NoReturn

from fastnn.init.base import Initializer, Shape, draw, get, name_of
from fastnn.init.plain import constant, normal, ones, uniform, zeros
from fastnn.init.scaled import (
    fan_in_uniform,
    glorot_normal,
    glorot_truncated_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
)
from fastnn.keywords import no_attribute

__all__ = [
    "Initializer",
    "Shape",
    "constant",
    "draw",
    "fan_in_uniform",
    "get",
    "glorot_normal",
    "glorot_truncated_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "name_of",
    "normal",
    "ones",
    "uniform",
    "zeros",
]


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(no_attribute(__name__, name, __all__))
