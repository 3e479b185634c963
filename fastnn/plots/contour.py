"""Contours of a function of two weights, with the paths of descents over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.plots.style import figure_and_axes, finish, line_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def cost_grid(cost: Callable[[float, float], float], x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Evaluate a function of two numbers on a grid.

    Parameters
    ----------
    cost : callable
        ``cost(x, y) -> float``.
    x : (A,) array_like
        Values of the first number.
    y : (B,) array_like
        Values of the second number.

    Returns
    -------
    (A, B) float64 array
        Element (i, j) is ``cost(x[i], y[j])``, the order that `contour` expects.

    Examples
    --------
    >>> from fastnn.plots import cost_grid
    >>> cost_grid(lambda x, y: 10 * x + y, [1, 2], [3, 4, 5])
    array([[13., 14., 15.],
           [23., 24., 25.]])
    """
    return np.array([[cost(float(a), float(b)) for b in np.asarray(y)] for a in np.asarray(x)], np.float64)


def contour(
    x: ArrayLike,
    y: ArrayLike,
    cost: ArrayLike,
    paths: Mapping[str, ArrayLike] | None = None,
    *,
    xlabel: str = "weight 1",
    ylabel: str = "weight 2",
    levels: int = 20,
    ax: Axes | None = None,
    title: str | None = "Cost over two weights",
) -> Figure:
    """Draw contours of a cost over two weights, and paths over them.

    Parameters
    ----------
    x : (A,) array_like
        Values of the weight on the horizontal axis, increasing.
    y : (B,) array_like
        Values of the weight on the vertical axis, increasing.
    cost : (A, B) array_like
        Element (i, j) belongs to the point (x[i], y[j]), as in the result of `cost_grid`. Matplotlib expects the
        transpose; this function transposes it.
    paths : dict of name to (S, 2) array_like, optional
        Successive points (x, y) of each descent, of which the first is marked by a ring.
    xlabel, ylabel : str
        Labels with units.
    levels : int
        Number of contours. They are evenly spaced in the square root of the height above the lowest point, which
        makes a valley visible.
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

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.plots import contour, cost_grid
    >>> x = y = np.linspace(-1, 1, 21)
    >>> bowl = cost_grid(lambda a, b: (a - 0.5) ** 2 + 3 * b**2, x, y)
    >>> figure = contour(x, y, bowl, {"straight": [[-1, 0], [0.5, 0]]})
    >>> [line.get_label() for line in figure.axes[0].get_lines()][0]
    'straight'
    """
    across, up, heights = (np.asarray(values, np.float64) for values in (x, y, cost))
    if across.ndim != 1 or up.ndim != 1 or heights.shape != (across.size, up.size):
        raise ValueError(
            f"contour: cost must have shape (len(x), len(y)) = ({across.size}, {up.size}), got {heights.shape}"
        )
    figure, ax = figure_and_axes(ax)
    low, high = float(heights.min()), float(heights.max())
    steps = low + (high - low) * np.linspace(0, 1, levels + 1)[1:] ** 2
    lines: Any = ax.contour(across, up, heights.T, levels=np.unique(steps), colors="0.6", linewidths=0.8)
    if len(lines.levels) > 2:
        ax.clabel(lines, lines.levels[2::4], fontsize=7, fmt="%.5g")
    for k, (name, path) in enumerate((paths or {}).items()):
        points = np.asarray(path, np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"contour: path {name!r} must have shape (S, 2), got {points.shape}")
        ax.plot(points[:, 0], points[:, 1], label=name, **(line_style(k, 1) | {"markersize": 4}))
        ax.plot(*points[0], marker="o", markersize=11, markerfacecolor="none", markeredgecolor="black")
    finish(ax, xlabel=xlabel, ylabel=ylabel, title=title)
    ax.set_xlim(float(across[0]), float(across[-1]))
    ax.set_ylim(float(up[0]), float(up[-1]))
    return figure
