"""The input weights of units as images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import image_axes
from fastnn.plots.tiles import columns_for, mosaic, tile_corner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE = 1.05  # inches
_SHOWN = 0.995  # share of the weights inside the grey scale; the few outside are black or white
_GAP_SHARE = 0.3  # height of the space for a name, as a share of the height of a tile


def weight_images(
    w: ArrayLike,
    shape: Sequence[int],
    *,
    names: Sequence[str] | None = None,
    columns: int | None = None,
    ax: Axes | None = None,
    title: str | None = "Weights",
) -> Figure:
    """Draw the input weights of units as grey images, or as the positive and negative parts of colour images.

    Parameters
    ----------
    w : (D, K) array_like, real
        Weights, with one column for each unit; D is the product of `shape`.
    shape : (H, W) or (3, H, W)
        Shape of the image that a column forms: a grey image, or the three channels of a colour image.
    names : sequence of K str, optional
        Text above each unit, by default "unit 0" and so on.
    columns : int, optional
        Units in a row, by default at most ten for grey and five for colour images.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    Grey images share one scale, which is symmetric about zero. Zero is the grey of the frame, white is positive. The
    scale spans 99.5 % of the weights, so that a few large weights do not hide the others.

    A colour image shows the positive weights on the left and the magnitudes of the negative weights on the right,
    both on the scale of the unit: a unit that red inputs activate is red on the left.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.plots import weight_images
    >>> figure = weight_images(np.eye(16), (4, 4))
    >>> len(figure.axes[0].images)
    1
    """
    weights = np.asarray(w, np.float64)
    shape = tuple(int(n) for n in shape)
    if weights.ndim != 2 or weights.size == 0 or len(shape) not in (2, 3) or weights.shape[0] != np.prod(shape):
        raise ValueError(
            f"weight_images: w must have shape (D, K) with D = {' x '.join(map(str, shape))}, got {weights.shape}"
        )
    if len(shape) == 3 and shape[0] != 3:
        raise ValueError(f"weight_images: shape must be (H, W) or (3, H, W), got {shape}")
    count = weights.shape[1]
    if names is not None and len(names) != count:
        raise ValueError(f"weight_images: names must have one entry for each of {count} units, got {len(names)}")
    tiles = weights.T.reshape(count, *shape)
    if len(shape) == 2:
        largest = float(np.quantile(np.abs(tiles), _SHOWN)) or float(np.abs(tiles).max()) or 1.0
        shown, blank = 0.5 + tiles / (2 * largest), 0.5
    else:
        largest_each = np.abs(tiles).max(axis=(1, 2, 3), keepdims=True)
        unit = (tiles / np.where(largest_each > 0, largest_each, 1.0)).transpose(0, 2, 3, 1)
        middle = np.ones((count, shape[1], 1, 3))
        shown, blank = np.concatenate([np.maximum(unit, 0), middle, np.maximum(-unit, 0)], axis=2), 1.0
    height, width = shown.shape[1:3]
    columns = columns_for(count, columns, 10 if len(shape) == 2 else 5)
    rows = -(-count // columns)
    lines = 1 + max((name.count("\n") for name in names or ()), default=0)
    share = _GAP_SHARE * (1 + lines) / 2
    gap = max(2, round(share * height))
    whole = mosaic(shown, columns, blank, gap)
    across = _TILE * width / height
    figure, axes = image_axes(ax, max(3.0, columns * across * (1 + share) + 0.2), rows * _TILE * (1 + share) + 0.5)
    axes.imshow(whole, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
    for k in range(count):
        left, top = tile_corner(k, columns, height, width, gap)
        name = f"unit {k}" if names is None else names[k]
        axes.text(left + width / 2, top - 0.04 * height, name, ha="center", va="bottom", fontsize=7)
    axes.set_ylim(whole.shape[0] - 0.5, -gap)
    if title is not None:
        axes.set_title(title)
    if len(shape) == 2:
        axes.set_xlabel(f"black −{largest:.2g}, grey 0, white +{largest:.2g}", fontsize=8)
    else:
        axes.set_xlabel("left: positive weights, right: negative weights (magnitudes)", fontsize=8)
    return figure
