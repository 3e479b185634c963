"""The affine kernels, forward and backward, and their fused forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastnn.kernels import Activation, UpdateRule

Timed = Callable[..., None]

SHAPES = [(8, 784, 200), (128, 784, 10), (60, 2352, 70), (200, 784, 666), (200, 666, 666), (1000, 784, 1000)]
TYPICAL = [(8, 784, 200), (200, 784, 666)]

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


def _arrays(n: int, d: int, m: int, dtype: str = "f4") -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d)).astype(dtype)
    w = rng.standard_normal((d, m)).astype(dtype)
    return x, w, rng.standard_normal(m).astype(dtype), rng.standard_normal((n, m)).astype(dtype)


def _case(shape: tuple[int, int, int], dtype: str = "f4") -> str:
    return "x".join(map(str, shape)) + {"f4": " float32", "f8": " float64"}[dtype]


def _flops(shape: tuple[int, int, int]) -> float:
    n, d, m = shape
    return 2.0 * n * d * m


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_forward(timed: Timed, shape: tuple[int, int, int], dtype: str) -> None:
    x, w, b, out = _arrays(*shape, dtype)
    timed("affine_forward", _case(shape, dtype), x, w, b, out, flops=_flops(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_backward_input(timed: Timed, shape: tuple[int, int, int]) -> None:
    x, w, _, dout = _arrays(*shape)
    timed("affine_backward_input", _case(shape), dout, w, np.empty_like(x), None, flops=_flops(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_backward_weight(timed: Timed, shape: tuple[int, int, int]) -> None:
    x, w, b, dout = _arrays(*shape)
    timed("affine_backward_weight", _case(shape), x, dout, w, b, 0.0, flops=_flops(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_activation_forward(timed: Timed, shape: tuple[int, int, int]) -> None:
    x, w, b, out = _arrays(*shape)
    relu = int(Activation.RELU)
    timed("affine_forward", _case(shape), x, w, b, out, relu, 0.0, flops=_flops(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_activation_backward_input(timed: Timed, shape: tuple[int, int, int]) -> None:
    # The activation is the one before the affine layer, so its `out` is the input of this layer.
    x, w, _, dout = _arrays(*shape)
    relu = int(Activation.RELU)
    timed(
        "affine_backward_input", _case(shape), dout, w, np.empty_like(x), np.maximum(x, 0),
        relu, 0.0, flops=_flops(shape),
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_weight_sgd(timed: Timed, shape: tuple[int, int, int]) -> None:
    x, w, b, dout = _arrays(*shape)
    state = (x, dout, w, None, None, b, None, None, np.array([1e-9]), np.array([1000]))
    timed("affine_backward_weight_update", _case(shape), *state, UpdateRule.SGD, 0.0, 0.0, flops=_flops(shape))


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_weight_momentum(timed: Timed, shape: tuple[int, int, int]) -> None:
    x, w, b, dout = _arrays(*shape)
    vw, vb = np.zeros_like(w), np.zeros_like(b)
    state = (x, dout, w, None, vw, b, None, vb, np.array([1e-9]), np.array([1000]))
    timed(
        "affine_backward_weight_update", _case(shape), *state, UpdateRule.MOMENTUM, 0.0, 0.0, 0.9, flops=_flops(shape)
    )


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_weight_adam(timed: Timed, shape: tuple[int, int, int]) -> None:
    x, w, b, dout = _arrays(*shape)
    mw, vw, mb, vb = (np.zeros_like(a) for a in (w, w, b, b))
    rate, t = np.array([1e-9]), np.array([1000])
    timed(
        "affine_backward_weight_update", _case(shape), x, dout, w, mw, vw, b, mb, vb, rate, t,
        UpdateRule.ADAM, 0.0, 0.0, 0.9, 0.999, 1e-8, flops=_flops(shape),
    )  # fmt: skip
