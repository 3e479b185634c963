"""What a regression gets wrong: targets against predictions, and how far they are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def residuals(targets: ArrayLike, predicted: ArrayLike, *, name: str | None = None) -> Figure:
    """Draw predictions against targets, and the residuals target - prediction against predictions.

    Parameters
    ----------
    targets, predicted : (N,) array_like, real
        In the same unit.
    name : str, optional
        What is predicted.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If they are not rows of the same length, at least 1.

    Examples
    --------
    >>> from fastnn.plots import residuals
    >>> len(residuals([1, 2, 3], [1.5, 2, 2.5], name="price").axes)
    2
    """
    true, found = np.asarray(targets, np.float64), np.asarray(predicted, np.float64)
    if true.ndim != 1 or true.shape != found.shape or not true.size:
        raise ValueError(
            f"residuals: targets and predicted must be (N,) of one length, at least 1, got {true.shape}, {found.shape}"
        )
    figure, (left, right) = new_figure(2)
    ends = [float(min(true.min(), found.min())), float(max(true.max(), found.max()))]
    left.plot(ends, ends, color="#000000", linewidth=1, linestyle="--")
    left.plot(true, found, "o", color="#0072B2", markersize=3.5, alpha=0.6)
    left.set(xlabel=f"{name or 'target'}", ylabel="predicted", title="Predictions")
    right.axhline(0, color="#000000", linewidth=1, linestyle="--")
    right.plot(found, true - found, "o", color="#D55E00", markersize=3.5, alpha=0.6)
    right.set(xlabel="predicted", ylabel="target - predicted", title="Residuals")
    return figure
