"""Normalisation and dropout in the plain layout, forward and backward."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

Timed = Callable[..., None]

# the numbers are samples, channels, pixels
BATCH = {"letters": (32, 32, 784), "rows": (128, 512, 1), "deep": (32, 256, 49)}
GROUPS = {"letters": (32, 32, 784, 8), "rows": (128, 512, 1, 1)}
RESPONSE = {"alexnet norm1": (8, 96, 729), "alexnet norm2": (8, 256, 169)}
TYPICAL = ["letters", "rows", "alexnet norm2"]

pytestmark = pytest.mark.benchmark(max_time=0.3, min_rounds=5)
RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype("f4")


@pytest.mark.parametrize("name", BATCH)
def test_batch_norm_forward(timed: Timed, name: str) -> None:
    n, c, s = BATCH[name]
    x, vectors = normal(n, c, s), [normal(c) for _ in range(6)]
    arrays = (x, *vectors[:4], np.empty_like(x), *vectors[4:])
    timed("batch_norm_forward", name, *arrays, 1e-5, 0.9, traffic=2.0 * x.nbytes)


@pytest.mark.parametrize("name", BATCH)
def test_batch_norm_backward(timed: Timed, name: str) -> None:
    n, c, s = BATCH[name]
    x, vectors = normal(n, c, s), [abs(normal(c)) for _ in range(5)]
    arrays = (x, normal(n, c, s), *vectors[:3], np.empty_like(x), *vectors[3:])
    timed("batch_norm_backward", name, *arrays, 1e-5, 0, 0.0, traffic=3.0 * x.nbytes)


@pytest.mark.parametrize("name", GROUPS)
def test_group_norm_forward(timed: Timed, name: str) -> None:
    n, c, s, groups = GROUPS[name]
    x = normal(n, c, s)
    arrays = (x, normal(c), normal(c), np.empty_like(x), normal(n, groups), normal(n, groups))
    timed("group_norm_forward", name, *arrays, 1e-5, traffic=2.0 * x.nbytes)


@pytest.mark.parametrize("name", GROUPS)
def test_group_norm_backward(timed: Timed, name: str) -> None:
    n, c, s, groups = GROUPS[name]
    x, of_groups = normal(n, c, s), [abs(normal(n, groups)) for _ in range(2)]
    arrays = (x, normal(n, c, s), normal(c), *of_groups, np.empty_like(x), normal(c), normal(c))
    timed("group_norm_backward", name, *arrays, 1e-5, 0.0, traffic=3.0 * x.nbytes)


@pytest.mark.parametrize("name", RESPONSE)
def test_local_response_norm_forward(timed: Timed, name: str) -> None:
    x = normal(*RESPONSE[name])
    arrays = (x, np.empty_like(x), np.empty_like(x))
    timed("local_response_norm_forward", name, *arrays, 5, 1e-4, 0.75, 2.0, traffic=3.0 * x.nbytes)


@pytest.mark.parametrize("name", RESPONSE)
def test_local_response_norm_backward(timed: Timed, name: str) -> None:
    x = normal(*RESPONSE[name])
    arrays = (x, normal(*x.shape), 1 + abs(normal(*x.shape)), np.empty_like(x))
    timed("local_response_norm_backward", name, *arrays, 5, 1e-4, 0.75, traffic=4.0 * x.nbytes)


@pytest.mark.parametrize("shape", [(32, 784), (128, 9216)], ids=str)
def test_dropout(timed: Timed, shape: tuple[int, int]) -> None:
    x, step, row = normal(*shape), np.array([3]), np.array([0])
    timed("dropout", str(shape), x, step, row, np.empty_like(x), 0.5, 1, 0, 3, traffic=2.0 * x.nbytes)
