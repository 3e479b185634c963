"""Whether probabilities mean what they say: stated certainty against the share of right predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability(certainty: ArrayLike, right: ArrayLike, number: ArrayLike) -> Figure:
    """Draw the share of right predictions against their stated certainty, over how many predictions each point is of.

    Points on the diagonal mean what they say; below it, predictions are too sure of themselves.

    Parameters
    ----------
    certainty, right : (B,) array_like, from 0 to 1
        Of each bin; ``reliability(*fastnn.metrics.reliability_curve(targets, probabilities))``.
    number : (B,) array_like
        How many predictions each bin has.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If they are not rows of the same length, at least 1.

    Examples
    --------
    >>> from fastnn.plots import reliability
    >>> len(reliability([0.6, 0.9], [0.5, 0.8], [10, 30]).axes)
    1
    """
    said, true, counts = (np.asarray(values, np.float64) for values in (certainty, right, number))
    if said.ndim != 1 or not said.shape == true.shape == counts.shape or not said.size:
        shapes = f"{said.shape}, {true.shape}, {counts.shape}"
        raise ValueError(f"reliability: expected three rows (B,) of one length, at least 1, got {shapes}")
    figure, (ax,) = new_figure()
    ax.plot([0, 1], [0, 1], color="#000000", linewidth=1, linestyle="--")
    ax.bar(said, counts / counts.sum(), width=0.03, color="#999999", alpha=0.5, label="share of predictions")
    ax.plot(said, true, "o-", color="#0072B2", markersize=4, label="right")
    ax.set(xlabel="stated probability", ylabel="share that is right", xlim=(0, 1.02), ylim=(0, 1.02))
    ax.set_title("Reliability")
    ax.legend(loc="upper left", frameon=False)
    return figure
