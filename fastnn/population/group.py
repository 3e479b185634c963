"""Members that go in step: all have as many steps in an epoch, which but for the last are of one size."""

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

_LAID_OUT = 1 << 18  # places in the orders of samples that are drawn at once, unless one epoch has more
_NEAR = 16  # members of one group have at most such a part more samples than others


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
        self._samples = np.array([len(spec.members.rows[k]) for k in numbers])
        self._width = int(self._samples.max())  # of the orders of samples
        self._batch = min(spec.batch_size, self._width)
        self.steps = -(-self._width // self._batch)
        self._same_rows = all(spec.members.rows[k] is spec.members.rows[numbers[0]] for k in numbers)
        self._orders: dict[int, Array] = {}
        self.last_rates = spec.members.rates[numbers]

    # --- members ---

    @property
    def samples(self) -> int:
        """How many samples the members that are left read in an epoch, all together."""
        return int(self._samples.sum())

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
        self.numbers, self._samples = [self.numbers[place] for place in places], self._samples[places]

    def release(self) -> None:
        """Say that the training is over."""

    # --- training ---

    def train(self, epoch: int) -> Figures:
        """Do the steps of an epoch, counted from 1, and evaluate the members if there is something to do so with."""
        raise NotImplementedError

    def mean_losses(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean losses (k,) of an epoch whose steps had these losses (k, S)."""
        found = np.empty(len(losses))
        for samples in set(self._samples.tolist()):
            here = self._samples == samples
            found[here] = mean_over_samples(losses[here], samples, min(self._batch, samples))
        return found

    def _rates(self, epoch: int) -> NDArray[np.float64]:
        """The learning rates of the steps of an epoch (k, S)."""
        factors = schedule_factors(self.spec.schedule, self.steps, (epoch - 1) * self.steps, self.steps)
        rates = self.spec.members.rates[self.numbers, None] * factors
        self.last_rates = rates[:, -1]
        return np.asarray(rates)

    def _order(self, epoch: int) -> Array:
        """The samples of an epoch in the order in which each member reads them (k, n), or (1, n) for all.

        Where members have different numbers of samples, a row of fewer ends with more of those of its last step.
        """
        if epoch not in self._orders:
            spec = self.spec
            shared = spec.order_seed is not None or not spec.shuffle
            readers = self.numbers[:1] if shared and self._same_rows else self.numbers
            ahead = max(1, min(spec.epochs + 1 - epoch, _LAID_OUT // (self._width * len(readers))))
            epochs = range(epoch, epoch + ahead)
            places = self._places(readers, epochs)
            self._orders = {e: places[:, i] for i, e in enumerate(epochs)}
        return self._orders[epoch]

    def _places(self, readers: list[int], epochs: range) -> Array:
        """The samples that some members read in some epochs, (k, E, n)."""
        spec, members = self.spec, self.spec.members
        seeds = [members.seeds[k] if spec.order_seed is None else spec.order_seed for k in readers]
        if self._same_rows:
            rows = members.rows[readers[0]]
            order = orders(seeds, epochs, self._width, self._batch, spec.shuffle)
            return order if np.array_equal(rows, np.arange(self._width)) else rows[order]
        places = np.empty((len(readers), len(epochs), self._width), np.int64)
        for place, (k, seed) in enumerate(zip(readers, seeds, strict=True)):
            samples = len(members.rows[k])
            order = orders([seed], epochs, samples, min(self._batch, samples), spec.shuffle)[0]
            np.take(members.rows[k], order, out=places[place, :, :samples])
            places[place, :, samples:] = places[place, :, samples - 1 : samples]
        return places


def in_step(spec: PopulationSpec, numbers: list[int]) -> list[list[int]]:
    """The members in groups that go in step: with as many steps in an epoch, and nearly as many samples."""
    members = spec.members

    def sizes(k: int) -> tuple[int, int]:
        return len(members.rows[k]), 0 if members.held_out is None else len(members.held_out[k])

    alike: dict[tuple[int, int], list[int]] = {}
    for k in numbers:
        alike.setdefault(sizes(k), []).append(k)
    groups: list[tuple[int, tuple[int, int], list[int]]] = []
    for found in sorted(alike):
        steps = -(-found[0] // spec.batch_size)
        near = (g for g in groups if g[0] == steps and all(map(_near, g[1], found)))
        group = next(near, None)
        if group is None:
            groups.append((steps, found, alike[found]))
        else:
            group[2].extend(alike[found])
    return [sorted(group) for _, _, group in groups]


def _near(one: int, other: int) -> bool:
    """Whether what one of two has less than the other is hardly worth a step of its own."""
    return abs(one - other) <= 1 + min(one, other) // _NEAR
