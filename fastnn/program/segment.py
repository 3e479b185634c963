"""Steps that are run in one call: what they read, and where their results go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class Segment:
    """Consecutive steps of one epoch that have the same batch size, with the arrays that they read and write.

    Parameters
    ----------
    index : (S, B) int64
        Rows of the data that each of the S steps reads.
    rate : (S,) float64
        Learning rates.
    t : (S,) int64
        Numbers of the steps in the whole training, counted from 1.
    loss : (S,) float64
        Losses; written.
    correct : (S,) int64
        Numbers of samples that are classified correctly; written.
    done : int
        How many of the steps `Session.run_ahead` has done.
    seconds : float
        The time that those steps took.
    """

    index: Array
    rate: Array
    t: Array
    loss: Array
    correct: Array
    done: int = 0
    seconds: float = 0.0

    @classmethod
    def several(cls, indices: Sequence[Array], done: int) -> list[Segment]:
        """Consecutive segments that read the given rows, after `done` earlier steps; their rates are still 0."""
        ends = list(accumulate(map(len, indices)))
        rate, loss, correct = np.zeros(ends[-1]), np.zeros(ends[-1]), np.zeros(ends[-1], np.int64)
        t = np.arange(done + 1, done + ends[-1] + 1, dtype=np.int64)
        found = []
        for index, end in zip(indices, ends, strict=True):
            here = slice(end - len(index), end)
            found.append(cls(index, rate[here], t[here], loss[here], correct[here]))
        return found
