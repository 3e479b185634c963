"""Standardising by what the training set is like, and labels as one-hot rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn.checks import choice
from fastnn.data.dataset import check_labels, one_hot_labels

__all__ = ["Standardizer", "from_one_hot", "one_hot"]

_CHUNK_PIXELS = 1 << 22


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Subtracts a mean and divides by a standard deviation, both measured on the training set alone.

    Parameters
    ----------
    mean, std : ndarray, float64
        Of shapes that broadcast against a sample.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.data import Standardizer
    >>> train = np.array([[0, 10], [2, 10]], np.uint8)
    >>> Standardizer.fit(train).transform(train)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(cls, images: ArrayLike, *, by: Literal["pixel", "channel", "all"] = "pixel") -> Standardizer:
        """Measure a training set.

        Parameters
        ----------
        images : array_like, shape (N, ...), real
        by : {"pixel", "channel", "all"}, default "pixel"
            What shares a mean and a deviation: nothing, the pixels of a channel (N, C, H, W), or everything.

        Returns
        -------
        Standardizer
            A deviation of 0 is taken as 1, so that a pixel that never changes becomes 0.

        Raises
        ------
        ValueError
            If there are no samples, or no channels where they are asked for.
        TypeError
            If they are not real numbers.

        Notes
        -----
        The mean, and the square root of the mean squared distance from it, summed in float64 in two passes over
        pieces of the set, so that a mapped set is never held whole.
        """
        x = np.asarray(images)
        if x.dtype.kind not in "biuf":
            raise TypeError(f"Standardizer.fit: images must be real numbers, but have dtype {x.dtype}")
        if x.ndim < 2 or x.size == 0:
            raise ValueError(f"Standardizer.fit: images must have shape (N, ...), but have {x.shape}")
        choice("Standardizer.fit", "by", by, ("pixel", "channel", "all"))
        if by == "channel" and x.ndim != 4:
            raise ValueError(f"Standardizer.fit: by='channel' needs images (N, C, H, W), but they are {x.shape}")
        axes = {"pixel": (0,), "channel": (0, 2, 3), "all": tuple(range(x.ndim))}[by]
        shared = x.size / np.prod([x.shape[axis] for axis in range(x.ndim) if axis not in axes], dtype=np.float64)
        rows = max(1, _CHUNK_PIXELS // max(1, x[0].size))
        total, squares = np.zeros(()), np.zeros(())
        for start in range(0, len(x), rows):
            total = total + x[start : start + rows].sum(axis=axes, dtype=np.float64, keepdims=True)
        mean = total / shared
        for start in range(0, len(x), rows):
            squares = squares + np.square(x[start : start + rows] - mean).sum(axis=axes, keepdims=True)
        std = np.sqrt(squares / shared)
        return cls(mean[0], np.where(std == 0, 1.0, std)[0])

    def transform(self, images: ArrayLike, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Return (images - mean) / std.

        Parameters
        ----------
        images : array_like, shape (N, ...), real
            With samples like those of the training set.
        dtype : float32 or float64, default float32

        Returns
        -------
        ndarray, shape (N, ...), of that dtype

        Raises
        ------
        ValueError
            If a sample has another shape.
        """
        x = np.asarray(images)
        sizes = zip(x.shape[1:], self.mean.shape, strict=False)
        if x.ndim != self.mean.ndim + 1 or any(own not in (1, size) for size, own in sizes):
            raise ValueError(f"Standardizer.transform: images {x.shape} do not fit a mean of shape {self.mean.shape}")
        out = np.empty(x.shape, np.dtype(dtype))
        rows = max(1, _CHUNK_PIXELS // max(1, x[:1].size))
        for start in range(0, len(x), rows):
            out[start : start + rows] = (x[start : start + rows] - self.mean) / self.std
        return out

    def inverse(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return values * std + mean: what `transform` was given, up to rounding; shape (N, ...), float64."""
        return np.asarray(np.asarray(values, np.float64) * self.std + self.mean)


def one_hot(labels: ArrayLike, classes: int | None = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return labels as rows with a single 1.

    Parameters
    ----------
    labels : array_like, shape (N,), whole numbers
    classes : int, optional
        How many columns; by default the largest label plus 1.
    dtype : dtype, default float32
        Of the result.

    Returns
    -------
    ndarray, shape (N, classes)

    Raises
    ------
    ValueError
        If a label is no whole number of 0 ... classes - 1.

    Examples
    --------
    >>> from fastnn.data import from_one_hot, one_hot
    >>> rows = one_hot([0, 2, 1])
    >>> rows.tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    >>> from_one_hot(rows).tolist()
    [0, 2, 1]
    """
    given = np.asarray(labels)
    if given.ndim != 1:
        raise ValueError(f"one_hot: labels must have shape (N,), but have {given.shape}")
    numbers = check_labels(given, given.size, "one_hot")
    width = int(numbers.max(initial=-1)) + 1 if classes is None else int(classes)
    if numbers.size and numbers.max() >= width:
        raise ValueError(f"one_hot: label {numbers.max()} at index {numbers.argmax()}, but there are {width} classes")
    out = np.zeros((numbers.size, width), dtype)
    out[np.arange(numbers.size), numbers] = 1
    return out


def from_one_hot(rows: ArrayLike) -> NDArray[np.int64]:
    """Return the labels of one-hot rows.

    Parameters
    ----------
    rows : array_like, shape (N, C)
        Each with a single 1 and else 0.

    Returns
    -------
    ndarray, shape (N,), int64

    Raises
    ------
    ValueError
        If a row is not of that kind.
    """
    given = np.asarray(rows)
    if given.ndim != 2:
        raise ValueError(f"from_one_hot: rows must have shape (N, C), but have {given.shape}")
    return one_hot_labels(given, "from_one_hot")
