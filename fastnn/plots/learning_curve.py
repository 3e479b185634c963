"""Loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.plots.style import figure_of, finish, line_style, new_figure, percent_ticks, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The prefix of a column of a history, and the set on which it was measured.
_SETS = {"": "training", "train_": "training", "val_": "validation", "test_": "test"}
_METRICS = ("loss", "accuracy")


def learning_curve(
    history: Any,
    *,
    metric: str | None = None,
    ax: Axes | None = None,
    title: str | None = "Learning curve",
    loss_unit: str | None = "nats",
    xlabel: str = "epoch",
) -> Figure:
    """Draw loss and accuracy by epoch for every set in a history.

    Parameters
    ----------
    history : History, list of dict, dict of str to (E,) array, or (E,) array
        The history of a trainer, or its epochs, or columns with the same names: ``loss`` and ``accuracy``, with the
        prefix ``val_`` or ``test_`` for the other sets, and optionally ``epoch``. An array holds the training losses.
    metric : {"loss", "accuracy"}, optional
        What to draw. By default each metric in the history has its own panel; if `ax` is given, only the first is
        drawn.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
    title : str or None
        Title; None leaves the title unchanged.
    loss_unit : str or None, default "nats"
        Unit of the loss; "nats" is that of cross-entropy. None for a loss without a unit.
    xlabel : str, default "epoch"
        What the rows of the history are, such as ``"iteration"``. They are numbered from 1 if there is no ``epoch``
        column.

    Returns
    -------
    matplotlib Figure
        Use ``matplotlib.pyplot.close`` to close it if you draw many.

    Raises
    ------
    TypeError
        If `history` is none of these.
    ValueError
        If the history is empty or does not have the metric, or columns differ in length.

    Notes
    -----
    Accuracies are fractions, as in a history; the axis shows them in per cent. Missing values (None, NaN) are left out
    of a line.

    Examples
    --------
    >>> from fastnn.plots import learning_curve
    >>> figure = learning_curve({"loss": [2.0, 1.0, 0.5], "val_loss": [2.1, 1.3, 1.1]})
    >>> [line.get_label() for line in figure.axes[0].get_lines()]
    ['training', 'validation']
    """
    columns = _columns(history)
    found = {m: lines for m in _METRICS if (lines := _lines(columns, m))}
    if metric is not None:
        if metric not in found:
            raise ValueError(
                f"learning_curve: metric must be one in the history ({', '.join(found) or 'none'}), got {metric!r}"
            )
        found = {metric: found[metric]}
    if not found:
        raise ValueError(f"learning_curve: history has no loss and no accuracy, only {list(columns)}")
    figure = None
    if ax is None:
        figure, axes = new_figure(len(found))
    else:
        axes = [ax]
    x = columns.get("epoch", np.arange(1.0, 1 + len(next(iter(columns.values())))))
    for panel, (name, lines) in zip(axes, found.items(), strict=False):
        for k, (label, y) in enumerate(lines.items()):
            finite = np.isfinite(y)
            panel.plot(x[finite], y[finite], label=label, **line_style(k, int(finite.sum())))
        unit = {"loss": f" ({loss_unit})" if loss_unit else "", "accuracy": " (%)"}[name]
        _scale(panel, name, x)
        finish(panel, xlabel=xlabel, ylabel=name + unit, title=None if len(found) > 1 and ax is None else title)
        if len(lines) == 1:
            panel.legend()  # names the set
    if figure is not None and len(axes) > 1 and title is not None:
        figure.suptitle(title)
    return figure or figure_of(axes[0])


def _columns(history: Any) -> dict[str, NDArray[np.float64]]:
    """Return the columns of the history as arrays of equal length, with NaN for missing values."""
    table = getattr(history, "epochs", history)
    if isinstance(table, Mapping):
        raw = dict(table)
    elif isinstance(table, Sequence) and len(table) > 0 and all(isinstance(row, Mapping) for row in table):
        names = dict.fromkeys(key for row in table for key in row)
        raw = {name: [row.get(name) for row in table] for name in names}
    elif isinstance(table, np.ndarray | Sequence) and not isinstance(table, str | bytes):
        raw = {"loss": table}
    else:
        raise TypeError(
            "learning_curve: history must be a History, its epochs, columns by name or an array of losses, "
            f"got {type(history).__name__}"
        )
    wanted = {"epoch", *(prefix + m for prefix in _SETS for m in _METRICS)}
    columns = {name: np.array(values, np.float64) for name, values in raw.items() if name in wanted}
    shapes = {name: values.shape for name, values in columns.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise ValueError(f"learning_curve: columns must be one-dimensional and of equal length, got {shapes}")
    if columns and next(iter(columns.values())).size == 0:
        raise ValueError("learning_curve: history is empty")
    return columns


def _lines(columns: dict[str, NDArray[np.float64]], metric: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a metric by the name of their set, without columns whose values are all missing."""
    return {
        label: columns[prefix + metric]
        for prefix, label in _SETS.items()
        if prefix + metric in columns and np.isfinite(columns[prefix + metric]).any()
    }


def _scale(ax: Axes, metric: str, x: NDArray[np.float64]) -> None:
    if metric == "accuracy":
        percent_ticks(ax)
    whole_ticks(ax, x)
