"""A labelled data set of images with a training and a test split, and the checks of images and labels."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.mapped import release, rows_of
from fastnn.decisions import Decision

_CHUNK_PIXELS = 1 << 24


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels for training and testing.

    Parameters
    ----------
    train_images, test_images : ndarray, shape (N, ...), real
        Grey images have shape (N, H, W), colour images (N, C, H, W), other samples (N, D).
    train_labels, test_labels : ndarray, shape (N,), int64
        Indices into `class_names`.
    class_names : tuple of str
    scale : float
        The factor that brings the values into about 0 ... 1: 1/255 for pixels, 1 for other values.
    name : str
    unlabelled_images : ndarray or None
        Test images whose labels are not published, for the predictions of a competition.
    column_names : tuple of str or None
        The names of the D values of a sample, in their order, if the samples are the rows of a table with names.
    decisions : tuple of Decision
        What was decided where the files have more than one reading.
    label_name : str or None
        The name of the column of the labels, if the samples are the rows of a table with names.

    Raises
    ------
    ValueError
        If the numbers of images and labels, the shapes of images, or the labels and the class names do not agree.

    Examples
    --------
    >>> from fastnn.data import load
    >>> data = load("glyphs", train=200, test=100)
    >>> data.train_images.shape, data.test_labels.shape
    ((200, 28, 28), (100,))
    >>> images, labels = data.train
    """

    train_images: NDArray[Any]
    train_labels: NDArray[np.int64]
    test_images: NDArray[Any]
    test_labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    scale: float
    name: str
    unlabelled_images: NDArray[Any] | None = field(default=None)
    column_names: tuple[str, ...] | None = None
    decisions: tuple[Decision, ...] = ()
    label_name: str | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        for split, (images, labels) in (("train", self.train), ("test", self.test)):
            if images.shape[:1] != labels.shape:
                raise ValueError(f"Dataset: {split} images {images.shape} and labels {labels.shape} differ in number")
            if labels.size and not 0 <= labels.min() <= labels.max() < len(self.class_names):
                raise ValueError(
                    f"Dataset: {split} labels: expected 0 ... {len(self.class_names) - 1}, one for each of "
                    f"class_names, got {labels.min()} ... {labels.max()}"
                )
        for split, others in (("test", self.test_images), ("unlabelled", self.unlabelled_images)):
            if others is not None and others.shape[1:] != self.train_images.shape[1:]:
                raise ValueError(
                    f"Dataset: {split} images have shape {others.shape[1:]}, "
                    f"but train images have shape {self.train_images.shape[1:]}"
                )

    @property
    def train(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The training images and labels."""
        return self.train_images, self.train_labels

    @property
    def test(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The test images and labels."""
        return self.test_images, self.test_labels

    def sha256(self) -> str:
        """Return the SHA-256 of the training and test images and labels.

        Returns
        -------
        str
            64 hexadecimal digits. Each of the four arrays contributes its shape, its dtype and its elements in C order.

        Examples
        --------
        >>> from fastnn.data import load
        >>> load("glyphs", train=20, test=10).sha256() == load("glyphs", train=20, test=10, seed=1).sha256()
        False
        """
        digest = hashlib.sha256()
        for array in (*self.train, *self.test):
            digest.update(f"{array.shape}{array.dtype.str}".encode())
            for _, chunk in chunks(array, _CHUNK_PIXELS):
                digest.update(np.ascontiguousarray(chunk).data)
        return digest.hexdigest()

    def balance(self) -> float:
        """Return the ratio of the smallest class to the largest, by the number of training images.

        Returns
        -------
        float
            1 if all classes have equally many images, 0 if a class has none.

        Examples
        --------
        >>> from fastnn.data import load
        >>> 0.5 < load("glyphs", train=1000, test=10).balance() < 1
        True
        """
        counts = np.bincount(self.train_labels, minlength=len(self.class_names))
        return float(counts.min() / max(1, counts.max()))

    @property
    def reading(self) -> dict[str, Any]:
        """The arguments of `load` with which other files are read as those of this data set were.

        Examples
        --------
        >>> from fastnn.data import load
        >>> load("glyphs", train=20, test=10).reading
        {'size': [28, 28], 'mode': 'grey'}
        """
        shape = self.train_images.shape[1:]
        found: dict[str, Any] = {} if self.label_name is None else {"label": self.label_name}
        if len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3)):
            found |= {"size": list(shape[-2:]), "mode": "rgb" if shape[0] == 3 and len(shape) == 3 else "grey"}
        return found

    @property
    def noun(self) -> str:
        """What a sample is called: "images", or "samples" if they are rows of values."""
        return called(self.train_images)

    def summary(self) -> str:
        """Return a table with the shape of the samples and their number in each class, and below it all decisions.

        Returns
        -------
        str

        Examples
        --------
        >>> from fastnn.data import load
        >>> print(load("glyphs", train=100, test=20).summary().splitlines()[0])
        glyphs: 100 train and 20 test images of 28 x 28, uint8, 10 classes
        """
        sizes = self.train_images.shape[1:]
        size = f"{sizes[0]} value{'s' if sizes[0] > 1 else ''}" if len(sizes) == 1 else " x ".join(map(str, sizes))
        head = f"{self.name}: {len(self.train_labels)} train and {len(self.test_labels)} test {self.noun} of {size}, "
        lines = [f"{head}{self.train_images.dtype}, {len(self.class_names)} classes"]
        width = max(5, *map(len, self.class_names))
        lines.append(f"{'class':<{width}}  {'train':>7}  {'test':>7}")
        train = np.bincount(self.train_labels, minlength=len(self.class_names)).tolist()
        test = np.bincount(self.test_labels, minlength=len(self.class_names)).tolist()
        for row in zip(self.class_names, train, test, strict=True):
            lines.append(f"{row[0]:<{width}}  {row[1]:>7}  {row[2]:>7}")
        if self.unlabelled_images is not None:
            lines.append(f"and {len(self.unlabelled_images)} {self.noun} without labels")
        return "\n".join((*lines, *map(str, self.decisions)))


