"""Random orders of few numbers, which are sorted in one way, and of many, which are in another."""

import numpy as np
import pytest

from fastnn import kernels
from fastnn.random import Purpose, permutation


@pytest.mark.parametrize("n", [0, 1, 2, 3, 127, 129, 2048, 2049, 4095, 4096, 4097, 9000])
def test_every_seed_and_epoch_has_the_order_of_the_generator(n):
    seeds = [0, 7, 2**64 - 1]
    order, work = np.full((2, 3, 2, n), -1, np.int64)
    keys = np.array(seeds, np.uint64).view(np.int64)
    kernels.get("permutations")(order, work, keys, 2**32 - 1, int(Purpose.SHUFFLE))
    expected = [[permutation(seed, Purpose.SHUFFLE, step, n) for step in (2**32 - 1, 0)] for seed in seeds]
    np.testing.assert_array_equal(order, np.array(expected).reshape(3, 2, n))
