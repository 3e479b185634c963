"""Images in rows and columns, with a caption above each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import image_axes
from fastnn.plots.tiles import as_images, columns_for, frame_tiles, mosaic, tile_corner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE = 0.72  # inches
_WORD = 0.16  # inches, the height of a line of text


def image_grid(
    images: ArrayLike,
    words: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    marked: ArrayLike | None = None,
    ax: Axes | None = None,
    title: str | None = "Images",
    row_names: Sequence[str] | None = None,
) -> Figure:
    """Draw images in a grid.

    Parameters
    ----------
    images : (N, H, W), (N, H, W, 3) or (N, 3, H, W) array_like, real
        The images. For grey images black is the smallest value of all and white the largest; the values of colour
        images must be in 0 ... 1 or 0 ... 255.
    words : sequence of N str, optional
        Text above each image.
    columns : int, optional
        Images in a row, by default at most ten.
    marked : (N,) array_like of bool, optional
        Whether to frame each image and set its text in bold.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None
    row_names : sequence of str, optional
        Text to the left of each row.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the images have another shape, or the number of words or marks differs from that of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.plots import image_grid
    >>> figure = image_grid(np.zeros((12, 28, 28)), [str(k) for k in range(12)])
    >>> len(figure.axes[0].texts)
    12
    """
    shown = as_images("image_grid", images)
    count, height, width = shown.shape[:3]
    marks = np.zeros(count, bool) if marked is None else np.asarray(marked, bool)
    for name, given in (("words", words), ("marked", marks)):
        if given is not None and len(given) != count:
            raise ValueError(f"image_grid: {name} must have one entry for each of {count} images, got {len(given)}")
    columns = columns_for(count, columns)
    rows = -(-count // columns)
    lines = 0 if words is None else 1 + max(word.count("\n") for word in words)
    gap = 2 if words is None else max(2, round((_WORD * lines + 0.08) / _TILE * height))
    colour = shown.ndim == 4
    scale = 255.0 if colour and shown.max() > 1 else 1.0
    low, high = float(shown.min()), float(shown.max())
    whole = mosaic(shown / scale, columns, 1.0 if colour else np.nan, gap)
    shape = (columns * _TILE * (1 + gap / width) + 0.3, rows * _TILE * height / width * (1 + gap / height) + 0.6)
    figure, axes = image_axes(ax, max(3.0, shape[0]), shape[1])
    grey: dict[str, Any] = {} if colour else {"cmap": "gray", "vmin": low, "vmax": high}
    axes.imshow(whole, interpolation="nearest", **grey)
    frame_tiles(axes, count, columns, height, width, gap)
    for k, word in enumerate(words or ()):
        left, top = tile_corner(k, columns, height, width, gap)
        axes.text(
            left + width / 2 - 0.5,
            top - 0.08 * height,
            word,
            ha="center",
            va="bottom",
            fontsize=7,
            fontweight="bold" if marks[k] else "normal",
        )
    from matplotlib.patches import Rectangle

    for number in np.flatnonzero(marks).tolist():
        left, top = tile_corner(number, columns, height, width, gap)
        frame = Rectangle(
            (left - 1, top - 1), width + 1, height + 1, fill=False, linewidth=1.8, edgecolor="#D55E00", clip_on=False
        )
        axes.add_patch(frame)
    if row_names is not None:
        centres = [tile_corner(row * columns, columns, height, width, gap)[1] + height / 2 for row in range(rows)]
        axes.set_yticks(centres[: len(row_names)], list(row_names)[:rows], fontsize=8)
        axes.tick_params(length=0)
    if words is not None:
        axes.set_ylim(whole.shape[0] - 0.5, -gap)
    if title is not None:
        axes.set_title(title)
    return figure
