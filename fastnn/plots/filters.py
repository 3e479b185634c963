"""The filters of a convolution as small images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import image_axes
from fastnn.plots.tiles import columns_for, frame_tiles, mosaic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def filters(
    w: ArrayLike, *, columns: int | None = None, ax: Axes | None = None, title: str | None = "Filters"
) -> Figure:
    """Draw the filters of a convolution.

    Parameters
    ----------
    w : (F, C, H, W) array_like, real
        The weights. A filter with three channels is drawn as one colour image. Otherwise each filter has its own row
        with one grey image for each channel, or sixteen filters share a row if there is only one channel.
    columns : int, optional
        Images in a row.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If `w` has another shape.

    Notes
    -----
    Each filter is scaled by its largest magnitude. Mid-grey is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.plots import filters
    >>> figure = filters(np.ones((8, 3, 5, 5)))
    >>> figure.axes[0].get_title()
    'Filters'
    """
    weights = np.asarray(w, np.float64)
    if weights.ndim != 4 or weights.size == 0:
        raise ValueError(f"filters: w must have shape (F, C, H, W), got {weights.shape}")
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    scaled = 0.5 + weights / np.where(largest > 0, 2 * largest, 1.0)
    if weights.shape[1] == 3:
        tiles, across = scaled.transpose(0, 2, 3, 1), columns_for(len(weights), columns, 16)
    else:
        tiles = scaled.reshape(-1, *weights.shape[2:])
        across = columns_for(len(tiles), columns or (None if weights.shape[1] == 1 else weights.shape[1]), 16)
    whole = mosaic(tiles, across, 1.0, 1)
    side = 0.4
    figure, axes = image_axes(
        ax, max(3.0, across * side + 0.2), -(-len(tiles) // across) * side * weights.shape[2] / weights.shape[3] + 0.6
    )
    axes.imshow(whole, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    frame_tiles(axes, len(tiles), across, weights.shape[2], weights.shape[3], 1)
    axes.set_xlabel("each filter on its own scale, mid-grey is 0", fontsize=8)
    if title is not None:
        axes.set_title(title)
    return figure
