"""Running the steps of a training, layer by layer or compiled: the same kernels on the same arrays."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.caller import warn_caller
from fastnn.kernels import current_backend
from fastnn.kernels.eager import Counter, Eager
from fastnn.lazy import lazy_attribute
from fastnn.program.binding import arrays_of
from fastnn.program.compiled import Compiled, record, replay
from fastnn.program.compiled_steps import CompiledSteps, arrays_locked, blocks_of, update_key, whole_step
from fastnn.program.kind import kind_of_problem
from fastnn.program.panels import ParameterPanels
from fastnn.program.record import NotRecordableError
from fastnn.program.segment import Segment
from fastnn.program.step import Problem, gradient_step, penalise, update_step
from fastnn.program.warm import WarmCache

Array = NDArray[Any]

RETURN_SECONDS = 0.1  # a compiled run returns to Python this often, so that Ctrl-C and the progress bar work


class Session:
    """Runs steps; its steps may use packed copies of the parameters and of the optimiser's state.

    Parameters
    ----------
    problem : Problem
    panels : ParameterPanels
        The packed copies.

    Attributes
    ----------
    can_run_ahead : bool
        Whether `run_ahead` is available: the steps are compiled, and a batch is a single block.
    """

    can_run_ahead = False

    def __init__(self, problem: Problem, panels: ParameterPanels) -> None:
        self.problem, self.panels = problem, panels

    def run(self, segment: Segment, first: int, count: int, seconds: float) -> int:
        """Do up to `count` steps of a segment from step `first` on, for about `seconds`; return how many were done.

        The parameters are up to date in the model only after `store`.
        """
        raise NotImplementedError

    def run_ahead(self, segments: Sequence[Segment], seconds: float) -> None:
        """Do the steps of several segments without returning to Python in between, for about `seconds`.

        How many were done is noted in ``Segment.done``; `run` skips those.
        """
        raise NotImplementedError

    def run_all(self, indices: Sequence[Array], rates: Array, done: int) -> Iterator[tuple[Segment, slice]]:
        """Do the steps on some batches, and say what has been done about ten times a second.

        Parameters
        ----------
        indices : sequence of (S, B) int64
            The rows that each step reads.
        rates : (steps,) float64
            The learning rates of all steps.
        done : int
            How many steps of the training came before.

        Yields
        ------
        (Segment, slice)
            The segment and those of its steps that have just been done.
        """
        begin = 0
        for segment in Segment.several(indices, done):
            first, steps = 0, len(segment.index)
            segment.rate[...] = rates[begin : begin + steps]
            begin += steps
            while first < steps:
                last = first + self.run(segment, first, steps - first, RETURN_SECONDS)
                yield segment, slice(first, last)
                first = last

    def release(self) -> None:
        """Say that no more steps will be run; what was compiled may then be used by another training."""

    def outputs(self, x: Array) -> Array:
        """Raw outputs of samples (N, *input_shape) by the model, which is up to date."""
        return self.problem.model.channels_first().forward(x)

    def load(self) -> None:
        """Take over the model's parameters as they are now."""
        self.panels.load()

    def store(self) -> None:
        """Write the trained parameters to the model."""
        self.panels.store()

    def load_state(self) -> None:
        """Take over the optimiser's state as it is now."""
        self.panels.load_state()

    def store_state(self) -> None:
        """Write the optimiser's state to the arrays of the problem."""
        self.panels.store_state()


