"""Pooling in the plain layout, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Timed = Callable[..., None]

# the numbers are images, channels, rows and columns, window, stride, padding
SHAPES = {
    "letters 2x2": (32, 32, 28, 2, 2, 0),
    "lenet 2x2": (128, 6, 24, 2, 2, 0),
    "alexnet 3/2": (16, 64, 55, 3, 2, 0),
    "padded 3/1": (16, 64, 28, 3, 1, 1),
    "global": (32, 256, 7, 7, 7, 0),
}
TYPICAL = ["letters 2x2", "alexnet 3/2"]

pytestmark = [pytest.mark.benchmark(max_time=0.3, min_rounds=5), pytest.mark.parametrize("name", SHAPES)]


class Case:
    """The arrays of one pool."""

    def __init__(self, name: str) -> None:
        n, c, size, taps, stride, pad = SHAPES[name]
        count = (size + 2 * pad - taps) // stride + 1
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((n, c, size, size)).astype("f4")
        self.out = rng.standard_normal((n, c, count, count)).astype("f4")
        self.argmax = rng.integers(0, taps * taps, self.out.shape).astype("u1")
        self.scalars = (taps, taps, stride, stride, pad, pad)
        self.bytes = float(self.x.nbytes + self.out.nbytes)


def test_max_forward(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("max_pool_forward", name, s.x, s.out, s.argmax, *s.scalars, traffic=s.bytes + s.argmax.nbytes)


def test_max_backward(timed: Timed, name: str) -> None:
    s = Case(name)
    if s.scalars[-1]:  # an argmax never lies in the padding
        s.argmax[...] = s.argmax.max() // 2
    timed("max_pool_backward", name, s.out, s.argmax, s.x, *s.scalars, traffic=s.bytes + s.argmax.nbytes)


def test_avg_forward(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("avg_pool_forward", name, s.x, s.out, *s.scalars, 1, traffic=s.bytes)


def test_avg_backward(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("avg_pool_backward", name, s.out, s.x, *s.scalars, 1, traffic=s.bytes)
