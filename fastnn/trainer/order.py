"""In which order an epoch meets the samples."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastnn import random
from fastnn.random import Purpose


def batches(
    seed: int, epoch: int, samples: int, batch: int, shuffle: bool | Literal["batches"]
) -> list[NDArray[np.int64]]:
    """Rows of each step of an epoch: the equal batches (S, batch), then what is left (1, rest)."""
    whole = samples // batch * batch
    if shuffle == "batches":
        full = np.arange(whole).reshape(-1, batch)
        full = full[random.permutation(seed, Purpose.SHUFFLE, epoch, len(full))]
        rest = np.arange(whole, samples)
    else:
        order = (
            random.permutation(seed, Purpose.SHUFFLE, epoch, samples) if shuffle else np.arange(samples, dtype=np.int64)
        )
        full, rest = order[:whole].reshape(-1, batch), order[whole:]
    return [full] if whole == samples else [full, rest.reshape(1, -1)]
