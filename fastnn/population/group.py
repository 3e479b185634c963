"""Members that go in step: they have equally many samples, so that the steps of all have the same sizes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.population_kernel import population_steps
from fastnn.kernels.populations import POPULATION_LANES, MemberField
from fastnn.kernels.threads import get_num_threads
from fastnn.population.blocks import from_blocks, member_of, to_blocks
from fastnn.population.spec import PopulationSpec
from fastnn.population.stages import stage_table
from fastnn.program.session import RETURN_SECONDS
from fastnn.trainer.learning_rates import schedule_factors
from fastnn.trainer.shuffle import orders
from fastnn.trainer.step_losses import mean_over_samples

Array = NDArray[Any]
Figures = tuple[NDArray[np.float64], NDArray[np.float64]]  # mean losses and shares of right answers

_LAID_OUT = 1 << 22  # places in the orders of samples that are drawn at once
_WORK_BYTES = 64 << 20  # of all workspaces together, unless one alone is larger
_EVALUATED = 256  # samples that are evaluated at a time


class Group:
    """Trains and evaluates some members of a population.

    Parameters
    ----------
    spec : PopulationSpec
    params : (k, P) array
        Their parameters.
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

    def __init__(self, spec: PopulationSpec, params: Array, numbers: list[int]) -> None:
        members = spec.members
        self.spec, self.numbers = spec, numbers
        self._samples = len(members.rows[numbers[0]])
        self._batch = min(spec.batch_size, self._samples)
        self.steps = -(-self._samples // self._batch)
        self._w = to_blocks(params)
        states = [np.full_like(self._w, spec.optimizer.initial(slot)) for slot in spec.optimizer.slots]
        self._state = dict(zip(spec.optimizer.slots, states, strict=True))
        held_out = 0 if members.held_out is None else len(members.held_out[numbers[0]])
        self._evaluated = min(_EVALUATED, held_out)
        self._table, size = stage_table(spec.stages, max(self._batch, self._evaluated))
        self._work = self._workspaces(size)
        self._orders: dict[int, Array] = {}
        self._step_seconds = 0.0
        self.last_rates = members.rates[numbers]

    def _workspaces(self, size: int) -> Array:
        threads = get_num_threads()
        nbytes = size * POPULATION_LANES * self._w.itemsize
        # more than the threads, so that none waits long for the last
        count = max(threads, min(4 * threads, _WORK_BYTES // max(1, nbytes)))
        return np.empty((max(1, min(count, len(self._w))), size, POPULATION_LANES), self._w.dtype)

    # --- members ---

    def params(self) -> Array:
        """The parameters of the members that are left (k, P)."""
        return from_blocks(self._w, len(self.numbers))

    def params_of(self, place: int) -> Array:
        """The parameters of the member at a place among those that are left, a view."""
        return member_of(self._w, place)

    def state(self) -> dict[str, Array]:
        """The optimiser's state by slot, each (k, P)."""
        return {slot: from_blocks(blocks, len(self.numbers)) for slot, blocks in self._state.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Go on from the optimiser's state of an interrupted training."""
        self._state = {slot: to_blocks(state[slot]) for slot in self._state}

    def keep(self, places: list[int]) -> None:
        """Go on with these members alone."""
        count = len(self.numbers)
        if not places:
            self.numbers = []
            return
        self._w = to_blocks(from_blocks(self._w, count)[places])
        self._state = {slot: to_blocks(from_blocks(blocks, count)[places]) for slot, blocks in self._state.items()}
        self._work = self._work[: len(self._w)]
        self._orders = {epoch: order[places] if len(order) == count else order for epoch, order in self._orders.items()}
        self.numbers = [self.numbers[place] for place in places]

    # --- training ---

    def train(self, epoch: int) -> Figures:
        """Do the steps of an epoch, counted from 1.

        Returns
        -------
        losses : (k, S) float64
            The loss of every step.
        correct : (k,) float64
            The share of the samples that were classified correctly, each before the step that it led to.
        """
        losses, right = np.empty((len(self.numbers), self.steps)), np.zeros(len(self.numbers))
        order, whole, done = self._order(epoch), self._samples // self._batch, (epoch - 1) * self.steps
        factors = schedule_factors(self.spec.schedule, self.steps, done, self.steps)
        rates = self.spec.members.rates[self.numbers, None] * factors
        self.last_rates = rates[:, -1]
        for first, count, batch in ((0, whole, self._batch), (whole, self.steps - whole, self._samples % self._batch)):
            begin, last = first, first + count
            while begin < last:
                end = min(last, begin + self._steps_at_once())
                index = order[:, self._batch * first + batch * (begin - first) :][:, : batch * (end - begin)]
                started = time.perf_counter()
                found = self._call(index, batch, rates[:, begin:end], done + begin + 1)
                self._step_seconds = (time.perf_counter() - started) / (end - begin)
                losses[:, begin:end] = found[0]
                right += found[1].sum(axis=1)
                begin = end
        return losses, right / self._samples

    def mean_losses(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean losses (k,) of an epoch whose steps had these losses (k, S)."""
        return np.asarray(mean_over_samples(losses, self._samples, self._batch))

    def _steps_at_once(self) -> int:
        """How many steps return to Python soon enough for Ctrl-C."""
        return max(1, int(RETURN_SECONDS / self._step_seconds)) if self._step_seconds else 1

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

    # --- evaluation ---

    def evaluate(self) -> Figures:
        """Mean loss, and share of right answers, of every member on the samples that are held out for it."""
        members = self.spec.members
        assert members.held_out is not None
        chosen = [members.held_out[k] for k in self.numbers]
        index = chosen[0][None] if all(rows is chosen[0] for rows in chosen) else np.array(chosen)
        total, right = np.zeros(len(self.numbers)), np.zeros(len(self.numbers))
        samples, batch = index.shape[1], self._evaluated
        whole = samples // batch * batch
        for part, size in ((index[:, :whole], batch), (index[:, whole:], samples - whole)):
            if size:
                losses, correct = self._call(part, size, None, 0)
                total += losses.sum(axis=1) * size
                right += correct.sum(axis=1)
        return total / samples, right / samples

    # --- the kernel ---

    def _call(self, index: Array, batch: int, rates: Array | None, first: int) -> tuple[Array, Array]:
        """Losses (k, s) and right answers (k, s) of some steps of `batch` samples; without rates, of an evaluation."""
        spec, members, count = self.spec, self.spec.members, len(self.numbers)
        steps = index.shape[1] // batch
        training = rates is not None
        numbers = np.zeros((count, len(MemberField)))
        numbers[:, MemberField.DECAY] = members.decays[self.numbers]
        numbers[:, MemberField.L2] = members.l2[self.numbers] / batch if training else 0.0
        seeds = np.array([members.seeds[k] for k in self.numbers], np.uint64)
        numbers[:, MemberField.SEED_LOW] = seeds & np.uint64(0xFFFFFFFF)
        numbers[:, MemberField.SEED_HIGH] = seeds >> np.uint64(32)
        losses, correct = np.empty((count, steps)), np.zeros((count, steps), np.int64)
        rule, scale = spec.optimizer.rule, spec.loss.scale(batch, spec.model.output_shape)
        coefficients = [float(getattr(spec.optimizer, name)) for name in rule.coefficients]
        population_steps()(
            *(self._w, self._state.get("m"), self._state.get("v"), self._table, spec.inputs, spec.targets),
            np.ascontiguousarray(index),
            np.zeros((count, steps)) if rates is None else np.ascontiguousarray(rates),
            *(numbers, losses, correct, self._work),
            *(float(training), first, spec.fixed_step, int(rule), *coefficients, *[0.0] * (3 - len(coefficients))),
            *(int(spec.terms.kind), spec.terms.value * scale, spec.terms.gradient * scale),
        )
        return losses, correct
