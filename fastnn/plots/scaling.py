"""Time against size, beside the slope that a model of the cost gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import figure_of, finish, line_style, new_figure, plain_log_ticks, value_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def scaling(
    sizes: ArrayLike,
    seconds: Mapping[str, ArrayLike],
    models: Mapping[str, ArrayLike] | None = None,
    *,
    xlabel: str,
    logx: bool = True,
    ax: Axes | None = None,
    title: str | None = "Time against size",
) -> Figure:
    """Draw measured times against a size with what a cost model predicts.

    Parameters
    ----------
    sizes : (S,) array_like
    seconds : dict of name to (S,) array_like
        Measured, in seconds; NaN where nothing was measured.
    models : dict of name to (S,) array_like, optional
        Costs in any unit for lines of those names in `seconds`: each is scaled to the last measured point and drawn
        thin, so that its slope can be compared.
    xlabel : str
    logx : bool, default True
        False: a linear axis of sizes, on which exponential growth is straight.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If lengths differ or a model has no measured line.

    Examples
    --------
    >>> from fastnn.plots import scaling
    >>> figure = scaling([1, 2, 4], {"ours": [1e-3, 4e-3, 16e-3]}, {"ours": [1, 4, 16]}, xlabel="units")
    >>> [line.get_label() for line in figure.axes[0].get_lines()]
    ['ours, measured', 'ours, model']
    """
    x = np.asarray(sizes, np.float64)
    figure = None
    if ax is None:
        figure, (ax,) = new_figure()
    unknown = (models or {}).keys() - seconds.keys()
    if unknown:
        raise ValueError(f"scaling: models has {', '.join(unknown)}, which seconds has not")
    for k, (name, measured) in enumerate(seconds.items()):
        y = np.asarray(measured, np.float64)
        model = None if models is None or name not in models else np.asarray(models[name], np.float64)
        if y.shape != x.shape or (model is not None and model.shape != x.shape):
            raise ValueError(f"scaling: {name} must have shape {x.shape}, got {y.shape}")
        style = line_style(k, len(x))
        ax.plot(x, y, label=f"{name}, measured", **(style | {"linestyle": "none", "markersize": 6}))
        there = np.flatnonzero(np.isfinite(y))
        if model is not None and there.size:
            last = there[-1]
            ax.plot(
                x, model * (y[last] / model[last]), label=f"{name}, model", **(style | {"marker": "", "linewidth": 1})
            )
    ax.set_yscale("log")
    if logx:
        ax.set_xscale("log")
    value_ticks(ax, x)
    plain_log_ticks(ax)
    finish(ax, xlabel=xlabel, ylabel="time (s)", title=title)
    return figure or figure_of(ax)
