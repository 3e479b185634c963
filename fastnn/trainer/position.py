"""How far a training has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Position:
    """A point between two steps of a training; with the seed it decides all random numbers that are still to come.

    Parameters
    ----------
    epoch : int
        The epoch that is under way or comes next, counted from 1.
    step : int
        How many of its steps are done.
    correct : int
        How many samples of those steps were classified correctly.
    seconds : float
        How long those steps took.

    Examples
    --------
    >>> from fastnn.trainer.position import Position
    >>> position = Position(epoch=3, step=20)
    >>> position.next_epoch()
    >>> position
    Position(epoch=4, step=0, correct=0, seconds=0.0)
    """

    epoch: int = 1
    step: int = 0
    correct: int = 0
    seconds: float = 0.0

    def next_epoch(self) -> None:
        """Move to the beginning of the next epoch."""
        self.epoch, self.step, self.correct, self.seconds = self.epoch + 1, 0, 0, 0.0
