"""The elementwise activations, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastnn.kernels import Activation

Timed = Callable[..., None]

KINDS = [kind for kind in Activation if kind is not Activation.IDENTITY]
SIZES = [8 * 200, 1000 * 1000]
TYPICAL = [1000 * 1000]
ALPHA = {Activation.LEAKY_RELU: 0.01, Activation.ELU: 1.0, Activation.SOFTSHRINK: 0.5}

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


def _name(kind: Activation) -> str:
    return kind.name.lower()


def _input(size: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(size, dtype=np.float32)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS, ids=_name)
def test_forward(timed: Timed, kind: Activation, size: int) -> None:
    x = _input(size)
    timed(
        "activation_forward", f"{_name(kind)} {size}", x, np.empty_like(x), int(kind), ALPHA.get(kind, 0.0),
        traffic=2.0 * x.nbytes,
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS, ids=_name)
def test_backward(timed: Timed, kind: Activation, size: int) -> None:
    x = _input(size)
    saved = x if kind.backward_needs_input else np.tanh(x)
    timed(
        "activation_backward", f"{_name(kind)} {size}", x, saved, np.empty_like(x), int(kind),
        ALPHA.get(kind, 0.0), traffic=3.0 * x.nbytes,
    )  # fmt: skip
