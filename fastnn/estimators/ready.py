"""What an estimator trains on, once everything is checked and its network is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model.sparse import SparseRows

Array = NDArray[Any]
Rows = Array | SparseRows


@dataclass(frozen=True)
class Ready:
    """Samples to train on, and to validate with.

    Parameters
    ----------
    x : (N, D) array, or the rows of a sparse matrix
    targets : (N, ...) array
    weights : (N,) array, optional
    rows : int64 array, optional
        The numbers of the samples to train on. Default: all.
    held_out : pair (x, targets), optional
    held_out_weights : array, optional
    """

    x: Rows
    targets: Array
    weights: Array | None = None
    rows: NDArray[np.int64] | None = None
    held_out: tuple[Rows, Array] | None = None
    held_out_weights: Array | None = None

    @property
    def training(self) -> tuple[Rows, Array, Array | None]:
        """Samples, targets and weights to train on."""
        if self.rows is None:
            return self.x, self.targets, self.weights
        weights = None if self.weights is None else self.weights[self.rows]
        return self.x[self.rows], self.targets[self.rows], weights

    @property
    def count(self) -> int:
        """How many samples there are to train on."""
        return len(self.x) if self.rows is None else len(self.rows)
