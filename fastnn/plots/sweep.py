"""Results against the values of a setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.plots.style import figure_and_axes, finish, line_style, percent_ticks, value_ticks, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 6  # up to this number of values on a linear axis each has a tick


def sweep(
    values: Sequence[object] | NDArray[Any],
    results: ArrayLike | Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str = "accuracy (%)",
    percent: bool = True,
    log: bool = False,
    ax: Axes | None = None,
    title: str | None = "Sweep",
) -> Figure:
    """Draw results against the values that were tried.

    Parameters
    ----------
    values : sequence of S numbers or str
        The values that were tried. Numbers are drawn on a numeric axis and connected by lines, strings side by side
        as separate points.
    results : (S,) array_like, or dict of name to (S,) array_like
        Results for one line, or for several lines with a legend. Points that are NaN are left out.
    xlabel, ylabel : str
        Labels with units.
    percent : bool, default True
        Show the results, which are fractions, in per cent.
    log : bool, default False
        Use a logarithmic axis of values.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no values, or a line does not have one result for each value.

    Examples
    --------
    >>> from fastnn.plots import sweep
    >>> figure = sweep([8, 16, 32], {"test": [0.7, 0.8, 0.85]}, xlabel="hidden units")
    >>> figure.axes[0].get_xlabel()
    'hidden units'
    """
    words = any(isinstance(value, str) for value in values)
    x = np.arange(len(values)) if words else np.asarray(values, np.float64)
    lines = dict(results) if isinstance(results, Mapping) else {"": results}
    if len(values) == 0:
        raise ValueError("sweep: values must not be empty")
    figure, ax = figure_and_axes(ax)
    for k, (name, result) in enumerate(lines.items()):
        y = np.asarray(result, np.float64)
        if y.shape != (len(values),):
            raise ValueError(f"sweep: {name or 'results'} must have shape ({len(values)},), got {y.shape}")
        style = line_style(k, len(x))
        ax.plot(x, y, label=name or None, **(style | {"linestyle": "none", "markersize": 7} if words else style))
    if words:
        turn = max(len(str(value)) for value in values) * len(values) > 60
        ax.set_xticks(x, [str(value) for value in values], rotation=30 if turn else 0, ha="right" if turn else "center")
        ax.set_xlim(-0.5, len(values) - 0.5)
    elif log:
        ax.set_xscale("log")
        value_ticks(ax, x)
    elif len(x) <= _FEW:
        value_ticks(ax, x)
    else:
        whole_ticks(ax, x)
    if percent:
        percent_ticks(ax)
    finish(ax, xlabel=xlabel, ylabel=ylabel, title=title, beside=words)
    return figure
