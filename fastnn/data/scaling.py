"""Standardising images by the statistics of the training set, and one-hot encoding of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastnn.checks import choice
from fastnn.data.dataset import check_labels, chunks, one_hot_labels

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

    @classmethod
    def fit(cls, images: ArrayLike, *, by: Literal["pixel", "channel", "all"] = "pixel") -> Standardizer:
        """Compute mean and standard deviation of a training set.

        Parameters
        ----------
        images : array_like, shape (N, ...), real
        by : {"pixel", "channel", "all"}, default "pixel"
            Whether each pixel has a mean and a deviation of its own, the pixels of each channel share them (for
            images of shape (N, C, H, W)), or all pixels do.

        Returns
        -------
        Standardizer
            A deviation of 0 is replaced by 1, so that a pixel that never changes becomes 0.

        Raises
        ------
        ValueError
            If there are no samples, `by` is not one of the choices, or the images have no channels and `by` is
            "channel".
        TypeError
            If the images are not real numbers.

        Notes
        -----
        std = sqrt(sum((x - mean)**2) / n), with the mean and the sum over the n pixels that share them, in float64. The
        images are read twice, in chunks, so that a mapped data set is never in memory as a whole.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnn.data import Standardizer
        >>> Standardizer.fit(np.array([[0, 10], [2, 10]]), by="all").mean
        array([5.5])
        """
        x = np.asarray(images)
        if x.dtype.kind not in "biuf":
            raise TypeError(f"Standardizer.fit: images: expected real numbers, got dtype {x.dtype}")
        if x.ndim < 2 or x.size == 0:
            raise ValueError(f"Standardizer.fit: images: expected shape (N, ...) with N > 0, got {x.shape}")
        choice("Standardizer.fit", "by", by, ("pixel", "channel", "all"))
        if by == "channel" and x.ndim != 4:
            raise ValueError(f"Standardizer.fit: by='channel' needs images (N, C, H, W), but they are {x.shape}")
        axes = {"pixel": (0,), "channel": (0, 2, 3), "all": tuple(range(x.ndim))}[by]
        shared = x.size / np.prod([x.shape[axis] for axis in range(x.ndim) if axis not in axes], dtype=np.float64)
        total, squares = np.zeros(()), np.zeros(())
        for _, rows in chunks(x, _CHUNK_PIXELS):
            total = total + rows.sum(axis=axes, dtype=np.float64, keepdims=True)
        mean = total / shared
        for _, rows in chunks(x, _CHUNK_PIXELS):
            squares = squares + np.square(rows - mean).sum(axis=axes, keepdims=True)
        std = np.sqrt(squares / shared)
        return cls(mean[0], np.where(std == 0, 1.0, std)[0])

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
        x = np.asarray(images)
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
        return np.asarray(np.asarray(values, np.float64) * self.std + self.mean)


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
    given = np.asarray(labels)
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
    given = np.asarray(rows)
    if given.ndim != 2:
        raise ValueError(f"from_one_hot: rows: expected shape (N, C), got {given.shape}")
    return one_hot_labels(given, "from_one_hot")
