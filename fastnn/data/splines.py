"""The basis functions of uniform cubic B-splines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cubic_b_spline(controls: int, pixels: int) -> NDArray[np.float64]:
    """Return six times the weight of each control point at the middle of each pixel of a line.

    Parameters
    ----------
    controls : int, at least 4
        The number of control points, spaced evenly; the line spans `controls` - 3 of their intervals.
    pixels : int

    Returns
    -------
    ndarray, shape (controls, pixels), float64
        Columns sum to 6: the factor makes the coefficients of the polynomials whole numbers.

    Examples
    --------
    >>> from fastnn.data.splines import cubic_b_spline
    >>> cubic_b_spline(4, 1).ravel().tolist()
    [0.125, 2.875, 2.875, 0.125]
    """
    knots = (np.arange(pixels) + 0.5) * ((controls - 3) / pixels)
    cell = knots.astype(np.int64)
    f = knots - cell
    polynomials = [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3]
    basis = np.zeros((controls, pixels))
    for i, polynomial in enumerate(polynomials):
        basis[cell + i, np.arange(pixels)] = polynomial
    return basis
