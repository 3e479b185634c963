"""What ends the training of a member, and which of its parameters are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.trainer.best import BestWeights, EarlyStopping

Array = NDArray[Any]
Figures = Mapping[str, NDArray[np.float64]]
ParamsOf = Callable[[int], Array]


class Rule(Protocol):
    """Is asked after every epoch about the members that are left."""

    def stopped(self, epoch: int, numbers: list[int], figures: Figures, params_of: ParamsOf) -> set[int]:
        """The places among `numbers` of the members that stop now.

        Parameters
        ----------
        epoch : int
            The epoch that is done, counted from 1.
        numbers : list of int
            The members that go in step and are left.
        figures : mapping of str to (K,) float64
            The figures of all members.
        params_of : callable
            A view of the parameters of the member at a place.
        """

    def best(self, k: int) -> Array | None:
        """The parameters that member k is to have in the end; None: the last ones."""


class NoRule:
    """Nobody stops before the last epoch."""

    def stopped(self, epoch: int, numbers: list[int], figures: Figures, params_of: ParamsOf) -> set[int]:
        return set()

    def best(self, k: int) -> Array | None:
        return None


class BestRule:
    """A `BestWeights` or `EarlyStopping` for each member by itself.

    Parameters
    ----------
    callback : BestWeights
    members : int

    Attributes
    ----------
    best_epoch : (K,) int64
        The best epoch of each member; 0 before the first one.
    """

    def __init__(self, callback: BestWeights, members: int) -> None:
        self._callback, self.best_epoch = callback, np.zeros(members, np.int64)
        self._values = np.full(members, callback.best_value)
        self._restores = not isinstance(callback, EarlyStopping) or callback.restore_best
        self._params: dict[int, Array] = {}

    def stopped(self, epoch: int, numbers: list[int], figures: Figures, params_of: ParamsOf) -> set[int]:
        values = figures[self._callback.monitor][numbers]
        for place in np.flatnonzero(self._callback.improves(values, self._values[numbers])).tolist():
            k = numbers[place]
            self._values[k], self.best_epoch[k] = values[place], epoch
            if self._restores:
                self._params[k] = params_of(place).copy()
        if not isinstance(self._callback, EarlyStopping):
            return set()
        waited = epoch - self.best_epoch[numbers]
        return set(np.flatnonzero(waited >= self._callback.patience).tolist())

    def best(self, k: int) -> Array | None:
        return self._params.get(k)
