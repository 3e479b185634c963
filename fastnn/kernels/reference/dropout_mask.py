"""Dropout, with a mask that depends on the seed, the step and the position of a sample in its batch."""

import numpy as np

from fastnn.kernels.reference.arrays import Array
from fastnn.random import bits


@np.errstate(all="ignore")
def dropout(
    x: Array, step: Array, row: Array, out: Array, rate: float, seed_low: int, seed_high: int, purpose: int
) -> None:
    """``out = x / (1 - rate)``, or 0 for a fraction ``rate`` of the elements, whatever their x.

    The same call on ``dout`` gives the gradient. Element e of sample i, which is number ``row`` + i of its batch, is
    kept if its random word is at least 2³² rate. That is word e mod 4 of block (row + i) ceil(d / 4) + e // 4 in the
    stream of ``purpose`` and ``step`` (see `fastnn.random.bits`).
    """
    n, d = x.shape
    blocks = -(-d // 4)
    seed = int(seed_high) << 32 | int(seed_low)
    offset = int(row[0]) * blocks * 4
    words = bits(seed, int(purpose), int(step[0]) % 2**32, n * blocks * 4, offset).reshape(n, blocks * 4)[:, :d]
    factor = x.dtype.type(1 / (1 - rate) if rate < 1 else 0)
    out[...] = np.where(words >= np.uint64(round(rate * 2**32)), x * factor, 0)
