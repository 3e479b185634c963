"""Error of finite differences against the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import figure_of, finish, line_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def gradcheck_error(
    steps: Any,
    errors: ArrayLike | Mapping[str, ArrayLike] | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = "Error of finite differences",
    ylabel: str | None = None,
) -> Figure:
    """Draw the error of finite differences against the step size, log-log.

    Parameters
    ----------
    steps : (S,) array_like, or GradCheckSweep
        Step sizes; or a sweep, which brings its errors along.
    errors : (S,) array_like, or dict of name to (S,) array_like, optional
        One line, or several with a legend. Not with a sweep.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    title : str or None
        Title of the axes; None leaves it.
    ylabel : str, optional
        Label of the error axis, with its unit. Unless given: max|analytic - numeric| for a
        sweep with absolute errors, the same divided by max|numeric| for others.

    Returns
    -------
    matplotlib Figure
        Close it with ``matplotlib.pyplot.close`` when many are made.

    Raises
    ------
    ValueError
        If there are no errors, there are both a sweep and errors, lengths differ, or a step or an
        error is negative.

    Notes
    -----
    An error of exactly zero has no place on a logarithmic axis: the line is interrupted there. The
    largest step is on the left, as the tables have it.

    Examples
    --------
    >>> from fastnn.plots import gradcheck_error
    >>> figure = gradcheck_error([1e-1, 1e-2, 1e-3], {"central": [1e-3, 1e-5, 1e-7]})
    >>> figure.axes[0].get_xscale(), figure.axes[0].get_yscale()
    ('log', 'log')
    """
    relative = True
    if hasattr(steps, "central_errors"):
        if errors is not None:
            raise ValueError("gradcheck_error: a sweep brings its errors along, errors must be None")
        relative = steps.relative
        errors = {"forward differences": steps.forward_errors, "central differences": steps.central_errors}
        steps = steps.steps
    if errors is None:
        raise ValueError("gradcheck_error: errors must be given with steps")
    h = _numbers("steps", steps)
    lines = {
        name: _numbers(f"errors {name!r}" if name else "errors", values)
        for name, values in (errors.items() if isinstance(errors, Mapping) else [("", errors)])
    }
    for name, values in lines.items():
        if len(values) != len(h):
            raise ValueError(f"gradcheck_error: errors {name!r} must be as many as steps, {len(h)}, got {len(values)}")
    figure = None
    if ax is None:
        figure, (ax,) = new_figure()
    for k, (name, values) in enumerate(lines.items()):
        shown = np.where(values > 0, values, np.nan)
        ax.plot(h, shown, label=name or None, **line_style(k, len(h)))
    ax.set_xscale("log")
    ax.set_yscale("log")
    if not ax.xaxis_inverted():
        ax.invert_xaxis()
    if ylabel is None:
        ylabel = "max |analytic − numeric|" + (" / max |numeric|" if relative else "")
    finish(ax, xlabel="step h (in units of the checked array)", ylabel=ylabel, title=title)
    return figure or figure_of(ax)


def _numbers(name: str, values: ArrayLike) -> np.ndarray[Any, np.dtype[np.float64]]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"gradcheck_error: {name} must be a list of numbers, got shape {array.shape}")
    if (array < 0).any():
        raise ValueError(f"gradcheck_error: {name} must not be negative, got {array.min()}")
    return array