def called(samples: NDArray[Any]) -> str:
    """Return what some samples are called: "images", or "samples" if they are rows of values."""
    return "images" if samples.ndim > 2 else "samples"


def check_images(images: NDArray[Any], where: str) -> NDArray[Any]:
    """Check images and return them as a C-contiguous array in native byte order; rows of 784 become 28 x 28.

    Parameters
    ----------
    images : ndarray, shape (N, ...), real
    where : str
        The beginning of the error messages.

    Raises
    ------
    ValueError
        If they are not real numbers, have fewer than two dimensions or no pixels, or hold NaN or infinity.
    """
    if images.dtype.kind not in "biuf":
        raise ValueError(f"{where}: images: expected real numbers, got dtype {images.dtype}")
    if images.ndim < 2 or images.size == 0:
        raise ValueError(f"{where}: images: expected shape (N, ...) with at least one pixel, got {images.shape}")
    if images.dtype.kind == "f":
        _check_finite(images, where)
    native = np.ascontiguousarray(images, images.dtype.newbyteorder("="))
    return native.reshape(-1, 28, 28) if native.shape[1:] == (784,) else native


def _check_finite(images: NDArray[Any], where: str) -> None:
    for start, chunk in chunks(images, _CHUNK_PIXELS):
        finite = np.isfinite(chunk)
        if not finite.all():
            bad = start + int(np.flatnonzero(~finite.reshape(len(finite), -1).all(axis=1))[0])
            raise ValueError(f"{where}: image {bad} has NaN or infinite pixels")


def chunks(array: NDArray[Any], pixels: int) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield chunks of consecutive rows, each of about `pixels` pixels, after the index of their first row.

    A mapped array never has more than these rows in memory.
    """
    rows = max(1, pixels // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        yield start, rows_of(array, slice(start, start + rows))
        release(array)


def check_labels(labels: NDArray[Any], count: int, where: str) -> NDArray[np.int64]:
    """Check the labels of `count` images and return them as indices, shape (N,), int64.

    Parameters
    ----------
    labels : ndarray
        Whole numbers of any real dtype, shape (N,), (N, 1) or (1, N), or one-hot rows (N, C).
    count : int
    where : str
        The beginning of the error messages.

    Raises
    ------
    ValueError
        If they are neither, or there are more or fewer than `count`.
    """
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"{where}: labels: expected whole numbers, got dtype {labels.dtype}")
    if labels.ndim == 2 and labels.shape[0] == count and labels.shape[1] > 1:
        return one_hot_labels(labels, where)
    if labels.ndim == 0 or labels.size != max(labels.shape):
        raise ValueError(f"{where}: labels: expected shape (N,) or (N, 1) or one-hot rows, got {labels.shape}")
    flat = labels.reshape(-1)
    if flat.size != count:
        raise ValueError(f"{where}: {flat.size} labels for {count} images")
    whole = (flat >= 0) & (flat < 2**31)  # false for NaN
    whole[whole] = flat[whole] == np.floor(flat[whole])
    if not whole.all():
        bad = int(np.flatnonzero(~whole)[0])
        decimal = bool(np.isfinite(flat[bad]) and flat[bad] % 1)
        advice = (
            "; a number is predicted from a table (.csv), or with a loss such as mean_squared_error" if decimal else ""
        )
        raise ValueError(f"{where}: label {flat[bad]} at index {bad} is not a class number{advice}")
    return flat.astype(np.int64)


def one_hot_labels(rows: NDArray[Any], where: str) -> NDArray[np.int64]:
    """Return the labels of one-hot rows (N, C).

    Raises
    ------
    ValueError
        If a row is not one-hot; `where` begins the message.
    """
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise ValueError(f"{where}: labels of shape {rows.shape}: expected one-hot rows, each a single 1 among zeros")
    return np.asarray(rows.argmax(axis=1), np.int64)
