"""The losses of the steps, on their way into the history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.trainer.history import History


class StepLosses:
    """Appends losses to ``history.steps``.

    Between `flush` and the next one, losses are only noted. ``history.steps`` is then a view into a buffer whose size
    doubles when it is full, so that the cost of a training of S steps stays proportional to S.

    Parameters
    ----------
    history : History

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.trainer import History
    >>> from fastnn.trainer.step_losses import StepLosses
    >>> history = History()
    >>> losses = StepLosses(history)
    >>> losses.add(np.array([2.5, 1.5]))
    >>> len(history.steps)
    0
    >>> losses.flush()
    >>> history.steps
    array([2.5, 1.5])
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._pending: list[NDArray[np.float64]] = []
        self._buffer = self._view = np.empty(0)

    def add(self, losses: NDArray[np.float64]) -> None:
        """Note the losses (S,) of the steps that follow those noted before."""
        self._pending.append(losses)

    def flush(self) -> None:
        """Append the noted losses to the history."""
        if not self._pending:
            return
        before = self._history.steps
        count = len(before) + sum(map(len, self._pending))
        if before is not self._view or count > len(self._buffer):
            self._buffer = np.empty(max(count, 2 * len(before)))
            self._buffer[: len(before)] = before
        np.concatenate(self._pending, out=self._buffer[len(before) : count])
        self._history.steps = self._view = self._buffer[:count]
        self._pending = []

    def close(self) -> None:
        """Flush, and give the history an array of its own that is no larger than needed."""
        self.flush()
        self._history.steps = self._history.steps.copy()


def mean_over_samples(losses: NDArray[np.float64], samples: int, batch_size: int) -> Any:
    """The mean loss of the samples of an epoch.

    Parameters
    ----------
    losses : (..., S) float64
        The mean loss of each of its steps.
    samples, batch_size : int
        Samples of the epoch and of a step; the last step has the samples that remain.

    Returns
    -------
    float, or (...,) float64
    """
    full = samples // batch_size
    rest = samples - full * batch_size
    total = losses[..., :full].sum(axis=-1) * batch_size
    return (total + losses[..., full:].sum(axis=-1) * rest if rest else total) / samples
