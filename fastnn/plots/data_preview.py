"""A preview of a data set: one row of images for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.plots.image_grid import image_grid
from fastnn.random import Purpose, permutation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def data_preview(
    images: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str],
    *,
    columns: int = 10,
    most_rows: int = 20,
    seed: int = 0,
    title: str | None = "Images of each class",
) -> Figure:
    """Draw random images of each class, one row for each class.

    Parameters
    ----------
    images : (N, H, W), (N, H, W, 3) or (N, 3, H, W) array_like, real
    labels : (N,) array_like of int
        Indices into `class_names`.
    class_names : sequence of str
    columns : int, default 10
        Images per class. The row of a class with fewer images ends with blanks.
    most_rows : int, default 20
        The number of classes to draw at most; the first ones that have images are drawn.
    seed : int, default 0
        Seed for the choice of images.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no images, the number of labels differs, a label has no name, or a number is below 1.

    Examples
    --------
    >>> from fastnn.data import load
    >>> from fastnn.plots import data_preview
    >>> data = load("glyphs", train=200, test=20)
    >>> figure = data_preview(*data.train, data.class_names)
    >>> len(figure.axes)
    1
    """
    shown, given = np.asarray(images), np.asarray(labels)
    if given.ndim != 1 or len(shown) != len(given) or not len(given):
        raise ValueError(
            "data_preview: images and labels must have the same length, at least 1, got shapes "
            f"{shown.shape} and {given.shape}"
        )
    columns = whole("data_preview", "columns", columns, at_least=1)
    most_rows = whole("data_preview", "most_rows", most_rows, at_least=1)
    if not 0 <= given.min() <= given.max() < len(class_names):
        raise ValueError(
            f"data_preview: labels must be 0 to {len(class_names) - 1}, indices into class_names, got {given.min()} "
            f"to {given.max()}"
        )
    shuffled = permutation(seed, Purpose.SPLIT, 0, len(given))
    present = np.unique(given)[:most_rows]
    grid = np.zeros((len(present) * columns, *shown.shape[1:]), shown.dtype)
    for row, label in enumerate(present):
        chosen = np.sort(shuffled[given[shuffled] == label][:columns])
        grid[row * columns : row * columns + len(chosen)] = shown[chosen]
    names = [str(class_names[label]) for label in present]
    return image_grid(grid, columns=columns, row_names=names, title=title)
