"""Seeded, stratified splits of a labelled data set."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import as_array, number
from fastnn.random import Purpose, permutation


def split_indices(
    labels: ArrayLike, sizes: Sequence[int | float], *, seed: int = 0, stratify: bool = True
) -> tuple[NDArray[np.int64], ...]:
    """Split a data set at random into disjoint parts.

    Parameters
    ----------
    labels : array_like, shape (N,)
        One label per sample, of any type that can be sorted.
    sizes : sequence of ints or floats
        The size of each part: a number of samples (int) or a fraction of N (float, below 1; the product is rounded,
        half to even). If the sizes do not add up to N, the remaining samples are in no part.
    seed : int, 0 <= seed < 2**64
        The same seed gives the same split.
    stratify : bool, default True
        Give each part the same proportions of the classes, as far as whole numbers allow. Otherwise the parts are
        consecutive pieces of one permutation.

    Returns
    -------
    tuple of ndarray, shape (size,), int64
        The indices of each part, in random order.

    Raises
    ------
    ValueError
        If a size is not positive, a fraction is not below 1, the parts need more samples than there are, or `labels` is
        not one-dimensional.
    TypeError
        If a size is not a number.

    Notes
    -----
    The parts are taken one after another, each from the samples that the earlier ones left. A stratified part of m out
    of M samples takes floor(m M_c / M) of the M_c samples of class c. The few that are then missing come from the
    classes with the largest remainders; on a tie, from the class that sorts first. So the first part differs from the
    exact proportions by less than one sample per class.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import split_indices
    >>> labels = np.repeat([0, 1], [8, 4])
    >>> train, validation = split_indices(labels, (6, 3))
    >>> np.bincount(labels[train]).tolist(), np.bincount(labels[validation]).tolist()
    ([4, 2], [2, 1])
    """
    given = as_array("split_indices", "labels", labels)
    if given.ndim != 1:
        raise ValueError(f"split_indices: labels: expected shape (N,), got {given.shape}")
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
    """Split a data set at random into two parts that together contain every sample.

    Parameters
    ----------
    labels : array_like, shape (N,)
        As for `split_indices`.
    test : int or float, default 1/6
        The size of the second part: a number of samples, or a fraction of N.
    seed, stratify
        As for `split_indices`.

    Returns
    -------
    train, test : ndarray, int64
        Indices, in random order.

    Raises
    ------
    ValueError, TypeError
        As for `split_indices`; also ValueError if no sample is left for training.

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
        raise ValueError(f"train_test_split: test takes {count} of {total} samples and leaves none for training")
    test_part, train_part = split_indices(labels, (count, total - count), seed=seed, stratify=stratify)
    return train_part, test_part


def _size(size: object, total: int) -> int:
    if isinstance(size, bool) or not isinstance(size, Real):
        raise TypeError(
            f"split_indices: sizes: expected numbers of samples, or fractions above 0 and below 1, got {size!r:.80}"
        )
    if isinstance(size, Integral):
        count = int(size)
    else:
        count = round(number("split_indices", "sizes", size, above=0, below=1) * total)
    if count < 1:
        raise ValueError(
            f"split_indices: sizes: expected at least 1 sample per part, got {count} ({size!r} of {total})"
        )
    return count


def _proportional(classes: NDArray[Any], count: int) -> NDArray[np.bool_]:
    """Return a mask of the first samples of each class, `count` in all, in proportion to the sizes of the classes."""
    sizes = np.bincount(classes)
    order = np.argsort(classes, kind="stable")
    rank = np.empty(classes.size, np.int64)  # how many earlier samples have the same class
    rank[order] = np.arange(classes.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(rank < apportion(sizes, count)[classes])


def apportion(sizes: ArrayLike, total: int) -> NDArray[np.int64]:
    """Divide a total into whole numbers in proportion to sizes, by the method of largest remainders.

    Parameters
    ----------
    sizes : array_like, shape (n,), int64
    total : int

    Returns
    -------
    ndarray, shape (n,), int64
        They sum to `total`. On a tie the first of the largest remainders is rounded up.

    Examples
    --------
    >>> from fastnn.data.splits import apportion
    >>> apportion([70, 20, 20], 10).tolist()
    [6, 2, 2]
    """
    given = np.asarray(sizes, np.int64)
    whole, remainder = np.divmod(given * total, max(int(given.sum()), 1))
    whole[np.argsort(-remainder, kind="stable")[: total - int(whole.sum())]] += 1
    return np.asarray(whole)
