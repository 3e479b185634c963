"""Weights, accuracy and batches for the network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.compat.arguments import Array, rows

Pair = tuple[ArrayLike, ArrayLike]
Random = np.random.Generator | np.random.RandomState


def glorot(fan_in: int, fan_out: int, rng: Random | None = None) -> Array:
    """Weights (fan_in, fan_out), uniform in ±√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).

    Parameters
    ----------
    fan_in, fan_out : int
        At least 1.
    rng : numpy.random.Generator or RandomState, optional
        Default: NumPy's global generator, which ``np.random.seed`` seeds.

    Raises
    ------
    ValueError
        If a number is below 1.

    Examples
    --------
    >>> from fastnn.compat.ift6135 import glorot
    >>> weights = glorot(784, 666)
    >>> weights.shape, bool(abs(weights).max() <= (6 / (784 + 666)) ** 0.5)
    ((784, 666), True)
    """
    fan_in = whole("glorot", "fan_in", fan_in, at_least=1)
    fan_out = whole("glorot", "fan_out", fan_out, at_least=1)
    bound = np.sqrt(6.0 / (fan_in + fan_out))
    return np.asarray((_global() if rng is None else rng).uniform(-bound, bound, (fan_in, fan_out)))


def accuracy(pred: ArrayLike, labels: ArrayLike) -> float:
    """The accuracy in per cent.

    Parameters
    ----------
    pred : (N, C) array
        Scores or probabilities. The first of equal largest ones is the prediction.
    labels : (N,) array of int, or (N, C) one-hot rows

    Raises
    ------
    ValueError
        If shapes do not fit, or there are no samples.

    Examples
    --------
    >>> from fastnn.compat.ift6135 import accuracy
    >>> accuracy([[0.9, 0.1], [0.8, 0.2]], [0, 1])
    50.0
    """
    scores = rows("accuracy", "pred", pred)
    given = np.asarray(labels)
    numbers = given.argmax(axis=1) if given.ndim == 2 else given
    if numbers.shape != (len(scores),) or len(scores) == 0:
        raise ValueError(f"accuracy: labels must be one for each of {len(scores)} samples, got shape {given.shape}")
    return 100.0 * float(np.mean(scores.argmax(axis=1) == numbers))


def data_iter(data: Pair, batch_size: int, rng: Random | None = None) -> Iterator[tuple[Array, Array]]:
    """Contiguous batches of a data set in random order; the last one has the samples that remain.

    Parameters
    ----------
    data : pair of arrays (N, D) and (N,)
    batch_size : int
        At least 1.
    rng : numpy.random.Generator or RandomState, optional
        Generator of the order. Default: NumPy's global generator, which ``np.random.seed`` seeds.

    Raises
    ------
    ValueError
        If the arrays differ in length or the size is below 1.

    Examples
    --------
    >>> from fastnn.compat.ift6135 import data_iter
    >>> sorted(len(x) for x, y in data_iter(([[1], [2], [3]], [0, 1, 0]), 2))
    [1, 2]
    """
    x, y = checked("data_iter", data)
    batch_size = whole("data_iter", "batch_size", batch_size, at_least=1)
    for batch in shuffled_slices(len(x), batch_size, rng):
        yield x[batch], y[batch]


def shuffled_slices(count: int, batch_size: int, rng: Random | None) -> list[slice]:
    """The contiguous batches of `count` samples in random order."""
    starts = np.arange(0, count, batch_size)
    (_global() if rng is None else rng).shuffle(starts)
    return [slice(start, min(start + batch_size, count)) for start in starts.tolist()]


def _global() -> np.random.RandomState:
    """NumPy's global generator."""
    return np.random.mtrand._rand


def checked(function: str, data: Pair) -> tuple[Array, Array]:
    """The inputs and labels of a data set, checked to be of equal number."""
    x, y = rows(function, "inputs", data[0]), np.asarray(data[1])
    if len(x) != len(y) or len(x) == 0:
        raise ValueError(f"{function}: {len(x)} inputs but {len(y)} labels")
    return x, y
