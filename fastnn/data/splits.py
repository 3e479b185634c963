"""Seeded, stratified splits of a labelled set."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number
from fastnn.random import Purpose, permutation

__all__ = ["split_indices", "train_test_split"]


def split_indices(
    labels: ArrayLike, sizes: Sequence[int | float], *, seed: int = 0, stratify: bool = True
) -> tuple[NDArray[np.int64], ...]:
    """Split a set at random into disjoint parts.

    Parameters
    ----------
    labels : array_like, shape (N,)
        One label a sample, of any type that can be sorted.
    sizes : sequence of ints or floats
        The size of each part: a count (int) or a share of N (float, below 1; rounded half to even). Samples
        left over are in no part.
    seed : int, 0 <= seed < 2**64
        The same seed gives the same split.
    stratify : bool, default True
        Give each part the same mixture of classes, as near as whole numbers allow. Otherwise the parts are
        consecutive pieces of one permutation.

    Returns
    -------
    tuple of ndarray, shape (size,), int64
        The indices of each part, in random order.

    Raises
    ------
    ValueError
        If a size is not positive, a share is not below 1, or the parts need more samples than there are.
    TypeError
        If a size is not a number.

    Notes
    -----
    The parts are taken one after the other, each from what the ones before it left. A stratified part of m
    samples out of M takes floor(m M_c / M) of the M_c of class c; the few that are then missing come from the
    classes with the largest remainders (on a tie the class that sorts first), so the first part is less than
    one sample a class away from exact.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import split_indices
    >>> labels = np.repeat([0, 1], [8, 4])
    >>> train, validation = split_indices(labels, (6, 3))
    >>> np.bincount(labels[train]).tolist(), np.bincount(labels[validation]).tolist()
    ([4, 2], [2, 1])
    """
    given = np.asarray(labels)
    if given.ndim != 1:
        raise ValueError(f"split_indices: labels must have shape (N,), but have {given.shape}")
    counts = [_size(size, given.size) for size in sizes]
    if sum(counts) > given.size:
        raise ValueError(f"split_indices: sizes {tuple(sizes)} need {sum(counts)} samples, but there are {given.size}")
    rest = permutation(seed, Purpose.SPLIT, 0, given.size)
    classes = np.unique(given, return_inverse=True)[1] if stratify else np.zeros(given.size, np.int64)
    parts = []
    for count in counts:
        chosen = _proportional(classes[rest], count)
        parts.append(rest[chosen])
        rest = rest[~chosen]
    return tuple(parts)


def train_test_split(
    labels: ArrayLike, test: int | float = 1 / 6, *, seed: int = 0, stratify: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split a set at random into two parts that together are all of it.

    Parameters
    ----------
    labels : array_like, shape (N,)
        As in `split_indices`.
    test : int or float, default 1/6
        The size of the second part: a count, or a share of N.
    seed, stratify
        As in `split_indices`.

    Returns
    -------
    train, test : ndarray, int64
        Indices, in random order.

    Raises
    ------
    ValueError, TypeError
        As in `split_indices`; ValueError also if nothing is left to train on.

    Examples
    --------
    >>> from fastnn.data import train_test_split
    >>> train, test = train_test_split([0, 0, 0, 1, 1, 1], 2)
    >>> sorted([*train.tolist(), *test.tolist()])
    [0, 1, 2, 3, 4, 5]
    """
    total = int(np.asarray(labels).size)
    count = _size(test, total)
    if count >= total:
        raise ValueError(f"train_test_split: test takes {count} of {total} samples and leaves none to train on")
    test_part, train_part = split_indices(labels, (count, total - count), seed=seed, stratify=stratify)
    return train_part, test_part


def _size(size: object, total: int) -> int:
    if isinstance(size, bool) or not isinstance(size, Real):
        raise TypeError(f"split_indices: sizes: expected counts, or shares above 0 and below 1, got {size!r:.80}")
    if isinstance(size, Integral):
        count = int(size)
    else:
        count = round(number("split_indices", "sizes", size, above=0, below=1) * total)
    if count < 1:
        raise ValueError(f"split_indices: a part must have at least one sample, but {size!r} of {total} gives {count}")
    return count


def _proportional(classes: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Mark `count` places, the first ones of each class, in proportion to the classes."""
    sizes = np.bincount(classes)
    whole, remainder = np.divmod(sizes * count, max(classes.size, 1))
    largest = np.argsort(-remainder, kind="stable")[: count - int(whole.sum())]
    whole[largest] += 1
    order = np.argsort(classes, kind="stable")
    rank = np.empty(classes.size, np.int64)  # how many of the same class stand before
    rank[order] = np.arange(classes.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(rank < whole[classes])
