"""Members each of which is trained in a compiled session, as many of them at a time as there are threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.population.group import Figures, Group
from fastnn.population.seat import Seat
from fastnn.population.share import Stopped, share_out, workers
from fastnn.population.spec import PopulationSpec

Array = NDArray[Any]

_KEPT_SEATS, _KEPT_BYTES = 16, 64 << 20  # with no more members, each has a seat of its own from epoch to epoch


class SessionGroup(Group):
    """Trains members one by one; see `Group`.

    Each works through an epoch at a seat. Where there are few members each keeps its own; many share those of the
    threads, so that memory holds the compiled steps of these alone.

    Parameters
    ----------
    spec : PopulationSpec
    params : (k, P) array
        Their parameters, which are the group's from now on.
    numbers : list of int
    """

    def __init__(self, spec: PopulationSpec, params: Array, numbers: list[int]) -> None:
        super().__init__(spec, numbers)
        self._params = params
        self._state = {slot: np.full_like(params, spec.optimizer.initial(slot)) for slot in spec.optimizer.slots}
        nbytes = params.nbytes * (2 + 2 * len(self._state))  # in the model and its state, and once more in panels
        self._own_seats = len(numbers) <= _KEPT_SEATS and nbytes <= _KEPT_BYTES
        self._seats: list[Seat] = []

    # --- members ---

    def params(self) -> Array:
        self._collect()
        return self._params

    def params_of(self, place: int) -> Array:
        seat = self._seats[place] if self._own_seats and self._seats else None
        return np.asarray(self._params[place]) if seat is None or seat.member is None else seat.params()

    def state(self) -> dict[str, Array]:
        self._collect()
        return self._state

    def load_state(self, state: Mapping[str, Array]) -> None:
        self._state = {slot: state[slot].copy() for slot in self._state}

    def keep(self, places: list[int]) -> None:
        self._collect()
        super().keep(places)
        self._params = self._params[places]
        self._state = {slot: rows[places] for slot, rows in self._state.items()}
        if self._own_seats and self._seats:
            seats = self._seats
            self._seats = [seats[place] for place in places]
            for place in set(range(len(seats))) - set(places):
                seats[place].leave()

    def release(self) -> None:
        self._collect()
        for seat in self._seats:
            seat.leave()

    def _collect(self) -> None:
        """Take over the parameters and the state of the members that sit somewhere."""
        for seat in self._seats:
            if seat.member is not None:
                self._copy_from(seat, self.numbers.index(seat.member))

    def _copy_from(self, seat: Seat, place: int) -> None:
        seat.copy_to(self._params[place], {slot: rows[place] for slot, rows in self._state.items()})

    # --- training ---

    def train(self, epoch: int) -> Figures:
        count, held_out = len(self.numbers), self.spec.members.held_out
        order, rates, done = self._order(epoch), self._rates(epoch), (epoch - 1) * self.steps
        losses, right = np.empty((count, self.steps)), np.zeros(count)
        measured = np.zeros((2, count))
        for _ in range(len(self._seats), count if self._own_seats else workers()):
            self._seats.append(Seat(self.spec))

        def train_one(place: int, worker: int, stopped: Stopped) -> None:
            seat, member = self._seats[place if self._own_seats else worker], self.numbers[place]
            if seat.member != member:
                seat.take(member, self._params[place], {slot: rows[place] for slot, rows in self._state.items()})
            index = order[place % len(order), : self._samples[place]]
            right[place] = seat.train(index, rates[place], done, losses[place], stopped)
            if held_out is not None and not stopped():
                loss, correct = seat.evaluate(held_out[member])
                measured[:, place] = loss, correct / len(held_out[member])
            if not self._own_seats:
                self._copy_from(seat, place)
                seat.leave()

        share_out(train_one, count)
        return Figures(losses, right / self._samples, None if held_out is None else (measured[0], measured[1]))
