"""The learning rates of a range of steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    rate, schedule = spec.problem.optimizer.learning_rate, spec.schedule
    epoch, step = divmod(done, spec.steps)
    if schedule.by == "epoch":
        return np.full(count, rate * schedule.factor(epoch))
    places = (epoch + (step + i) / spec.steps for i in range(count))
    return np.fromiter((rate * schedule.factor(place) for place in places), np.float64, count)
