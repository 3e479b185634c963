"""Where a training stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Position:
    """A place between two steps. With the seed it decides all random numbers that are still to come."""

    epoch: int = 1  # the one that runs or comes next, counted from 1
    step: int = 0  # how many of its steps are done
    correct: int = 0  # samples of them that were classified right
    seconds: float = 0.0  # that they took
