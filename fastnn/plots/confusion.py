"""The confusion matrix of a classifier, and the images that it classifies wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.image_grid import image_grid
from fastnn.plots.style import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NUMBERS = 15  # up to this number of classes the counts are written into the cells


def confusion_matrix(
    labels: ArrayLike,
    predicted: ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = "Confusion matrix",
) -> Figure:
    """Draw how often each class was predicted for the samples of each class.

    Parameters
    ----------
    labels, predicted : (N,) array_like of int
        True and predicted classes.
    class_names : sequence of str, optional
        Names of the classes, by default their numbers.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If `labels` and `predicted` differ in shape, or a class has no name.

    Notes
    -----
    The grey of a cell is its share of the true class (the row). The number in it is the count, which is left out if
    there are more than 15 classes.

    Examples
    --------
    >>> from fastnn.plots import confusion_matrix
    >>> figure = confusion_matrix([0, 0, 1], [0, 1, 1], ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '1', '0', '1']
    """
    true, found = np.asarray(labels), np.asarray(predicted)
    if true.shape != found.shape or true.ndim != 1 or not true.size:
        raise ValueError(f"confusion_matrix: labels and predicted must have one shape (N,), got {true.shape} and "
                         f"{found.shape}")  # fmt: skip
    classes = int(max(true.max(), found.max())) + 1 if class_names is None else len(class_names)
    if min(true.min(), found.min()) < 0 or max(true.max(), found.max()) >= classes:
        raise ValueError(f"confusion_matrix: classes must lie in 0 to {classes - 1}")
    names = [str(k) for k in range(classes)] if class_names is None else list(class_names)
    counts = np.bincount(true * classes + found, minlength=classes * classes).reshape(classes, classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    if ax is None:
        import matplotlib.pyplot as plt

        side = min(9.0, 2.5 + 0.36 * classes)
        _, ax = plt.subplots(figsize=(side + 0.6, side), layout="constrained")
    picture = ax.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    if classes <= _MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, str(count), ha="center", va="center", fontsize=8, color=ink)
    turn = 90 if max(map(len, names)) > 2 and classes > 4 else 0
    ax.set_xticks(range(classes), names, rotation=turn, fontsize=8 if classes <= _MOST_NUMBERS else 6)
    ax.set_yticks(range(classes), names, fontsize=8 if classes <= _MOST_NUMBERS else 6)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    if title is not None:
        ax.set_title(title)
    figure = figure_of(ax)
    figure.colorbar(picture, ax=ax, label="share of the true class", shrink=0.8)
    return figure


def wrong_predictions(
    images: ArrayLike,
    labels: ArrayLike,
    predicted: ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    most: int = 40,
    columns: int | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the images that are classified wrongly, with their true and predicted classes.

    Parameters
    ----------
    images : (N, H, W), (N, H, W, 3) or (N, 3, H, W) array_like, real
    labels, predicted : (N,) array_like of int
        True and predicted classes.
    class_names : sequence of str, optional
        Names of the classes, by default their numbers.
    most : int
        The number of images to draw at most; the first ones are drawn.
    columns : int, optional
        Images in a row, as in `image_grid`.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None
        By default a title with the number of wrong predictions.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If every prediction is right, or the arrays differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.plots import wrong_predictions
    >>> figure = wrong_predictions(np.zeros((3, 28, 28)), [0, 1, 2], [0, 2, 2])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1 as 2']
    """
    true, found, shown = np.asarray(labels), np.asarray(predicted), np.asarray(images)
    if not len(true) == len(found) == len(shown):
        raise ValueError(
            f"wrong_predictions: images, labels and predicted must have the same length, got {len(shown)}, "
            f"{len(true)} and {len(found)}"
        )
    wrong = np.flatnonzero(true != found)
    if not wrong.size:
        raise ValueError("wrong_predictions: every prediction is right")
    some = wrong[:most]
    names = class_names if class_names is not None else [str(k) for k in range(int(max(true.max(), found.max())) + 1)]
    words = [f"{names[true[k]]} as {names[found[k]]}" for k in some]
    title = title or f"{wrong.size:,} of {true.size:,} wrong: true class as predicted class"
    return image_grid(shown[some], words, columns=columns, ax=ax, title=title)
