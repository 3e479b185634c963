"""Members that go in step: they have equally many samples, so that the steps of all have the same sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.population.spec import PopulationSpec
from fastnn.trainer.learning_rates import schedule_factors
from fastnn.trainer.shuffle import orders
from fastnn.trainer.step_losses import mean_over_samples

Array = NDArray[Any]

_LAID_OUT = 1 << 22  # places in the orders of samples that are drawn at once


class Figures(NamedTuple):
    """What an epoch of k members came to.

    Parameters
    ----------
    losses : (k, S) float64
        The loss of every step.
    correct : (k,) float64
        The share of the samples that were classified correctly, each before the step that it led to.
    held_out : pair of (k,) float64, or None
        Mean loss, and share of right answers, on the samples that are held out for each member after the epoch.
    """

    losses: NDArray[np.float64]
    correct: NDArray[np.float64]
    held_out: tuple[NDArray[np.float64], NDArray[np.float64]] | None


class Group:
    """Trains and evaluates some members of a population; the base of the ways to do so.

    Parameters
    ----------
    spec : PopulationSpec
    numbers : list of int
        Which members.

    Attributes
    ----------
    numbers : list of int
        Those that are left.
    steps : int
        Steps of an epoch.
    last_rates : (k,) float64
        The learning rates of the last step.
    """

    def __init__(self, spec: PopulationSpec, numbers: list[int]) -> None:
        self.spec, self.numbers = spec, numbers
        self._samples = len(spec.members.rows[numbers[0]])
        self._batch = min(spec.batch_size, self._samples)
        self.steps = -(-self._samples // self._batch)
        self._orders: dict[int, Array] = {}
        self.last_rates = spec.members.rates[numbers]

    # --- members ---

    def params(self) -> Array:
        """The parameters of the members that are left (k, P)."""
        raise NotImplementedError

    def params_of(self, place: int) -> Array:
        """The parameters of the member at a place among those that are left, which may be a view."""
        raise NotImplementedError

    def state(self) -> dict[str, Array]:
        """The optimiser's state by slot, each (k, P)."""
        raise NotImplementedError

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from the optimiser's state of an interrupted training."""
        raise NotImplementedError

    def keep(self, places: list[int]) -> None:
        """Go on with these members alone."""
        count = len(self.numbers)
        self._orders = {epoch: order[places] if len(order) == count else order for epoch, order in self._orders.items()}
        self.numbers = [self.numbers[place] for place in places]

    def release(self) -> None:
        """Say that the training is over."""

    # --- training ---

    def train(self, epoch: int) -> Figures:
        """Do the steps of an epoch, counted from 1, and evaluate the members if there is something to do so with."""
        raise NotImplementedError

    def mean_losses(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean losses (k,) of an epoch whose steps had these losses (k, S)."""
        return np.asarray(mean_over_samples(losses, self._samples, self._batch))

    def _rates(self, epoch: int) -> NDArray[np.float64]:
        """The learning rates of the steps of an epoch (k, S)."""
        factors = schedule_factors(self.spec.schedule, self.steps, (epoch - 1) * self.steps, self.steps)
        rates = self.spec.members.rates[self.numbers, None] * factors
        self.last_rates = rates[:, -1]
        return np.asarray(rates)

    def _order(self, epoch: int) -> Array:
        """The samples of an epoch in the order in which each member reads them (k, n), or (1, n) for all."""
        if epoch not in self._orders:
            spec, members = self.spec, self.spec.members
            shared = spec.order_seed is not None or not spec.shuffle
            same_rows = all(members.rows[k] is members.rows[self.numbers[0]] for k in self.numbers)
            readers = self.numbers[:1] if shared and same_rows else self.numbers
            ahead = max(1, min(spec.epochs + 1 - epoch, _LAID_OUT // (self._samples * len(readers))))
            epochs = range(epoch, epoch + ahead)
            places = np.empty((len(readers), ahead, self._samples), np.int64)
            for place, k in enumerate(readers):
                seed = members.seeds[k] if spec.order_seed is None else spec.order_seed
                order = orders(seed, epochs, self._samples, self._batch, spec.shuffle)
                np.take(members.rows[k], order, out=places[place])
            self._orders = {e: places[:, i] for i, e in enumerate(epochs)}
        return self._orders[epoch]
