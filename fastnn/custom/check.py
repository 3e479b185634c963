"""Checks of derivatives at a grid of points, before a function is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Function = Callable[..., Any]

GRID = tuple(dict.fromkeys((*(k / 8 for k in range(-48, 49)), *(k * 0.15 for k in range(-6, 7)), -30.0, 30.0)))
_STEP = 1e-5
_TOLERANCE = 1e-5  # relative to the size of the derivative, of the function and of 1
_KINK = 1e-3  # a difference of the slopes on both sides beyond this is a kink


def central_difference(function: Function, x: float, *rest: float) -> float:
    """The central difference of a function of one number, and of others that stay."""
    step = _STEP * max(1.0, abs(x))
    return float((function(x + step, *rest) - function(x - step, *rest)) / (2 * step))


def check_derivative(
    owner: str, function: Function, derivative: Function, points: Sequence[float] = GRID, *rest: float
) -> tuple[float, ...]:
    """Compare a derivative with differences at some points.

    Parameters
    ----------
    owner : str
        Begins the message of an error.
    function, derivative : callable
        Of a number and `rest`.
    points : sequence of float
    *rest : float
        The other arguments.

    Returns
    -------
    tuple of float
        The points at which the function has a kink or a jump; there the derivative may be that of either side.

    Raises
    ------
    ValueError
        If the derivative is wrong, with the point and both values; or if the function gives NaN everywhere.
    """
    kinks: list[float] = []
    finite = 0
    with np.errstate(all="ignore"):
        for point in points:
            x = np.float64(point)
            step = _STEP * max(1.0, abs(point))
            here, above, below = (np.float64(function(np.float64(v), *rest)) for v in (x, x + step, x - step))
            given = float(derivative(x, *rest))
            if not np.isfinite([here, above, below]).all():
                continue
            finite += 1
            right, left, difference = (above - here) / step, (here - below) / step, (above - below) / (2 * step)
            size = max(1.0, abs(difference), abs(here))
            if abs(given - difference) <= _TOLERANCE * size:
                continue
            if abs(right - left) > _KINK * size:
                kinks.append(float(point))
                continue
            raise ValueError(
                f"{owner}: derivative: expected {difference:.6g} at {point:g}, as differences of the function give it, "
                f"got {given:.6g}"
            )
    if finite == 0:
        raise ValueError(f"{owner}: expected a function that gives finite numbers, got NaN or infinity at every point")
    return tuple(kinks)
