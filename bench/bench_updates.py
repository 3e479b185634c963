"""The update rules over a whole vector of parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Timed = Callable[..., None]

# Parameters of 784-10, 784-200-10 and 784-666-666-10.
SIZES = [7_850, 159_010, 973_702]

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


def _vectors(size: int, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.random(size, dtype=np.float32) for _ in range(count)]


@pytest.mark.parametrize("decay", [0.0, 1e-4])
@pytest.mark.parametrize("size", SIZES)
def test_sgd(timed: Timed, size: int, decay: float) -> None:
    w, dw = _vectors(size, 2)
    timed("sgd_update", f"{size} decay {decay:g}", w, dw, np.array([1e-9]), decay, traffic=3.0 * w.nbytes)


@pytest.mark.parametrize("size", SIZES)
def test_momentum(timed: Timed, size: int) -> None:
    w, v, dw = _vectors(size, 3)
    timed("momentum_update", str(size), w, v, dw, np.array([1e-9]), 0.9, 0.0, traffic=5.0 * w.nbytes)


@pytest.mark.parametrize("size", SIZES)
def test_adam(timed: Timed, size: int) -> None:
    w, m, v, dw = _vectors(size, 4)
    rate, t = np.array([1e-9]), np.array([1000])
    timed("adam_update", str(size), w, m, v, dw, rate, t, 0.9, 0.999, 1e-8, 0.0, traffic=7.0 * w.nbytes)


@pytest.mark.parametrize("size", SIZES)
def test_adamw(timed: Timed, size: int) -> None:
    w, m, v, dw = _vectors(size, 4)
    rate, t = np.array([1e-9]), np.array([1000])
    timed("adamw_update", str(size), w, m, v, dw, rate, t, 0.9, 0.999, 1e-8, 0.01, traffic=7.0 * w.nbytes)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule", ["nesterov", "rmsprop", "adagrad"])
def test_rules_with_one_state(timed: Timed, rule: str, size: int) -> None:
    w, v, dw = _vectors(size, 3)
    scalars = {"nesterov": (0.9, 0.0), "rmsprop": (0.99, 1e-8, 0.0), "adagrad": (1e-10, 0.0)}[rule]
    timed(f"{rule}_update", str(size), w, v, dw, np.array([1e-9]), *scalars, traffic=5.0 * w.nbytes)


@pytest.mark.parametrize("size", SIZES)
def test_clip_norm(timed: Timed, size: int) -> None:
    (g,) = _vectors(size, 1)
    timed("clip_norm", str(size), g, 1e9, traffic=1.0 * g.nbytes)
