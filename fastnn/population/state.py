"""How far the training of a population has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Figures = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class PopulationState:
    """The training of a population between two epochs.

    Parameters
    ----------
    params : (K, P) array
        The parameters of all members: of those that have stopped the final ones, of the others those of now.
    epochs : list of dict of str to (K,) float64
        The figures of every epoch; NaN for members that had stopped before.
    done : (K,) int64
        How many epochs each member has done.
    failed : dict of int to int
        For each member whose loss was not finite, the step, counted from 1.
    left : (A,) int64
        The members that are still being trained, in ascending order.
    optimizer : mapping of str to (A, P) array
        Their state of the optimiser by slot.
    """

    params: Array
    epochs: list[Figures]
    done: NDArray[np.int64]
    failed: dict[int, int]
    left: NDArray[np.int64]
    optimizer: Mapping[str, Array]


def figures_of(epochs: Sequence[Figures], done: int, k: int) -> list[dict[str, Any]]:
    """The lines of the history of member k, which has done so many epochs."""
    return [
        {"epoch": i + 1, **{name: float(values[k]) for name, values in epoch.items()}}
        for i, epoch in enumerate(epochs[:done])
    ]


def mean_figures(figures: Figures, epoch: int) -> dict[str, Any]:
    """The line of a history for an epoch: the means over the members that were trained in it."""
    here = ~np.isnan(figures["learning_rate"])
    return {"epoch": epoch, **{name: float(values[here].mean()) for name, values in figures.items()}}
