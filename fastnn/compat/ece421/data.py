"""The letters of notMNIST, shuffled and split as the hand-out does."""

from __future__ import annotations

from os import PathLike

import numpy as np

from fastnn.compat.arguments import Array
from fastnn.data import read_npz
from fastnn.decisions import Decision

__all__ = ["loadData"]

_SPLIT = 10_000, 16_000  # where training ends and testing begins
_TWO_CLASSES = 3_500, 3_600
_SEED, _SEED_OF_TWO = 521, 421


def loadData(
    path: str | PathLike[str] = "notMNIST.npz",
    *,
    posClass: int | None = None,
    negClass: int | None = None,
    seed: int | None = None,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Read the images of letters, shuffle them, and split them.

    Parameters
    ----------
    path : path
        A file with the arrays "images" (N, 28, 28) and "labels" (N,).
    posClass, negClass : int, optional
        Only the letters of these two classes, whose targets become 1 and 0 in a column: 2 and 9 in the first
        assignment. Default: all ten classes, as in the second.
    seed : int, optional
        Seed of the order, for a NumPy `RandomState`. Default: 521, or 421 for two classes, as in the hand-out. NumPy's
        global generator is not used.

    Returns
    -------
    trainData, validData, testData : (n, 28, 28) float64 arrays
        The first 10,000 images, the next 6,000, and the others; of two classes 3,500, 100, and the others. Divided by
        255, so that they are in [0, 1].
    trainTarget, validTarget, testTarget : (n,) arrays, or (n, 1) for two classes

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file lacks an array, only one of the classes is given, or there are no images left to test with.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from pathlib import Path
    >>> from fastnn.compat.ece421 import loadData
    >>> images, labels = np.full((16100, 28, 28), 255, np.uint8), np.arange(16100) % 10
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(Path(folder) / "notMNIST.npz", images=images, labels=labels)
    ...     sets = loadData(Path(folder) / "notMNIST.npz")
    >>> [len(part) for part in sets], float(sets[0].max())
    ([10000, 6000, 100, 10000, 6000, 100], 1.0)
    """
    if (posClass is None) != (negClass is None):
        raise ValueError("loadData: expected both posClass and negClass, or neither, got one of them")
    arrays = read_npz(path)
    missing = {"images", "labels"} - arrays.keys()
    if missing:
        raise ValueError(f"loadData: {path}: expected the arrays 'images' and 'labels', got {sorted(arrays)}")
    images, labels = arrays["images"], arrays["labels"]
    if images.ndim != 3 or labels.shape != (len(images),):
        raise ValueError(
            f"loadData: {path}: expected images (N, H, W) and labels (N,), got {images.shape} and {labels.shape}"
        )
    scaled = images.astype(np.float64)
    if images.dtype.kind == "f" and images.size and float(images.max()) <= 1:
        print(Decision("pixels", "taken as they are", "they are in [0, 1] already", "store them as 0 … 255"))
    else:
        scaled /= 255.0
    first, second = _SPLIT
    if posClass is not None:
        chosen = (labels == posClass) | (labels == negClass)
        scaled, labels = scaled[chosen], (labels[chosen] == posClass).astype(labels.dtype)[:, np.newaxis]
        first, second = _TWO_CLASSES
    if len(scaled) <= second:
        raise ValueError(f"loadData: {path}: expected more than {second} images, got {len(scaled)}")
    order = np.arange(len(scaled))
    np.random.RandomState(seed if seed is not None else _SEED if posClass is None else _SEED_OF_TWO).shuffle(order)
    parts = order[:first], order[first:second], order[second:]
    train, valid, test = (scaled[part] for part in parts)
    train_target, valid_target, test_target = (labels[part] for part in parts)
    return train, valid, test, train_target, valid_target, test_target
