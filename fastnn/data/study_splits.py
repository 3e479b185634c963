"""The splits of the studies, by name, and splits that take so many samples of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.data.splits import split_indices
from fastnn.random import Purpose, permutation

__all__ = ["STUDY_SPLITS", "Split", "per_class_split", "study_split"]

Indices = NDArray[np.int64]


class Split(NamedTuple):
    """Disjoint indices of samples.

    Parameters
    ----------
    train, validation, test : ndarray, int64
        `test` is empty where a set comes with a test split of its own.
    """

    train: Indices
    validation: Indices
    test: Indices


def per_class_split(labels: ArrayLike, counts: Sequence[int], *, seed: int = 0) -> tuple[Indices, ...]:
    """Take so many samples of every class for each part, such as 70, 20 and 20 photos a person.

    Parameters
    ----------
    labels : array_like, shape (N,)
        One label a sample.
    counts : sequence of int
        Samples of each class in each part. Where a class has fewer than they need together, the parts share what
        it has in the same proportion.
    seed : int, 0 <= seed < 2**64

    Returns
    -------
    tuple of ndarray, int64
        The indices of each part, in random order.

    Raises
    ------
    ValueError
        If `labels` is not one-dimensional, a count is negative or all are 0.

    Notes
    -----
    Of a class with M < sum(counts) samples a part gets floor(M count / sum), and what is then left goes to the
    parts with the largest remainders, on a tie the first: 70, 20, 20 of 10 is 6, 2, 2.

    Examples
    --------
    >>> from fastnn.data import per_class_split
    >>> train, test = per_class_split([0, 0, 0, 1, 1, 1, 1], (2, 1))
    >>> len(train), len(test)
    (4, 2)
    """
    given = np.asarray(labels)
    wanted = [int(count) for count in counts]
    if given.ndim != 1:
        raise ValueError(f"per_class_split: labels must have shape (N,), but have {given.shape}")
    if not any(wanted) or min(wanted) < 0:
        raise ValueError(f"per_class_split: counts must not be negative nor all 0, but are {tuple(counts)}")
    order = permutation(seed, Purpose.SPLIT, 0, given.size)
    parts = np.full(given.size, -1)  # the part of each sample
    for label in np.unique(given):
        mine = order[given[order] == label]
        sizes = _shared(wanted, mine.size)
        ends = np.cumsum(sizes)
        for part, (start, end) in enumerate(zip(ends - sizes, ends, strict=True)):
            parts[mine[start:end]] = part
    return tuple(order[parts[order] == part] for part in range(len(wanted)))


def study_split(study: str, labels: ArrayLike, *, seed: int | None = None) -> Split:
    """Split a set as a study does.

    Parameters
    ----------
    study : {"mlp", "init", "letters", "letters-15000", "faces", "faces-60"}
        The split's name:

        - "mlp": 50,000 to train and 10,000 to validate, at random (of the 60,000 training images of MNIST);
        - "init": the first 50,000 and the last 10,000;
        - "letters": 10,000, 6,000 and 2,724, at random; "letters-15000": 15,000, 1,000 and 2,724;
        - "faces": 70, 20 and 20 of each person; "faces-60": 60, 10 and 20.
    labels : array_like, shape (N,)
        Of the samples to split. Where N is another number, or a person has fewer photos, the parts keep their
        proportions.
    seed : int, optional
        By default the study's own: 421 for the letters, otherwise 0. "init" needs none.

    Returns
    -------
    Split
        train, validation, test.

    Raises
    ------
    ValueError
        If there is no split of that name, or a part gets no sample.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import study_split
    >>> split = study_split("faces", np.repeat(np.arange(40), 10))
    >>> len(split.train), len(split.validation), len(split.test)
    (240, 80, 80)
    """
    if study not in STUDY_SPLITS:
        raise ValueError(f"study_split: no split {study!r}; there are {', '.join(STUDY_SPLITS)}")
    given = np.asarray(labels)
    if given.ndim != 1:
        raise ValueError(f"study_split: labels must have shape (N,), but have {given.shape}")
    parts = STUDY_SPLITS[study](given, seed)
    if min(part.size for part in parts[:2]) == 0:
        raise ValueError(f"study_split: {given.size} samples are too few for {study!r}")
    return Split(*parts, *[np.empty(0, np.int64)] * (3 - len(parts)))


def _at_random(sizes: Sequence[int], own_seed: int) -> Callable[[NDArray[np.generic], int | None], tuple[Indices, ...]]:
    def split(labels: NDArray[np.generic], seed: int | None) -> tuple[Indices, ...]:
        counts = _scaled(sizes, labels.size)
        return split_indices(labels, counts, seed=own_seed if seed is None else seed, stratify=False)

    return split


def _by_person(counts: Sequence[int]) -> Callable[[NDArray[np.generic], int | None], tuple[Indices, ...]]:
    def split(labels: NDArray[np.generic], seed: int | None) -> tuple[Indices, ...]:
        return per_class_split(labels, counts, seed=seed or 0)

    return split


def _in_order(sizes: Sequence[int]) -> Callable[[NDArray[np.generic], int | None], tuple[Indices, ...]]:
    def split(labels: NDArray[np.generic], seed: int | None) -> tuple[Indices, ...]:
        ends = np.cumsum(_scaled(sizes, labels.size))
        return tuple(np.split(np.arange(ends[-1]), ends[:-1]))

    return split


STUDY_SPLITS = {
    "mlp": _at_random((50_000, 10_000), 0),
    "init": _in_order((50_000, 10_000)),
    "letters": _at_random((10_000, 6_000, 2_724), 421),
    "letters-15000": _at_random((15_000, 1_000, 2_724), 421),
    "faces": _by_person((70, 20, 20)),
    "faces-60": _by_person((60, 10, 20)),
}


def _scaled(sizes: Sequence[int], total: int) -> list[int]:
    """`sizes` where that many samples are needed or just a few are left over, else in proportion to `total`."""
    if sum(sizes) <= total <= sum(sizes) * 1.001:
        return list(sizes)
    return [int(size) for size in _proportional(sizes, total)]


def _shared(wanted: Sequence[int], total: int) -> NDArray[np.int64]:
    return np.array(wanted) if sum(wanted) <= total else _proportional(wanted, total)


def _proportional(sizes: Sequence[int], total: int) -> NDArray[np.int64]:
    whole, remainder = np.divmod(np.array(sizes, np.int64) * total, sum(sizes))
    whole[np.argsort(-remainder, kind="stable")[: total - int(whole.sum())]] += 1
    return whole
