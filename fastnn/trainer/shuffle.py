"""Draws the order in which an epoch reads the samples."""

from __future__ import annotations

from collections.abc import Sequence

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
    for order in orders([seed], epochs, samples, batch, shuffle)[0]:
        full, rest = order[:whole].reshape(-1, batch), order[whole:]
        found.append([full] if whole == samples else [full, rest.reshape(1, -1)])
    return found


def orders(seeds: Sequence[int], epochs: range, samples: int, batch: int, shuffle: Shuffle) -> Index:
    """The rows that the steps of some epochs read, one after the other, for each of some seeds.

    Parameters
    ----------
    seeds : sequence of K int
    epochs, samples, batch, shuffle
        As for `shuffled_batches`.

    Returns
    -------
    (K, E, samples) int64
    """
    if shuffle != "batches":
        return _permutations(seeds, epochs, samples, bool(shuffle))
    whole = samples // batch * batch
    found = np.empty((len(seeds), len(epochs), samples), np.int64)
    found[..., :whole] = _batches(seeds, epochs, whole, batch)
    found[..., whole:] = np.arange(whole, samples)
    return found


def _batches(seeds: Sequence[int], epochs: range, samples: int, batch: int) -> Index:
    """Batches of consecutive samples in random order, (K, E, samples)."""
    order = _permutations(seeds, epochs, samples // batch, True)
    return np.arange(samples).reshape(-1, batch)[order].reshape(*order.shape[:2], samples)


def _permutations(seeds: Sequence[int], epochs: range, count: int, shuffle: bool) -> Index:
    """A permutation of 0 … count - 1 for each seed and epoch, (K, E, count); without `shuffle` the identity."""
    if not shuffle:
        return np.tile(np.arange(count), (len(seeds), len(epochs), 1))
    found, work = np.empty((2, len(seeds), len(epochs), count), np.int64)
    keys = np.array(seeds, np.uint64).view(np.int64)
    get("permutations")(found, work, keys, epochs[0], int(Purpose.SHUFFLE))
    return found
