"""A running average of an array that changes from step to step."""

import numpy as np

from fastnn.kernels.limits import AVERAGE_WARM_STEPS
from fastnn.kernels.reference.arrays import Array


@np.errstate(all="ignore")
def moving_average(x: Array, average: Array, t: Array, keep: float) -> None:
    """``average += (1 - k) (x - average)`` in step t, counted from 1, with ``k = min(keep, (1 + t) / (10 + t))``.

    The share k grows with t, so that the first values, which are far from the later ones, do not stay in the average.
    """
    share = min(keep, (1 + int(t[0])) / (AVERAGE_WARM_STEPS + int(t[0])))
    average += x.dtype.type(1 - share) * (x - average)
