"""The number of threads changes no bit."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_arguments import make
from strategies import DTYPES, same_bits, seeds
from test_backends_agree import dims_of

import fastnn
from fastnn import kernels
from fastnn.kernels import SIGNATURES

pytestmark = pytest.mark.skipif("native" not in kernels.available_backends(), reason="no native module")

# enough work to be shared by the threads
LARGE = {"n": 300, "g": 19, "d": 200, "m": 130, "c": 150, "r": 500, "s": 60, "k": 30, "o": 1, "*": 300_007}
LARGE_IMAGES = {"n": 3, "g": 2, "c": 20, "h": 31, "w": 33, "f": 50, "k": 20, "r": 3, "s": 3, "p": 30, "q": 32}
LARGE_IMAGES |= {"e": 1, "j": 1, "i": 1, "*": 1}  # groups, blocks and channels of transformed weights
LARGE_IMAGES |= {"u": 7, "v": 6}


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = fastnn.get_num_threads()
    yield
    fastnn.set_num_threads(before)


def check(kernel, arguments):
    results = []
    for threads in (1, 2, 3, 4):
        fastnn.set_num_threads(threads)
        run = arguments.copy()
        kernels.get(kernel, "native")(*run.values())
        results.append([run[a.name] for a in SIGNATURES[kernel].arrays if a.writes and run[a.name] is not None])
    for other in results[1:]:
        assert all(same_bits(one, two) for one, two in zip(results[0], other, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", SIGNATURES)
@given(data=st.data(), seed=seeds)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_kernel_gives_the_same_bits(kernel, dtype, data, seed):
    check(kernel, make(kernel, data.draw(dims_of(kernel)), dtype, seed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", SIGNATURES)
def test_large_work_gives_the_same_bits(kernel, dtype):
    letters = SIGNATURES[kernel].dims
    large = LARGE_IMAGES if set(letters) & {"p", "e", "h"} else LARGE
    check(kernel, make(kernel, {d: large[d] for d in letters}, dtype, 3))


@pytest.mark.parametrize("shape", [(1, 784, 2000), (2000, 784, 10), (10, 9000, 10), (4096, 33, 65)])
@pytest.mark.parametrize("kernel", [k for k in SIGNATURES if k.startswith("affine")])
def test_skinny_products_give_the_same_bits(kernel, shape):
    check(kernel, make(kernel, dict(zip("ndm", shape, strict=True)), np.float32, 5))
