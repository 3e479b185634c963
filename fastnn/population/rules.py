"""What ends the training of a member, and which of its parameters are kept."""

from __future__ import annotations

import math
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

    def best_epochs(self, members: int) -> NDArray[np.int64]:
        """The best epoch of each member so far; 0 where none is kept or before the first one."""

    def state(self) -> dict[str, Array]:
        """What a checkpoint stores of the rule."""

    def restore(self, state: Mapping[str, Array], params: Array) -> None:
        """Go on from what `state` returned, with the parameters (K, P) of all members.

        Raises
        ------
        ValueError
            If it is not that of such a rule.
        """


class NoRule:
    """Nobody stops before the last epoch."""

    def stopped(self, epoch: int, numbers: list[int], figures: Figures, params_of: ParamsOf) -> set[int]:
        return set()

    def best(self, k: int) -> Array | None:
        return None

    def best_epochs(self, members: int) -> NDArray[np.int64]:
        return np.zeros(members, np.int64)

    def state(self) -> dict[str, Array]:
        return {}

    def restore(self, state: Mapping[str, Array], params: Array) -> None:
        pass  # a rule that the interrupted training had, and this one has no more


class BestRule:
    """A `BestWeights` or `EarlyStopping` for each member by itself.

    Parameters
    ----------
    callback : BestWeights
    members : int
    """

    def __init__(self, callback: BestWeights, members: int) -> None:
        self._callback, self._epochs = callback, np.zeros(members, np.int64)
        self._values = np.full(members, math.inf if callback.mode == "min" else -math.inf)
        self._restores = not isinstance(callback, EarlyStopping) or callback.restore_best
        self._params: dict[int, Array] = {}

    def stopped(self, epoch: int, numbers: list[int], figures: Figures, params_of: ParamsOf) -> set[int]:
        values = figures[self._callback.monitor][numbers]
        for place in np.flatnonzero(self._callback.improves(values, self._values[numbers])).tolist():
            k = numbers[place]
            self._values[k], self._epochs[k] = values[place], epoch
            if self._restores:
                self._params[k] = params_of(place).copy()
        if not isinstance(self._callback, EarlyStopping):
            return set()
        waited = epoch - self._epochs[numbers]
        return set(np.flatnonzero(waited >= self._callback.patience).tolist())

    def best(self, k: int) -> Array | None:
        return self._params.get(k)

    def best_epochs(self, members: int) -> NDArray[np.int64]:
        return self._epochs.copy()

    def state(self) -> dict[str, Array]:
        kept = {} if not self._params else {"params": np.array(list(self._params.values()))}
        return {"epochs": self._epochs, "values": self._values, "kept": np.array([*self._params], np.int64), **kept}

    def restore(self, state: Mapping[str, Array], params: Array) -> None:
        kept = state["kept"]
        best = state["params"] if len(kept) else params[:0]
        members = (len(self._epochs),)
        expected = [
            ("epochs", state["epochs"], members, np.dtype(np.int64)),
            ("values", state["values"], members, np.dtype(np.float64)),
            ("kept", kept, (len(kept),), np.dtype(np.int64)),
            ("params", best, (len(kept), *params.shape[1:]), params.dtype),
        ]
        for name, array, shape, dtype in expected:
            if array.shape != shape or array.dtype != dtype:
                raise ValueError(f"expected {name} {shape} {dtype}, got {array.shape} {array.dtype}")
        if len(set(kept.tolist()) & set(range(members[0]))) < len(kept):
            raise ValueError(f"expected members from 0 to {members[0] - 1}, each once")
        self._epochs[...], self._values[...] = state["epochs"], state["values"]
        self._params = dict(zip(kept.tolist(), best, strict=True))
