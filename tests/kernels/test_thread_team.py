"""A parallel call runs every task once, whatever threads it has and whether they spin, sleep or come late."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from strategies import same_bits
from trainings import needs_native

import fastnn
from fastnn import kernels
from fastnn.kernels.threads import _native

pytestmark = needs_native
MANY = 40  # threads, in five groups
SIZES = (50, 20_000, 40_000, 150_000, 400_000, 2_000_000)  # elements, of 1 to 64 tasks


@pytest.fixture(autouse=True, scope="module")
def _many_threads() -> Iterator[None]:
    before = fastnn.get_num_threads()
    _native.set_processors(MANY)
    yield
    _native.set_processors(8)
    fastnn.set_num_threads(before)


def sums(size: int) -> list[np.ndarray]:
    """A sum by element, and one over elements that depends on the partition."""
    a = np.arange(size, dtype=np.float32)
    out, dw, loss = np.empty_like(a), np.zeros_like(a), np.zeros(1)
    kernels.get("add", "native")(a, a, out)
    kernels.get("penalty", "native")(a / np.float32(size), dw, loss, 0.1, 0.3)
    return [out, dw, loss]


@pytest.fixture(scope="module")
def expected() -> dict[int, list[np.ndarray]]:
    fastnn.set_num_threads(1)
    return {size: sums(size) for size in SIZES}


@pytest.mark.parametrize("threads", [2, 3, 8, 9, 17, MANY])
def test_every_task_runs_once(expected, threads):
    fastnn.set_num_threads(threads)
    assert fastnn.get_num_threads() == threads
    rng = np.random.default_rng(threads)
    for size in rng.choice(SIZES, 60):  # calls with few and with many threads, in any order
        assert all(same_bits(one, other) for one, other in zip(sums(size), expected[size], strict=True))


@pytest.mark.parametrize("threads", [2, 20])
def test_threads_that_sleep_are_woken(expected, threads):
    fastnn.set_num_threads(threads)
    for size in (400_000, 20_000, 2_000_000):
        time.sleep(0.02)  # longer than they spin
        assert all(same_bits(one, other) for one, other in zip(sums(size), expected[size], strict=True))


def test_more_threads_than_processors_are_not_used(expected):
    """What was asked for stands, and results are those of fewer."""
    _native.set_processors(2)
    try:
        fastnn.set_num_threads(7)
        assert fastnn.get_num_threads() == 7
        assert all(same_bits(*pair) for pair in zip(sums(400_000), expected[400_000], strict=True))
    finally:
        _native.set_processors(MANY)
