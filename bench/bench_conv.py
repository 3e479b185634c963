"""The convolution kernels in the plain layout, forward and backward, and the columns of windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastnn.kernels import Activation

Timed = Callable[..., None]

# the numbers are images, channels, rows and columns, filters, taps, stride, padding, groups
SHAPES = {
    "alexnet conv1": (1, 3, 224, 64, 11, 4, 2, 1),
    "alexnet conv2": (1, 64, 27, 192, 5, 1, 2, 1),
    "alexnet conv3": (1, 192, 13, 384, 3, 1, 1, 1),
    "alexnet conv4": (1, 384, 13, 256, 3, 1, 1, 1),
    "alexnet conv5": (1, 256, 13, 256, 3, 1, 1, 1),
    "letters": (32, 1, 28, 32, 3, 1, 1, 1),
    "two groups": (1, 96, 27, 256, 5, 1, 2, 2),
    "depthwise": (1, 64, 56, 64, 3, 1, 1, 64),
}
TYPICAL = ["alexnet conv3", "letters"]

pytestmark = pytest.mark.benchmark(max_time=0.3, min_rounds=5)


class Case:
    """The arrays of one convolution."""

    def __init__(self, name: str, dtype: str = "f4") -> None:
        n, c, size, f, taps, stride, pad, groups = SHAPES[name]
        out = (size + 2 * pad - taps) // stride + 1
        rng = np.random.default_rng(0)
        self.x = rng.standard_normal((n, c, size, size)).astype(dtype)
        self.w = rng.standard_normal((f, c // groups, taps, taps)).astype(dtype)
        self.b = rng.standard_normal(f).astype(dtype)
        self.out = rng.standard_normal((n, f, out, out)).astype(dtype)
        self.window = (stride, stride, pad, pad, 1, 1)
        self.scalars = (*self.window, 0)
        self.flops = 2.0 * self.out.size * self.w[0].size


@pytest.mark.parametrize("name", SHAPES)
def test_forward(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("conv_forward", name, s.x, s.w, s.b, s.out, *s.scalars, flops=s.flops)


@pytest.mark.parametrize("name", ["alexnet conv3", "letters"])
def test_forward_float64(timed: Timed, name: str) -> None:
    s = Case(name, "f8")
    timed("conv_forward", f"{name} float64", s.x, s.w, s.b, s.out, *s.scalars, flops=s.flops)


@pytest.mark.parametrize("name", SHAPES)
def test_activation_forward(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("conv_forward", name, s.x, s.w, s.b, s.out, *s.scalars, int(Activation.RELU), 0.0, flops=s.flops)


@pytest.mark.parametrize("name", SHAPES)
def test_backward_input(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("conv_backward_input", name, s.out, s.w, np.empty_like(s.x), None, *s.scalars, flops=s.flops)


@pytest.mark.parametrize("name", SHAPES)
def test_backward_weight(timed: Timed, name: str) -> None:
    s = Case(name)
    timed("conv_backward_weight", name, s.x, s.out, s.w, s.b, *s.scalars, 0.0, flops=s.flops)


@pytest.mark.parametrize("name", ["alexnet conv1", "alexnet conv3", "letters"])
def test_columns(timed: Timed, name: str) -> None:
    s = Case(name)
    shape = (*s.x.shape[:2], *s.w.shape[2:], *s.out.shape[2:])
    columns = np.empty(shape, s.x.dtype)
    moved = float(columns.nbytes + s.x.nbytes)
    timed("im2col", name, s.x, columns, *s.window, traffic=moved)


@pytest.mark.parametrize("name", ["alexnet conv1", "alexnet conv3", "letters"])
def test_sums_of_columns(timed: Timed, name: str) -> None:
    s = Case(name)
    columns = np.ones((*s.x.shape[:2], *s.w.shape[2:], *s.out.shape[2:]), s.x.dtype)
    timed("col2im", name, columns, np.empty_like(s.x), *s.window, traffic=float(columns.nbytes + s.x.nbytes))
