"""Images side by side in one array: what every picture of many images is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GAP = 2  # pixels between two tiles


def as_images(function: str, images: ArrayLike) -> NDArray[Any]:
    """Images (N, H, W), (N, H, W, 3) or (N, 3, H, W) as (N, H, W) or (N, H, W, 3).

    Raises
    ------
    ValueError
        If they have another shape, or there are none.
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
    """How many tiles stand in a row."""
    return max(1, min(count, widest) if columns is None else columns)


def mosaic(images: NDArray[Any], columns: int, blank: float, gap: int = GAP) -> NDArray[Any]:
    """Images (N, H, W[, 3]) in rows, `gap` pixels of `blank` between them."""
    count, height, width = images.shape[:3]
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, *images.shape[3:])
    whole = np.full(shape, blank, np.result_type(images.dtype, np.float32))
    for k, image in enumerate(images):
        top, left = k // columns * (height + gap), k % columns * (width + gap)
        whole[top : top + height, left : left + width] = image
    return whole


def place(k: int, columns: int, height: int, width: int, gap: int = GAP) -> tuple[int, int]:
    """Left and top pixel of tile `k`."""
    return k % columns * (width + gap), k // columns * (height + gap)


def frame_tiles(ax: Axes, count: int, columns: int, height: int, width: int, gap: int = GAP) -> None:
    """A hairline around every tile: images that are white at an edge end there too."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    corners = [place(k, columns, height, width, gap) for k in range(count)]
    frames = [Rectangle((left - 0.5, top - 0.5), width, height) for left, top in corners]
    ax.add_collection(
        PatchCollection(frames, facecolor="none", edgecolor="0.6", linewidth=0.4, clip_on=False), autolim=False
    )
