"""Which members are trained in the lanes of vectors, and which each in a session of its own.

With a weight of 16 networks in a vector, a step goes through the weights of all 16. That works well as long as these
stay in a core's caches and no lane is empty. A compiled session has the weights of one network, in the panels of
`Trainer.fit`, and needs some microseconds more for a step. On one core of a Zen 4, 16 members in full lanes take this
share of the time of as many sessions, with batches of 32 to 128: 20-16-3 0.5, 64-32-10 0.7, 30-64-2 0.8, 64-64-64-10
and 300-32-10 0.95, 200-64-10 1.1, 784-32-10 1.1 to 1.5, 784-64-10 1.6, 784-200-10 1.6 to 2. Members that read in one
order share the loads of their inputs, of which the first layer has most: 784-32-10 then is at 0.9, 200-64-10 at 0.95
and 784-64-10 at 1.15.

The choice must not depend on the number of members or of threads, because a member has the same bits with any others.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastnn.kernels.populations import POPULATION_LANES
from fastnn.population.group import Group
from fastnn.population.lanes import LaneGroup
from fastnn.population.sessions import SessionGroup
from fastnn.population.spec import PopulationSpec

_MOST_BYTES = 512 << 10  # of the weights in a block of lanes
_SHARED_LOADS = 4  # by so much less do the weights of the first layer count where members read in one order


def in_lanes(spec: PopulationSpec) -> bool:
    """Whether the members of a population are trained in the lanes of vectors."""
    first, size = spec.stages[0].dense.w.size, spec.model.size
    if spec.order_seed is not None:
        size += first // _SHARED_LOADS - first
    return size * POPULATION_LANES * spec.model.dtype.itemsize <= _MOST_BYTES


def group_of(spec: PopulationSpec, params: NDArray[Any], numbers: list[int]) -> Group:
    """Members that go in step, with their parameters (k, P), in the form in which they are trained."""
    return (LaneGroup if in_lanes(spec) else SessionGroup)(spec, params, numbers)
