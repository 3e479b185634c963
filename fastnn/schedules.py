"""Learning-rate schedules: the rate as a function of the epoch."""

from __future__ import annotations

import math


class Schedule:
    """Base of the schedules: a factor on the optimiser's learning rate. Subclass it for a rule of your own."""

    def factor(self, epoch: int) -> float:
        """Factor in epoch `epoch` (counted from 0)."""
        raise NotImplementedError


class Constant(Schedule):
    """The optimiser's rate throughout.

    Examples
    --------
    >>> from fastnn.schedules import Constant
    >>> Constant().factor(7)
    1.0
    """

    def factor(self, epoch: int) -> float:
        return 1.0

    def __repr__(self) -> str:
        return "Constant()"


class Exponential(Schedule):
    """The rate times `decay` after each epoch.

    Parameters
    ----------
    decay : float
        In (0, 1].

    Examples
    --------
    >>> from fastnn.schedules import Exponential
    >>> Exponential(0.5).factor(2)
    0.25
    """

    def __init__(self, decay: float) -> None:
        if not (math.isfinite(decay) and 0 < decay <= 1):
            raise ValueError(f"Exponential: decay must be above 0 and at most 1, got {decay}")
        self.decay = float(decay)

    def factor(self, epoch: int) -> float:
        return self.decay**epoch

    def __repr__(self) -> str:
        return f"Exponential({self.decay!r})"
