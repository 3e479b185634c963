"""Operations as a user writes them, and the built-in ones that compute the same."""

import math

import numpy as np
import pytest

from fastnn import custom

pytest.importorskip("numba")  # those who import this module are skipped without it

THRESHOLD = 0.5


@custom.activation
def own_swish(x):
    return x / (1 + math.exp(-x))


def _slope_of_shrink(out):
    return 0.0 if out == 0 else 1.0


@custom.activation(derivative=_slope_of_shrink)
def own_softshrink(x):
    if x > THRESHOLD:
        return x - THRESHOLD
    if x < -THRESHOLD:
        return x + THRESHOLD
    return 0.0


@custom.loss
def own_squared_error(out, target):
    return (out - target) ** 2


@custom.update_rule
def own_lion(w, m, g, rate, t, beta1=0.9, beta2=0.99):
    c = beta1 * m + (1 - beta1) * g
    sign = 1 if c > 0 else (-1 if c < 0 else 0)
    return w - rate * sign, beta2 * m + (1 - beta2) * g


def helper(a):
    return a * np.exp(-a * a)


def everything(x):
    """A function that uses all that may be used."""
    total = 0.0
    for k in range(1, 4):
        total += helper(x / k) if x > 0 else helper(x) * k
    y = max(abs(x), 0.25) ** 3 + np.tanh(total)
    y -= math.log1p(x**2) / np.sqrt(1 + x * x) + min(x, math.pi)
    while y > 5:
        y = y / 2
    if -1 < x <= 1 or x > 4:
        y = y + np.sin(x) * math.cos(2 * x) - math.expm1(-abs(x))
    return y
