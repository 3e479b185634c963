"""Many images as tiles of one array, from which the pictures of many images are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 2  # pixels between two tiles


def as_images(function: str, images: ArrayLike) -> NDArray[Any]:
    """Convert images (N, H, W), (N, H, W, 3) or (N, 3, H, W) to (N, H, W) or (N, H, W, 3).

    Raises
    ------
    ValueError
        If the images have another shape, or there are none.
    """
    array = np.asarray(images)
    if array.ndim == 4 and array.shape[-1] != 3 and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[-1] != 3) or array.size == 0:
        raise ValueError(
            f"{function}: images must have shape (N, H, W), (N, H, W, 3) or (N, 3, H, W), got {np.shape(images)}"
        )
    return array


def columns_for(count: int, columns: int | None, widest: int = 10) -> int:
    """Return the number of tiles in a row."""
    return max(1, min(count, widest) if columns is None else columns)


def mosaic(images: NDArray[Any], columns: int, blank: float, gap: int = GAP) -> NDArray[Any]:
    """Arrange images (N, H, W[, 3]) in rows, with `gap` pixels of the value `blank` between them."""
    count, height, width = images.shape[:3]
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *images.shape[3:])
    whole = np.full(shape, blank, np.result_type(images.dtype, np.float32))
    for k, image in enumerate(images):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        whole[top : top + height, left : left + width] = image
    return whole


def tile_corner(k: int, columns: int, height: int, width: int, gap: int = GAP) -> tuple[int, int]:
    """Return the left and the top pixel of tile `k`."""
    return k % columns * (width + gap), k // columns * (height + gap)


def frame_tiles(ax: Axes, count: int, columns: int, height: int, width: int, gap: int = GAP) -> None:
    """Draw a hairline around every tile, so that the edge of an image is visible where it is white."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    corners = [tile_corner(k, columns, height, width, gap) for k in range(count)]
    frames = [Rectangle((left - 0.5, top - 0.5), width, height) for left, top in corners]
    ax.add_collection(
        PatchCollection(frames, facecolor="none", edgecolor="0.6", linewidth=0.4, clip_on=False), autolim=False
    )
