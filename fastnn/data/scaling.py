"""Standardising images by the statistics of the training set, and one-hot encoding of labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn.checks import as_array, choice, real_array
from fastnn.data.dataset import check_labels, chunks, one_hot_labels
from fastnn.decisions.axes import looks_channels_last
from fastnn.decisions.constant import is_constant

_CHUNK_PIXELS = 1 << 22


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Subtracts a mean and divides by a standard deviation that were computed from the training set.

    Parameters
    ----------
    mean, std : ndarray, float64
        Their shapes broadcast against that of a sample.

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

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("mean", "std"):
            object.__setattr__(
                self, name, np.asarray(real_array("Standardizer", name, getattr(self, name)), np.float64)
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all() and (self.std > 0).all()):
            raise ValueError("Standardizer: mean, std: expected finite numbers and deviations above 0")

    @classmethod
    def fit(
        cls,
        images: ArrayLike,
        *,
        by: Literal["pixel", "channel", "all"] = "pixel",
        channels_last: bool | None = None,
    ) -> Standardizer:
        """Compute mean and standard deviation of a training set.

        Parameters
        ----------
        images : array_like, shape (N, ...), real
        by : {"pixel", "channel", "all"}, default "pixel"
            Whether each pixel has a mean and a deviation of its own, the pixels of each channel share them (for
            images of shape (N, C, H, W)), or all pixels do.
        channels_last : bool, optional
            Whether the channels of images are the last axis, (N, H, W, C). By default they are the first, and images
            that seem to have them last are an error if `by` is "channel".

        Returns
        -------
        Standardizer
            The deviation of values that are constant is 1, so that a pixel that never changes becomes 0.

        Raises
        ------
        ValueError
            If there are no samples, a value is NaN or infinite, `by` is not one of the choices, or `by` is "channel"
            and the images have no channels, or seem to have them last.
        TypeError
            If the images are not real numbers.

        Notes
        -----
        std = sqrt(sum((x - mean)**2) / n), with the mean and the sum over the n pixels that share them, in float64; no
        square overflows or underflows. Values count as constant if they differ by no more than their own rounding,
        max - min <= 2 eps max|x|, with eps = 2**-52 for float64 and 2**-23 for float32, and whole numbers if they are
        equal; see `fastnn.decisions.constant`. The images are read twice, in chunks, so that a mapped data set is never
        in memory as a whole.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import Standardizer
        >>> Standardizer.fit(np.array([[0, 10], [2, 10]]), by="all").mean
        array([5.5])
        >>> Standardizer.fit(np.full((10, 2), 0.1)).transform([[0.1, 0.101]], "float64").round(6)
        array([[0.   , 0.001]])
        """
        x = real_array("Standardizer.fit", "images", images)
        if x.ndim < 2 or x.size == 0:
            raise ValueError(f"Standardizer.fit: images: expected shape (N, ...) with N > 0, got {x.shape}")
        choice("Standardizer.fit", "by", by, ("pixel", "channel", "all"))
        if by == "channel" and x.ndim != 4:
            raise ValueError(f"Standardizer.fit: by='channel' needs images (N, C, H, W), but they are {x.shape}")
        if by == "channel" and channels_last is None and looks_channels_last(x.shape[1:]):
            raise ValueError(
                f"Standardizer.fit: images: expected (N, C, H, W), got {x.shape}, whose channels seem to come last; "
                "say so with channels_last=True, or channels_last=False if they do not"
            )
        pixels = (0, 1, 2) if channels_last else (0, 2, 3)
        axes = {"pixel": (0,), "channel": pixels, "all": tuple(range(x.ndim))}[by]
        mean, std = _moments(x, axes)
        return cls(mean[0], std[0])

    def transform(self, images: ArrayLike, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Return (images - mean) / std.

        Parameters
        ----------
        images : array_like, shape (N, ...), real
            Samples of the shape that the training set has.
        dtype : float32 or float64, default float32

        Returns
        -------
        ndarray, shape (N, ...), of that dtype

        Raises
        ------
        ValueError
            If the samples have another shape.
        """
        x = real_array("Standardizer.transform", "images", images)
        sizes = zip(x.shape[1:], self.mean.shape, strict=False)
        if x.ndim != self.mean.ndim + 1 or any(own not in (1, size) for size, own in sizes):
            raise ValueError(f"Standardizer.transform: images {x.shape} do not fit a mean of shape {self.mean.shape}")
        out = np.empty(x.shape, np.dtype(dtype))
        for start, rows in chunks(x, _CHUNK_PIXELS):
            out[start : start + len(rows)] = (rows - self.mean) / self.std
        return out

    def inverse(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return values * std + mean, which undoes `transform` up to rounding.

        Parameters
        ----------
        values : array_like, shape (N, ...), real

        Returns
        -------
        ndarray, shape (N, ...), float64
        """
        return np.asarray(real_array("Standardizer.inverse", "values", values) * self.std + self.mean)


def _moments(x: NDArray[Any], axes: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation over some axes, which are kept; the deviation of constants is 1."""
    count = math.prod(x.shape[axis] for axis in axes)
    low, high, total = np.full((), np.inf), np.full((), -np.inf), np.zeros(())
    with np.errstate(over="ignore"):
        for _, rows in chunks(x, _CHUNK_PIXELS):
            low = np.minimum(low, rows.min(axis=axes, keepdims=True))
            high = np.maximum(high, rows.max(axis=axes, keepdims=True))
            total = total + rows.sum(axis=axes, dtype=np.float64, keepdims=True)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("Standardizer.fit: images: expected finite numbers, got NaN or infinity")
    if not np.isfinite(total).all():
        total, count_of_total = np.zeros(()), 1
        for _, rows in chunks(x, _CHUNK_PIXELS):
            total = total + (np.asarray(rows, np.float64) / count).sum(axis=axes, keepdims=True)
    else:
        count_of_total = count
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    mean = np.clip(total / count_of_total, low, high)  # rounding may have led outside
    far = np.maximum(high / 2 - mean / 2, mean / 2 - low / 2)  # half of the largest deviation
    # of which the square neither overflows nor loses bits, whatever power of two that takes: an exact factor
    exponent = np.where((far > 1e100) | ((far < 1e-100) & (far > 0)), np.frexp(far)[1], 0)
    squares = np.zeros(())
    for _, rows in chunks(x, _CHUNK_PIXELS):
        off = np.ldexp(rows, -exponent) - np.ldexp(mean, -exponent) if exponent.any() else rows - mean
        squares = squares + np.square(off).sum(axis=axes, keepdims=True)
    std = np.ldexp(np.sqrt(squares / count), exponent)
    return mean, np.where(is_constant(low, high, x.dtype) | (std == 0), 1.0, std)


def one_hot(labels: ArrayLike, classes: int | None = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return labels as one-hot rows: a 1 in the column of the label, zeros elsewhere.

    Parameters
    ----------
    labels : array_like, shape (N,), whole numbers
    classes : int, optional
        The number of columns; by default the largest label plus 1.
    dtype : dtype, default float32

    Returns
    -------
    ndarray, shape (N, classes), of that dtype

    Raises
    ------
    ValueError
        If a label is not a whole number in 0 ... classes - 1, or `labels` has another shape.

    Examples
    --------
    >>> from fastnn.data import from_one_hot, one_hot
    >>> rows = one_hot([0, 2, 1])
    >>> rows.tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    >>> from_one_hot(rows).tolist()
    [0, 2, 1]
    """
    given = as_array("one_hot", "labels", labels)
    if given.ndim != 1:
        raise ValueError(f"one_hot: labels: expected shape (N,), got {given.shape}")
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
        Each row has a single 1 among zeros.

    Returns
    -------
    ndarray, shape (N,), int64

    Raises
    ------
    ValueError
        If a row is not one-hot, or `rows` has another shape.

    Examples
    --------
    >>> from fastnn.data import from_one_hot
    >>> from_one_hot([[0, 1, 0], [1, 0, 0]]).tolist()
    [1, 0]
    """
    given = as_array("from_one_hot", "rows", rows)
    if given.ndim != 2:
        raise ValueError(f"from_one_hot: rows: expected shape (N, C), got {given.shape}")
    return one_hot_labels(given, "from_one_hot")
