"""Cubic B-splines: smooth curves through nothing, near their control points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cubic_b_spline"]


def cubic_b_spline(controls: int, pixels: int) -> NDArray[np.float64]:
    """Return how much each of `controls` control points, at least 4, counts at each pixel of a line: six times that.

    Returns
    -------
    ndarray, shape (controls, pixels), float64
        Columns sum to 6, so that the coefficients of the pieces are whole numbers.
    """
    knots = (np.arange(pixels) + 0.5) * ((controls - 3) / pixels)
    cell = knots.astype(np.int64)
    f = knots - cell
    pieces = [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3]
    splines = np.zeros((controls, pixels))
    for i, piece in enumerate(pieces):
        splines[cell + i, np.arange(pixels)] = piece
    return splines
