"""The splits of the studies, by name, and splits with a given number of samples per class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.data.splits import apportion, split_indices
from fastnn.random import Purpose, permutation

Indices = NDArray[np.int64]
Labels = NDArray[np.generic]


class Split(NamedTuple):
    """Disjoint indices of samples.

    Parameters
    ----------
    train, validation, test : ndarray, int64
        `test` is empty if the data set has a test split of its own.
    """

    train: Indices
    validation: Indices
    test: Indices


def per_class_split(labels: ArrayLike, counts: Sequence[int], *, seed: int = 0) -> tuple[Indices, ...]:
    """Split a data set into parts with a given number of samples per class, such as 70, 20 and 20 photos per person.

    Parameters
    ----------
    labels : array_like, shape (N,)
        One label per sample.
    counts : sequence of int
        How many samples of each class a part gets. If a class has fewer samples than all parts need together, they are
        divided in the same proportions.
    seed : int, 0 <= seed < 2**64
        The same seed gives the same split.

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
    If a class has M < sum(counts) samples, a part gets floor(M count / sum(counts)) of them, and what is then left goes
    to the parts with the largest remainders; on a tie, to the first. For 10 samples, 70, 20 and 20 become 6, 2 and 2.

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
        raise ValueError(f"per_class_split: labels: expected shape (N,), got {given.shape}")
    if not any(wanted) or min(wanted) < 0:
        raise ValueError(f"per_class_split: counts: expected numbers of at least 0, not all 0, got {tuple(counts)}")
    order = permutation(seed, Purpose.SPLIT, 0, given.size)
    parts = np.full(given.size, -1)  # the part of each sample
    for label in np.unique(given):
        members = order[given[order] == label]
        sizes = np.array(wanted) if sum(wanted) <= members.size else apportion(wanted, members.size)
        for part, piece in enumerate(np.split(members, np.cumsum(sizes))[:-1]):
            parts[piece] = part
    return tuple(order[parts[order] == part] for part in range(len(wanted)))


def study_split(study: str, labels: ArrayLike, *, seed: int | None = None) -> Split:
    """Split a data set as one of the studies does.

    Parameters
    ----------
    study : {"mlp", "init", "letters", "letters-15000", "faces", "faces-60"}
        The split's name:

        - "mlp": the 60,000 training images of MNIST at random into 50,000 for training and 10,000 for validation;
        - "init": the first 50,000 and the last 10,000;
        - "letters": 10,000, 6,000 and 2,724, at random; "letters-15000": 15,000, 1,000 and 2,724;
        - "faces": 70, 20 and 20 photos of each person; "faces-60": 60, 10 and 20.
    labels : array_like, shape (N,)
        The labels of the samples to split. If N differs from the numbers above, or a person has fewer photos, the parts
        keep their proportions.
    seed : int, optional
        By default the seed of the study: 421 for the letters, otherwise 0. "init" ignores it.

    Returns
    -------
    Split
        train, validation, test.

    Raises
    ------
    ValueError
        If there is no split of that name, `labels` is not one-dimensional, or the training or the validation split gets
        no sample.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import study_split
    >>> split = study_split("faces", np.repeat(np.arange(40), 10))
    >>> len(split.train), len(split.validation), len(split.test)
    (240, 80, 80)
    """
    if study not in _SPLITS:
        raise ValueError(f"study_split: no split {study!r}; there are {', '.join(_SPLITS)}")
    given = np.asarray(labels)
    if given.ndim != 1:
        raise ValueError(f"study_split: labels: expected shape (N,), got {given.shape}")
    parts = _SPLITS[study](given, seed)
    if min(part.size for part in parts[:2]) == 0:
        raise ValueError(f"study_split: {given.size} samples are too few for {study!r}")
    return Split(*parts, *[np.empty(0, np.int64)] * (3 - len(parts)))


def _at_random(sizes: Sequence[int], own_seed: int, labels: Labels, seed: int | None) -> tuple[Indices, ...]:
    counts = _scaled(sizes, labels.size)
    return split_indices(labels, counts, seed=own_seed if seed is None else seed, stratify=False)


def _per_person(counts: Sequence[int], labels: Labels, seed: int | None) -> tuple[Indices, ...]:
    return per_class_split(labels, counts, seed=seed or 0)


def _in_order(sizes: Sequence[int], labels: Labels, seed: int | None) -> tuple[Indices, ...]:
    ends = np.cumsum(_scaled(sizes, labels.size))
    return tuple(np.split(np.arange(ends[-1]), ends[:-1]))


_SPLITS: dict[str, Callable[[Labels, int | None], tuple[Indices, ...]]] = {
    "mlp": partial(_at_random, (50_000, 10_000), 0),
    "init": partial(_in_order, (50_000, 10_000)),
    "letters": partial(_at_random, (10_000, 6_000, 2_724), 421),
    "letters-15000": partial(_at_random, (15_000, 1_000, 2_724), 421),
    "faces": partial(_per_person, (70, 20, 20)),
    "faces-60": partial(_per_person, (60, 10, 20)),
}


def _scaled(sizes: Sequence[int], total: int) -> list[int]:
    """Return `sizes` if they are all samples or all but a few, otherwise sizes in proportion that sum to `total`."""
    if sum(sizes) <= total <= sum(sizes) * 1.001:
        return list(sizes)
    return [int(size) for size in apportion(sizes, total)]
