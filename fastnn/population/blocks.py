"""The arrays of members in blocks, whose innermost dimension is the member, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.populations import POPULATION_LANES

Array = NDArray[Any]


def to_blocks(rows: Array) -> Array:
    """Rows (K, P) as blocks (⌈K / lanes⌉, P, lanes); the last row fills the lanes that have no member."""
    count, size = rows.shape
    blocks = -(-count // POPULATION_LANES)
    if blocks * POPULATION_LANES > count:
        rows = np.concatenate([rows, np.broadcast_to(rows[-1], (blocks * POPULATION_LANES - count, size))])
    return np.ascontiguousarray(rows.reshape(blocks, POPULATION_LANES, size).transpose(0, 2, 1))


def from_blocks(blocks: Array, count: int) -> Array:
    """The first `count` members of blocks as rows (count, P)."""
    return np.ascontiguousarray(blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])[:count])


def member_of(blocks: Array, number: int) -> Array:
    """A view (P,) of the array of one member."""
    block, lane = divmod(number, POPULATION_LANES)
    return blocks[block, :, lane]
