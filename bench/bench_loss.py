"""Softmax cross-entropy with its gradient, and softmax alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Timed = Callable[..., None]

SHAPES = [(8, 10), (100, 10), (4096, 10), (4096, 1000)]
TYPICAL = [(8, 10), (4096, 10), 600]

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=5)


def _case(shape: tuple[int, int]) -> str:
    return "x".join(map(str, shape))


def _logits(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_softmax_cross_entropy(timed: Timed, shape: tuple[int, int]) -> None:
    x = _logits(shape)
    labels = np.random.default_rng(1).integers(0, shape[1], shape[0])
    loss, correct = np.empty(1), np.empty(1, dtype=np.int64)
    timed(
        "softmax_cross_entropy", _case(shape), x, labels, np.empty_like(x), loss, correct, None, 1.0 / shape[0],
        traffic=2.0 * x.nbytes,
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_soft_cross_entropy(timed: Timed, shape: tuple[int, int]) -> None:
    x = _logits(shape)
    targets = np.full_like(x, 1.0 / shape[1])
    loss, correct = np.empty(1), np.empty(1, dtype=np.int64)
    timed(
        "soft_cross_entropy", _case(shape), x, targets, np.empty_like(x), loss, correct, None, 1.0 / shape[0],
        traffic=3.0 * x.nbytes,
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=_case)
def test_softmax(timed: Timed, shape: tuple[int, int]) -> None:
    x = _logits(shape)
    timed("softmax_forward", _case(shape), x, np.empty_like(x), 1.0, traffic=2.0 * x.nbytes)


@pytest.mark.parametrize("size", [600, 6_000_000])
def test_squared_error(timed: Timed, size: int) -> None:
    x, targets = _logits((2, size // 10, 10))
    loss = np.empty(1)
    timed("squared_error", str(size), x, targets, np.empty_like(x), loss, None, 1.0 / size, traffic=3.0 * x.nbytes)
