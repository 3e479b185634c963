"""The learning rates of a range of steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastnn.schedules import Schedule
from fastnn.trainer.spec import TrainingSpec


def learning_rates(spec: TrainingSpec, done: int, count: int) -> NDArray[np.float64]:
    """The learning rates of the `count` steps that follow after `done` steps of the whole training.

    They are the optimiser's rate, as it is now, times the factor of the schedule: its factor at the beginning of the
    epoch, or for a schedule by step at e + i / S before step i (from 0) of the S steps of epoch e (from 0).

    Parameters
    ----------
    spec : TrainingSpec
    done : int
        Steps before the first of them.
    count : int
        All of them must belong to one epoch.

    Returns
    -------
    (count,) float64
    """
    return spec.problem.optimizer.learning_rate * schedule_factors(spec.schedule, spec.steps, done, count)


def schedule_factors(schedule: Schedule, per_epoch: int, done: int, count: int) -> NDArray[np.float64]:
    """The factors of a schedule for the `count` steps after `done` ones, all of one epoch of `per_epoch` steps."""
    if schedule.by == "epoch":
        return np.full(count, step_factor(schedule, per_epoch, done))
    return np.fromiter((step_factor(schedule, per_epoch, done + i) for i in range(count)), np.float64, count)


def step_factor(schedule: Schedule, per_epoch: int, done: int) -> float:
    """The factor of a schedule for the step after `done` ones, with `per_epoch` steps in an epoch."""
    epoch, step = divmod(done, per_epoch)
    return float(schedule.factor(epoch if schedule.by == "epoch" else epoch + step / per_epoch))
