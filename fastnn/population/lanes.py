"""Members in the lanes of vectors: one operation does the same step of many networks."""

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
from fastnn.population.group import Figures, Group
from fastnn.population.spec import PopulationSpec
from fastnn.population.stages import stage_table
from fastnn.program.session import RETURN_SECONDS

Array = NDArray[Any]

_WORK_BYTES = 64 << 20  # of all workspaces together, unless one alone is larger
_EVALUATED = 256  # samples that are evaluated at a time


class LaneGroup(Group):
    """Trains members whose parameters are in blocks of lanes; see `Group`.

    Parameters
    ----------
    spec : PopulationSpec
    params : (k, P) array
        Their parameters.
    numbers : list of int
    """

    def __init__(self, spec: PopulationSpec, params: Array, numbers: list[int]) -> None:
        super().__init__(spec, numbers)
        members = spec.members
        self._w = to_blocks(params)
        states = [np.full_like(self._w, spec.optimizer.initial(slot)) for slot in spec.optimizer.slots]
        self._state = dict(zip(spec.optimizer.slots, states, strict=True))
        held_out = 0 if members.held_out is None else max(len(members.held_out[k]) for k in numbers)
        self._evaluated = min(_EVALUATED, held_out)
        self._table, size = stage_table(spec.stages, max(self._batch, self._evaluated))
        self._work = self._workspaces(size)
        self._step_seconds = 0.0

    def _workspaces(self, size: int) -> Array:
        threads = get_num_threads()
        nbytes = size * POPULATION_LANES * self._w.itemsize
        # more than the threads, so that none waits long for the last
        count = max(threads, min(4 * threads, _WORK_BYTES // max(1, nbytes)))
        return np.empty((max(1, min(count, len(self._w))), size, POPULATION_LANES), self._w.dtype)

    # --- members ---

    def params(self) -> Array:
        return from_blocks(self._w, len(self.numbers))

    def params_of(self, place: int) -> Array:
        return member_of(self._w, place)

    def state(self) -> dict[str, Array]:
        return {slot: from_blocks(blocks, len(self.numbers)) for slot, blocks in self._state.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        self._state = {slot: to_blocks(state[slot]) for slot in self._state}

    def keep(self, places: list[int]) -> None:
        count = len(self.numbers)
        super().keep(places)
        if places:
            self._w = to_blocks(from_blocks(self._w, count)[places])
            self._state = {slot: to_blocks(from_blocks(rows, count)[places]) for slot, rows in self._state.items()}
            self._work = self._work[: len(self._w)]

    # --- training ---

    def train(self, epoch: int) -> Figures:
        losses, right = np.empty((len(self.numbers), self.steps)), np.zeros(len(self.numbers))
        order, done = self._order(epoch), (epoch - 1) * self.steps
        rates, whole = self._rates(epoch), int(self._samples.min()) // self._batch  # steps that all do in full
        full, rest = np.full_like(self._samples, self._batch), self._samples - whole * self._batch
        for first, count, counts in ((0, whole, full), (whole, self.steps - whole, rest)):
            begin, last, batch = first, first + count, int(counts.max())
            while begin < last:
                end = min(last, begin + self._steps_at_once())
                index = order[:, self._batch * first + batch * (begin - first) :][:, : batch * (end - begin)]
                started = time.perf_counter()
                found = self._call(index, counts, rates[:, begin:end], done + begin + 1)
                self._step_seconds = (time.perf_counter() - started) / (end - begin)
                losses[:, begin:end] = found[0]
                right += found[1].sum(axis=1)
                begin = end
        return Figures(losses, right / self._samples, self._evaluate())

    def _steps_at_once(self) -> int:
        """How many steps return to Python soon enough for Ctrl-C."""
        return max(1, int(RETURN_SECONDS / self._step_seconds)) if self._step_seconds else 1

    # --- evaluation ---

    def _evaluate(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Mean loss, and share of right answers, of every member on the samples that are held out for it."""
        members = self.spec.members
        if members.held_out is None:
            return None
        chosen = [members.held_out[k] for k in self.numbers]
        counts = np.array([len(rows) for rows in chosen])
        if all(rows is chosen[0] for rows in chosen):
            index = chosen[0][None]
        else:
            index = np.array([np.pad(rows, (0, counts.max() - len(rows)), "edge") for rows in chosen])
        total, right = np.zeros(len(self.numbers)), np.zeros(len(self.numbers))
        whole = int(counts.min()) // self._evaluated * self._evaluated
        for part, sizes in (
            (index[:, :whole], np.full_like(counts, self._evaluated)),
            (index[:, whole:], counts - whole),
        ):
            if part.shape[1]:
                losses, correct = self._call(part, sizes, None, 0)
                total += losses.sum(axis=1) * sizes
                right += correct.sum(axis=1)
        return total / counts, right / counts

    # --- the kernel ---

    def _call(self, index: Array, sizes: Array, rates: Array | None, first: int) -> tuple[Array, Array]:
        """Losses (k, s) and right answers (k, s) of some steps; without rates, of an evaluation.

        A step of member k has the first ``sizes[k]`` of as many samples as the largest has.
        """
        spec, members, count = self.spec, self.spec.members, len(self.numbers)
        steps = index.shape[1] // int(sizes.max())
        training = rates is not None
        numbers = np.zeros((count, len(MemberField)))
        numbers[:, MemberField.DECAY] = members.decays[self.numbers]
        numbers[:, MemberField.L2] = members.l2[self.numbers] / sizes if training else 0.0
        seeds = np.array([members.seeds[k] for k in self.numbers], np.uint64)
        numbers[:, MemberField.SEED_LOW] = seeds & np.uint64(0xFFFFFFFF)
        numbers[:, MemberField.SEED_HIGH] = seeds >> np.uint64(32)
        numbers[:, MemberField.SAMPLES] = sizes
        for size in set(sizes.tolist()) - {0}:
            scale, here = spec.loss.scale(size, spec.model.output_shape), sizes == size
            numbers[here, MemberField.LOSS_SCALE] = spec.terms.value * scale
            numbers[here, MemberField.GRADIENT_SCALE] = spec.terms.gradient * scale
        losses, correct = np.empty((count, steps)), np.zeros((count, steps), np.int64)
        rule = spec.optimizer.rule
        coefficients = [float(getattr(spec.optimizer, name)) for name in rule.coefficients]
        population_steps()(
            *(self._w, self._state.get("m"), self._state.get("v"), self._table, spec.inputs, spec.targets),
            np.ascontiguousarray(index),
            np.zeros((count, steps)) if rates is None else np.ascontiguousarray(rates),
            *(numbers, losses, correct, self._work),
            *(float(training), first, spec.fixed_step, int(rule), *coefficients, *[0.0] * (3 - len(coefficients))),
            int(spec.terms.kind),
        )
        return losses, correct
