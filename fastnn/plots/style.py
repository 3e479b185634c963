"""What the pictures share: line styles, axes and ticks."""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours after Okabe and Ito (2008), which colour-blind readers can tell apart, in an order in which neighbours differ
# in brightness too.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "x")
_MANY_POINTS = 30
_MOST_TICKS = 12
_SHORT_SPAN = 50  # up to this ratio of its limits a logarithmic axis has plain numbers
_MANY_LINES = 5  # up to this number of lines the legend is inside the axes


def line_style(k: int, points: int) -> dict[str, Any]:
    """Return the keyword arguments of ``Axes.plot`` for line `k`, which has `points` points.

    A line with many points has markers only at every fifteenth of its length.
    """
    return {
        "color": _COLOURS[k % len(_COLOURS)],
        "linestyle": _DASHES[k % len(_DASHES)],
        "marker": _MARKERS[k % len(_MARKERS)],
        "markersize": 4.5,
        "linewidth": 1.5,
        "markevery": max(1, points // 15) if points > _MANY_POINTS else 1,
    }


def new_figure(panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a new figure and its axes, which are side by side."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, panels, figsize=(6.0 if panels == 1 else 4.8 * panels, 4.0), layout="constrained", squeeze=False
    )
    return shown_once(figure), list(axes[0])


def shown_once(figure: Figure) -> Figure:
    """Return `figure`, of which a notebook shows one picture where it is the value of a cell.

    The notebook draws the value of a cell, and its backend draws every open figure at the end of the cell. A figure
    that is both would be there twice, so that it is closed when it is displayed for the first time.
    """
    import matplotlib

    if "inline" in matplotlib.get_backend():
        figure._ipython_display_ = _Once(figure)  # type: ignore[attr-defined]
    return figure


class _Once:
    """Displays a figure, once in this way; from then on it is displayed as any other."""

    def __init__(self, figure: Any) -> None:
        self._figure = figure

    def __call__(self) -> None:
        import matplotlib.pyplot as plt

        del self._figure._ipython_display_
        import_module("IPython.display").display(self._figure)
        plt.close(self._figure)


def figure_and_axes(ax: Axes | None) -> tuple[Figure, Axes]:
    """Return `ax` and its figure, or a new figure with one axes if `ax` is None."""
    if ax is not None:
        return figure_of(ax), ax
    figure, (ax,) = new_figure()
    return figure, ax


def figure_of(ax: Axes) -> Figure:
    """Return the figure that contains `ax`, outside all subfigures."""
    figure: Any = ax.figure
    while hasattr(figure, "figure") and figure.figure is not figure:
        figure = figure.figure
    top: Figure = figure
    return shown_once(top)


def finish(ax: Axes, *, xlabel: str, ylabel: str, title: str | None, beside: bool = False) -> None:
    """Label the axes and draw the grid, and a legend if there are several lines (outside the axes if `beside`)."""
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    if title is not None:
        ax.set_title(title)
    ax.grid(True, alpha=0.3)
    named = len(ax.get_legend_handles_labels()[1])
    if len(ax.get_lines()) > 1 and (beside or named > _MANY_LINES) and named:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    elif len(ax.get_lines()) > 1 and named:
        ax.legend()


def render(figure: Figure, kind: str, dpi: int = 150) -> bytes:
    """Return the contents of a file of a figure, "svg", "png" or "pdf". The same figure gives the same bytes."""
    import matplotlib

    file = io.BytesIO()
    without_dates: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    }
    with matplotlib.rc_context({"svg.hashsalt": "fastnn", "svg.fonttype": "path"}):
        figure.savefig(file, format=kind, dpi=dpi, metadata=without_dates[kind])
    return file.getvalue()


def image_axes(ax: Axes | None, width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure and axes without ticks: those of `ax`, or a new figure of that size in inches."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
    return figure_of(ax), ax


def whole_ticks(ax: Axes, x: Any) -> None:
    """Put the ticks of the horizontal axis at whole numbers only, if all of `x` are whole."""
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    if (np.asarray(x) == np.round(x)).all():
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9, steps=[1, 2, 5, 10], min_n_ticks=1))


def value_ticks(ax: Axes, x: Any) -> None:
    """Put a tick with a plain number at each value of `x`, if there are few."""
    from matplotlib.ticker import NullLocator

    if len(x) <= _MOST_TICKS:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.xaxis.set_minor_locator(NullLocator())


def percent_ticks(ax: Axes) -> None:
    """Show fractions on the vertical axis in per cent, with no more decimals than its ticks need."""
    from matplotlib.ticker import FuncFormatter

    def text(value: float, _: int | None = None) -> str:
        ticks = [100 * tick for tick in ax.get_yticks()]
        decimals = next((d for d in range(6) if all(abs(tick - round(tick, d)) < 1e-9 for tick in ticks)), 6)
        return f"{100 * value:.{decimals}f}"

    ax.yaxis.set_major_formatter(FuncFormatter(text))


def plain_log_ticks(ax: Axes) -> None:
    """Show plain numbers, not 6 × 10⁻¹, on a logarithmic vertical axis of less than about two decades."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = ax.get_ylim()
    if high < _SHORT_SPAN * low:
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
