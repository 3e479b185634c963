"""Time against size, compared with the slope of a cost model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import figure_and_axes, finish, line_style, plain_log_ticks, value_ticks

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
    """Draw measured times against a size, with the predictions of cost models.

    Parameters
    ----------
    sizes : (S,) array_like
        Sizes on the horizontal axis.
    seconds : dict of name to (S,) array_like
        Measured times in seconds, NaN where nothing was measured.
    models : dict of name to (S,) array_like, optional
        Costs in any unit, under the names of `seconds`. Each is scaled to the last measured point and drawn as a thin
        line, so that the slopes can be compared.
    xlabel : str
        Label of the sizes, with their unit.
    logx : bool, default True
        Use a logarithmic axis of sizes. On a linear axis exponential growth is a straight line.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
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
    unknown = (models or {}).keys() - seconds.keys()
    if unknown:
        raise ValueError(f"scaling: models has {', '.join(unknown)}, which seconds does not have")
    figure, ax = figure_and_axes(ax)
    for k, (name, measured) in enumerate(seconds.items()):
        y = np.asarray(measured, np.float64)
        model = None if models is None or name not in models else np.asarray(models[name], np.float64)
        if y.shape != x.shape or (model is not None and model.shape != x.shape):
            raise ValueError(f"scaling: {name} must have shape {x.shape}, got {y.shape}")
        style = line_style(k, len(x))
        ax.plot(x, y, label=f"{name}, measured", **(style | {"linestyle": "none", "markersize": 6}))
        finite = np.flatnonzero(np.isfinite(y))
        if model is not None and finite.size:
            last = finite[-1]
            ax.plot(
                x, model * (y[last] / model[last]), label=f"{name}, model", **(style | {"marker": "", "linewidth": 1})
            )
    ax.set_yscale("log")
    if logx:
        ax.set_xscale("log")
    value_ticks(ax, x)
    plain_log_ticks(ax)
    finish(ax, xlabel=xlabel, ylabel="time (s)", title=title)
    return figure
