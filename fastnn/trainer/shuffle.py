"""Draws the order in which an epoch reads the samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels import get
from fastnn.random import Purpose
from fastnn.trainer.spec import Shuffle

Index = NDArray[np.int64]


def shuffled_batches(seed: int, epochs: range, samples: int, batch: int, shuffle: Shuffle) -> list[list[Index]]:
    """The rows that each step of some epochs reads.

    Parameters
    ----------
    seed : int, 0 <= seed < 2**64
    epochs : range
        Numbers of the epochs, which with the seed decide their order.
    samples, batch : int
    shuffle : bool or "batches"
        True: the samples are shuffled. "batches": batches of consecutive samples are. False: neither.

    Returns
    -------
    list of list of int64 arrays
        For each epoch the rows (S, batch) of its S full batches, and the remaining rows (1, rest) if there are any.
    """
    whole = samples // batch * batch
    found = []
    for order in _permutations(seed, epochs, whole // batch if shuffle == "batches" else samples, bool(shuffle)):
        if shuffle == "batches":
            full, rest = np.arange(whole).reshape(-1, batch)[order], np.arange(whole, samples)
        else:
            full, rest = order[:whole].reshape(-1, batch), order[whole:]
        found.append([full] if whole == samples else [full, rest.reshape(1, -1)])
    return found


def orders(seed: int, epochs: range, samples: int, batch: int, shuffle: Shuffle) -> Index:
    """The rows that the steps of some epochs read, one after the other.

    Parameters
    ----------
    seed, epochs, samples, batch, shuffle
        As for `shuffled_batches`.

    Returns
    -------
    (E, samples) int64
    """
    if shuffle != "batches":
        return _permutations(seed, epochs, samples, bool(shuffle))
    parts = shuffled_batches(seed, epochs, samples, batch, shuffle)
    return np.array([np.concatenate([part.reshape(-1) for part in epoch]) for epoch in parts])


def _permutations(seed: int, epochs: range, count: int, shuffle: bool) -> Index:
    """A permutation of 0 … count - 1 for each epoch, (E, count); without `shuffle` the identity."""
    if not shuffle:
        return np.tile(np.arange(count), (len(epochs), 1))
    orders, work = np.empty((2, len(epochs), count), np.int64)
    get("permutations")(orders, work, epochs[0], seed & 0xFFFFFFFF, seed >> 32, int(Purpose.SHUFFLE))
    return orders
