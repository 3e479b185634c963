"""Features of images by hand: gradients by orientation and a histogram of hues."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fastnn.compat.cs231n.arrays import Array

__all__ = ["color_histogram_hsv", "extract_features", "hog_feature", "rgb2gray"]

_ORIENTATIONS, _CELL = 9, 8  # directions in half a turn; rows and columns of a cell in pixels


def extract_features(imgs: Array, feature_fns: Sequence[Callable[[Array], Array]], verbose: bool = False) -> Array:
    """Return the features (N, F) of images (N, H, W, C): those of all functions, one after the other.

    Raises
    ------
    ValueError
        If a function does not return a row of numbers, or not equally many for all images.
    """
    rows = []
    for number, image in enumerate(imgs):
        parts = [np.asarray(f(np.squeeze(image))) for f in feature_fns]
        if any(part.ndim != 1 for part in parts):
            raise ValueError("extract_features: feature_fns: expected functions whose result has one dimension")
        rows.append(np.concatenate(parts))
        if verbose and number % 1000 == 999:
            print(f"Done extracting features for {number + 1} / {len(imgs)} images")
    return np.stack(rows) if rows else np.zeros((0, 0))


def rgb2gray(rgb: Array) -> Array:
    """Return the gray image (H, W) of an image (H, W, 3), with the hand-out's weights of red, green and blue."""
    # ITU-R BT.601 has 0.114 for blue; the features of the course have been computed with 0.144.
    return np.asarray(np.asarray(rgb)[..., :3] @ np.array([0.299, 0.587, 0.144]))


def hog_feature(im: Array) -> Array:
    """Return a histogram of oriented gradients of an image (H, W) or (H, W, 3).

    Of each cell of 8 × 8 pixels, the mean gradient of the pixels of each of nine directions (Dalal & Triggs,
    "Histograms of oriented gradients for human detection", 2005, without the blocks).
    """
    image = rgb2gray(im) if np.ndim(im) == 3 else np.atleast_2d(np.asarray(im, np.float64))
    gx, gy = np.zeros(image.shape), np.zeros(image.shape)
    gx[:, :-1], gy[:-1] = np.diff(image, axis=1), np.diff(image, axis=0)
    size = np.hypot(gx, gy)
    angle = np.degrees(np.arctan2(gy, gx + 1e-15)) + 90
    bins = np.floor(angle / (180 / _ORIENTATIONS)).astype(int)
    cells = [len(range(_CELL // 2, length, _CELL)) for length in image.shape]
    out = np.zeros((*cells, _ORIENTATIONS))
    missing = [(0, max(0, count * _CELL - length)) for count, length in zip(cells, image.shape, strict=True)]
    for direction in range(_ORIENTATIONS):
        part = np.where((bins == direction) & (angle > 0), size, 0)
        part = np.pad(part, missing, mode="symmetric")[: cells[0] * _CELL, : cells[1] * _CELL]
        means = part.reshape(cells[0], _CELL, cells[1], _CELL).mean(axis=(1, 3))
        out[:, :, direction] = means.T.reshape(cells)
    return out.ravel()


def color_histogram_hsv(
    im: Array, nbin: int = 10, xmin: float = 0, xmax: float = 255, normalized: bool = True
) -> Array:
    """Return how the hues of an image (H, W, 3) with values up to `xmax` are spread over `nbin` bins.

    With `normalized` the shares of the bins, which sum to 1; otherwise the counts times the width of a bin.
    """
    from matplotlib.colors import rgb_to_hsv

    hues = rgb_to_hsv(np.asarray(im) / xmax)[..., 0] * xmax
    counts, edges = np.histogram(hues, bins=np.linspace(xmin, xmax, nbin + 1), density=normalized)
    return np.asarray(counts * np.diff(edges))
