"""The error of finite differences against the step size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import figure_and_axes, finish, line_style

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
        Step sizes, or a sweep, which contains its errors.
    errors : (S,) array_like, or dict of name to (S,) array_like, optional
        Errors for one line, or for several lines with a legend. None for a sweep.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None
        Title of the axes; None leaves the title unchanged.
    ylabel : str, optional
        Label of the error axis, with its unit. The default is max|analytic - numeric| for a sweep with absolute
        errors, and this divided by max|numeric| otherwise.

    Returns
    -------
    matplotlib Figure
        Use ``matplotlib.pyplot.close`` to close it if you draw many.

    Raises
    ------
    ValueError
        If there are no errors, if there are both a sweep and errors, if lengths differ, or if a step or an error is
        negative.

    Notes
    -----
    The line is interrupted where the error is exactly zero, which a logarithmic axis cannot show. The largest step is
    on the left, as in the tables.

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
            raise ValueError("gradcheck_error: errors must be None for a sweep, which contains its errors")
        relative = steps.relative
        errors = {"forward differences": steps.forward_errors, "central differences": steps.central_errors}
        steps = steps.steps
    if errors is None:
        raise ValueError("gradcheck_error: errors must be given for an array of steps")
    h = _numbers("steps", steps)
    lines = {
        name: _numbers(f"errors {name!r}" if name else "errors", values)
        for name, values in (errors.items() if isinstance(errors, Mapping) else [("", errors)])
    }
    for name, values in lines.items():
        if len(values) != len(h):
            raise ValueError(f"gradcheck_error: errors {name!r} must have length {len(h)}, as steps, got {len(values)}")
    figure, ax = figure_and_axes(ax)
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
    return figure


def _numbers(name: str, values: ArrayLike) -> np.ndarray[Any, np.dtype[np.float64]]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"gradcheck_error: {name} must be a list of numbers, got shape {array.shape}")
    if (array < 0).any():
        raise ValueError(f"gradcheck_error: {name} must not be negative, got {array.min()}")
    return array
