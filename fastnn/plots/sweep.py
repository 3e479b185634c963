"""A figure of merit against what was varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.plots.style import figure_of, finish, line_style, new_figure, percent_ticks, value_ticks, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 6  # values on a linear axis that have a tick each


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
        Numbers make an axis of numbers; words stand side by side, as points.
    results : (S,) array_like, or dict of name to (S,) array_like
        One line, or several with a legend. NaN leaves a point out.
    xlabel, ylabel : str
        Labels with units.
    percent : bool, default True
        The results are fractions, shown in per cent.
    log : bool, default False
        A logarithmic axis of values.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no values, or a line has another number of results.

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
    figure = None
    if ax is None:
        figure, (ax,) = new_figure()
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
    return figure or figure_of(ax)