class EagerSession(Session):
    """Calls the kernels of each step from Python, on the model's own arrays."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, ParameterPanels())

    @lazy_attribute
    def _accumulates(self) -> bool:
        """Whether gradients can be accumulated over blocks: a layer that computes with NumPy may ignore `ops.beta`."""
        try:
            with arrays_locked(self.problem):
                record(partial(whole_step, self.problem, 1, 2), self.problem.model.dtype, beta=1.0)
        except NotRecordableError:
            return False
        return True

    def run(self, segment: Segment, first: int, count: int, seconds: float) -> int:
        """Do one step, so that the caller gets control back after each; return 1."""
        problem = self.problem
        batch = segment.index.shape[1]
        scale = problem.loss.scale(batch, problem.model.output_shape)
        loss, correct = np.zeros(1), np.zeros(1, np.int64)
        t = segment.t[first : first + 1]
        whole = problem.model.whole_batch or (len(blocks_of(batch)) > 1 and not self._accumulates)
        start = 0
        for size in blocks_of(batch, whole):
            counter = Counter(problem.seed, t, np.array([start]))
            ops = Eager(problem.model.dtype, float(start > 0), counter, problem.precision)
            index = segment.index[first, start : start + size]
            gradient_step(ops, problem, index, loss, correct, scale)
            segment.loss[first] += loss[0]
            segment.correct[first] += correct[0]
            start += size
        penalise(ops, problem, segment.loss[first : first + 1], batch)
        update_step(ops, problem, segment.rate[first : first + 1], t)
        return 1


_WARM: WarmCache[CompiledSteps] = WarmCache()


class CompiledSession(Session):
    """Replays compiled steps, with one program for each batch size.

    Parameters
    ----------
    problem : Problem
    batch : int
        Samples of a step; the last step of an epoch has the samples that remain.
    ignore_nonfinite : bool
        False: `run` returns after a step whose loss is not finite.
    packed : bool
        Whether weights may be trained in panels; otherwise the model is up to date after every step.
    samples : int, optional
        Samples of an epoch. Default: all those of the problem.

    Raises
    ------
    NotRecordableError
        If a layer cannot be compiled.
    """

    def __init__(
        self, problem: Problem, batch: int, ignore_nonfinite: bool, packed: bool = True, samples: int | None = None
    ) -> None:
        self.batch, self.ignore_nonfinite = batch, ignore_nonfinite
        rest = (len(problem.inputs) if samples is None else samples) % batch
        kind = kind_of_problem(problem, batch, rest)
        self._kind = None if kind is None else (kind, packed)
        arrays = arrays_of(problem)
        warm = None if self._kind is None else _WARM.take(self._kind)
        self._steps = CompiledSteps(problem, batch, rest, arrays, packed) if warm is None else warm
        super().__init__(problem, self._steps.panels)
        former = None if self._steps.user is None else self._steps.user()
        if former is not None:
            former._keep_seconds()
        self._steps.user = weakref.ref(self)
        self._steps.bind(problem, arrays)
        self._programs = self._steps.programs
        self._seconds: dict[int, list[float]] = {}
        self._first_row = np.zeros(1, np.int64)
        self.can_run_ahead = len(blocks_of(batch, problem.model.whole_batch)) == 1

    def release(self) -> None:
        """See `Session.release`."""
        self.store_state()
        self.panels = ParameterPanels()  # from now on the arrays of the problem are all that there is
        self._steps.release()
        if self._kind is not None and self._steps.can_be_rebound:
            _WARM.put(self._kind, self._steps)

    @property
    def programs(self) -> list[tuple[Compiled, int]]:
        """The programs that make up a step of the full batch size, and how often each of them runs in it."""
        first, *others = blocks_of(self.batch, self.problem.model.whole_batch)
        parts = [(self._programs[first, self.batch, 0.0], 1)]
        for rows in dict.fromkeys(others):
            parts.append((self._programs[rows, self.batch, 1.0], others.count(rows)))
        return [*parts, (self._programs[update_key(self.batch)], 1)] if others else parts

    def seconds_of(self, program: Compiled) -> list[float]:
        """Mean time of each operation of one of the programs in the steps of this session."""
        return self._seconds.get(id(program)) or program.seconds_per_operation

    def _keep_seconds(self) -> None:
        """Keep the times of the programs, which another session is about to use."""
        self._seconds = {id(program): program.seconds_per_operation for program in self._programs.values()}

    def run(self, segment: Segment, first: int, count: int, seconds: float) -> int:
        """See `Session.run`; of a batch in blocks, one step at a time."""
        if first < segment.done:
            return min(count, segment.done - first)
        blocks = blocks_of(segment.index.shape[1], self.problem.model.whole_batch)
        if len(blocks) > 1:
            return self._run_in_blocks(segment, first, blocks)
        program, streams, _, watch = self._replayed(segment)
        return program.run(streams, first, count, seconds=seconds, watch=watch)

    def run_ahead(self, segments: Sequence[Segment], seconds: float) -> None:
        """See `Session.run_ahead`."""
        done, took = replay([self._replayed(segment) for segment in segments], seconds)
        for segment, seconds in zip(segments, took, strict=True):
            segment.seconds = seconds
            segment.done = min(done, len(segment.index))
            done -= segment.done

    def _replayed(self, segment: Segment) -> tuple[Compiled, tuple[Array, ...], int, Array | None]:
        """The steps of a segment whose batches are single blocks, in the form that `replay` takes."""
        steps, batch = segment.index.shape
        streams = (segment.index, segment.loss, segment.correct, segment.rate, segment.t, self._first_row)
        return self._programs[batch, batch, 0.0], streams, steps, None if self.ignore_nonfinite else segment.loss

    def _run_in_blocks(self, segment: Segment, step: int, blocks: list[int]) -> int:
        batch = sum(blocks)
        losses, corrects = np.zeros(len(blocks)), np.zeros(len(blocks), np.int64)
        start = 0
        for i, rows in enumerate(blocks):
            program = self._programs[rows, batch, float(i > 0)]
            index, row = segment.index[step, start:], np.array([start])
            program.run((index, losses[i:], corrects[i:], segment.rate[step:], segment.t[step:], row), 0, 1)
            start += rows
        for loss, correct in zip(losses, corrects, strict=True):
            segment.loss[step] += loss
            segment.correct[step] += correct
        self._programs[update_key(batch)].run((segment.rate, segment.t, segment.loss), step, 1)
        return 1


def session_for(
    function: str,
    problem: Problem,
    batch: int,
    ignore_nonfinite: bool,
    *,
    compile: bool = True,
    packed: bool = True,
    samples: int | None = None,
) -> Session:
    """The compiled session for a problem, where the backend and the layers allow it; otherwise one layer by layer.

    Parameters
    ----------
    function : str
        Whose training it is, for the warning that a layer cannot be compiled.
    problem, batch, ignore_nonfinite, packed, samples
        See `CompiledSession`.
    compile : bool
        Whether to compile at all.
    """
    if compile and current_backend() == "native":
        try:
            return CompiledSession(problem, batch, ignore_nonfinite, packed, samples)
        except NotRecordableError as error:
            warn_caller(f"{function}: the training runs layer by layer ({error})")
    return EagerSession(problem)
