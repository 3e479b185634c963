"""Many images in one, to be shown by ``plt.imshow``."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from fastnn.compat.cs231n.arrays import Array

__all__ = ["vis_grid", "vis_nn", "visualize_grid"]


def visualize_grid(Xs: Array, ubound: float = 255.0, padding: int = 1) -> Array:
    """Return images (N, H, W, C) in a square grid on black; each is scaled to 0 … `ubound` by its own extremes."""
    n, height, width, channels = np.shape(Xs)
    side = ceil(sqrt(n))
    return _filled(
        [_stretched(image, ubound) for image in np.asarray(Xs)], (side, side), (height, width, channels), padding, 0.0
    )


def vis_grid(Xs: Array) -> Array:
    """Return images (N, H, W, C) in a square grid, scaled together to 0 … 1, with black lines between them."""
    images = np.asarray(Xs, np.float64)
    side = ceil(sqrt(len(images)))
    return _stretched(_filled(list(images), (side, side), images.shape[1:], 1, float(images.min(initial=0.0))), 1.0)


def vis_nn(rows: Sequence[Sequence[Array]]) -> Array:
    """Return rows of images (H, W, C) in a grid, scaled together to 0 … 1, with black lines between them."""
    images = [np.asarray(image, np.float64) for row in rows for image in row]
    least = min(float(image.min()) for image in images)
    return _stretched(_filled(images, (len(rows), len(rows[0])), images[0].shape, 1, least), 1.0)


def _stretched(image: Array, ubound: float) -> Array:
    low, high = image.min(), image.max()
    return np.asarray(ubound * (image - low) / (high - low if high > low else 1.0))


def _filled(
    images: Sequence[Array], grid: tuple[int, int], shape: tuple[int, ...], padding: int, empty: float
) -> Array:
    """The images row by row, `padding` pixels apart; places without an image have the value `empty`."""
    height, width, channels = shape
    pitch = height + padding, width + padding
    out = np.full((grid[0] * pitch[0] - padding, grid[1] * pitch[1] - padding, channels), empty)
    for place, image in enumerate(images):
        top, left = place // grid[1] * pitch[0], place % grid[1] * pitch[1]
        out[top : top + height, left : left + width] = image
    return out
