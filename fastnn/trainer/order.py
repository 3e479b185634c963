"""In which order epochs meet the samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastnn import random
from fastnn.random import Purpose


def batches(
    seed: int, epochs: Sequence[int], samples: int, batch: int, shuffle: bool | Literal["batches"]
) -> list[list[NDArray[np.int64]]]:
    """Rows of each step of some epochs: of every epoch the equal batches (S, batch), then what is left (1, rest)."""
    whole = samples // batch * batch
    if shuffle:
        count = whole // batch if shuffle == "batches" else samples
        orders = random.permutations(seed, Purpose.SHUFFLE, epochs, count)
    else:
        orders = np.tile(np.arange(samples, dtype=np.int64), (len(epochs), 1))
    found = []
    for order in orders:
        if shuffle == "batches":
            full, rest = np.arange(whole).reshape(-1, batch)[order], np.arange(whole, samples)
        else:
            full, rest = order[:whole].reshape(-1, batch), order[whole:]
        found.append([full] if whole == samples else [full, rest.reshape(1, -1)])
    return found
