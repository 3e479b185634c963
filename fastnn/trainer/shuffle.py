"""In which order epochs meet the samples."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels import get
from fastnn.random import Purpose


def batches(
    seed: int, epochs: range, samples: int, batch: int, shuffle: bool | Literal["batches"]
) -> list[list[NDArray[np.int64]]]:
    """Rows of each step of some epochs: of every epoch the equal batches (S, batch), then what is left (1, rest)."""
    whole = samples // batch * batch
    found = []
    for order in _orders(seed, epochs, whole // batch if shuffle == "batches" else samples, bool(shuffle)):
        if shuffle == "batches":
            full, rest = np.arange(whole).reshape(-1, batch)[order], np.arange(whole, samples)
        else:
            full, rest = order[:whole].reshape(-1, batch), order[whole:]
        found.append([full] if whole == samples else [full, rest.reshape(1, -1)])
    return found


def _orders(seed: int, epochs: range, count: int, shuffle: bool) -> NDArray[np.int64]:
    """The numbers 0 ... count - 1, a row an epoch."""
    if not shuffle:
        return np.tile(np.arange(count), (len(epochs), 1))
    orders, work = np.empty((2, len(epochs), count), np.int64)
    get("permutations")(orders, work, epochs[0], seed & 0xFFFFFFFF, seed >> 32, int(Purpose.SHUFFLE))
    return orders
