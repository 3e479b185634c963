"""Running the steps of a training, layer by layer or compiled: the same kernels on the same arrays.

A batch of more than `MAX_BATCH` samples is processed in blocks, whose gradients are accumulated, so that the
activations of a block stay in the cache; the update follows once, after the last block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.eager import Counter, Eager
from fastnn.lazy import lazy_attribute
from fastnn.program.compiled import Compiled, record, replay
from fastnn.program.panels import ParameterPanels
from fastnn.program.record import NotRecordableError
from fastnn.program.step import Problem, gradient_step, penalise, update_step

Array = NDArray[Any]

MAX_BATCH = 1024
BLOCK_ROWS = 480  # samples of a block
RETURN_SECONDS = 0.1  # a compiled run returns to Python this often, so that Ctrl-C and the progress bar work


@dataclass
class Segment:
    """Consecutive steps of one epoch that have the same batch size, with the arrays that they read and write.

    Parameters
    ----------
    index : (S, B) int64
        Rows of the data that each of the S steps reads.
    rate : (S,) float64
        Learning rates.
    t : (S,) int64
        Numbers of the steps in the whole training, counted from 1.
    loss : (S,) float64
        Losses; written.
    correct : (S,) int64
        Numbers of samples that are classified correctly; written.
    done : int
        How many of the steps `Session.run_ahead` has done.
    seconds : float
        The time that those steps took.
    """

    index: Array
    rate: Array
    t: Array
    loss: Array
    correct: Array
    done: int = 0
    seconds: float = 0.0

    @classmethod
    def several(cls, indices: Sequence[Array], done: int) -> list[Segment]:
        """Consecutive segments that read the given rows, after `done` earlier steps; their rates are still 0."""
        ends = np.cumsum([len(index) for index in indices]).tolist()
        rate, loss, correct = np.zeros(ends[-1]), np.zeros(ends[-1]), np.zeros(ends[-1], np.int64)
        t = np.arange(done + 1, done + ends[-1] + 1, dtype=np.int64)
        found = []
        for index, end in zip(indices, ends, strict=True):
            here = slice(end - len(index), end)
            found.append(cls(index, rate[here], t[here], loss[here], correct[here]))
        return found


def blocks_of(batch: int, whole: bool = False) -> list[int]:
    """Sizes of the blocks in which a batch is processed; one block if a layer needs the `whole` batch at once."""
    if batch <= MAX_BATCH or whole:
        return [batch]
    sizes = [BLOCK_ROWS] * (batch // BLOCK_ROWS)
    return sizes if batch % BLOCK_ROWS == 0 else [*sizes, batch % BLOCK_ROWS]


@contextmanager
def _arrays_locked(problem: Problem) -> Iterator[None]:
    """Make the model's arrays read-only while a step is recorded: a change made in Python could not be replayed."""
    arrays = [
        array
        for name, p in problem.model.named_parameters.items()
        for array in (p.value, p.grad, *problem.state[name].values())
    ]
    arrays += problem.model.state.values()
    for array in arrays:
        array.flags.writeable = False
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise NotRecordableError("a step changed parameters or gradients without the kernels of `ops`") from error
    finally:
        for array in arrays:
            array.flags.writeable = True


def _step(problem: Problem, rows: int, batch: int, ops: Any) -> None:
    """One step; for a block of a larger batch, its gradients alone."""
    index = ops.stream((rows,), np.int64)
    loss, correct = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    # the row of the batch at which the block begins: the same in every step, so this stream does not advance
    row = ops.stream((1,), np.int64, stride=0)
    ops.counter = Counter(problem.seed, t, row)
    gradient_step(ops, problem, index, loss, correct, problem.loss.scale(batch, problem.model.output_shape))
    if rows == batch:
        penalise(ops, problem, loss, batch)
        update_step(ops, problem, rate, t)


def _update_key(batch: int) -> tuple[int, int, float]:
    """Key of the program that updates the parameters after the last block of a batch."""
    return 0, batch, 0.0


def _update_step(problem: Problem, batch: int, ops: Any) -> None:
    rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    penalise(ops, problem, ops.stream((1,), np.float64), batch)
    update_step(ops, problem, rate, t)


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
            with _arrays_locked(self.problem):
                record(partial(_step, self.problem, 1, 2), self.problem.model.dtype, beta=1.0)
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
        whole = problem.model.whole_batch or (batch > MAX_BATCH and not self._accumulates)
        start = 0
        for size in blocks_of(batch, whole):
            counter = Counter(problem.seed, t, np.array([start]))
            ops = Eager(problem.model.dtype, beta=float(start > 0), counter=counter)
            index = segment.index[first, start : start + size]
            gradient_step(ops, problem, index, loss, correct, scale)
            segment.loss[first] += loss[0]
            segment.correct[first] += correct[0]
            start += size
        penalise(ops, problem, segment.loss[first : first + 1], batch)
        update_step(ops, problem, segment.rate[first : first + 1], t)
        return 1


class CompiledSession(Session):
    """Replays compiled steps, with one program for each batch size.

    Parameters
    ----------
    problem : Problem
    batch : int
        Samples of a step; the last step of an epoch has the samples that remain.
    ignore_nonfinite : bool
        False: `run` returns after a step whose loss is not finite.

    Raises
    ------
    NotRecordableError
        If a layer cannot be compiled.
    """

    def __init__(self, problem: Problem, batch: int, ignore_nonfinite: bool) -> None:
        self.batch, self.ignore_nonfinite = batch, ignore_nonfinite
        recordings = {}
        with _arrays_locked(problem):
            for size in {batch, len(problem.inputs) % batch} - {0}:
                blocks = blocks_of(size, problem.model.whole_batch)
                for rows, beta in {(blocks[0], 0.0), *((rows, 1.0) for rows in blocks[1:])}:
                    step = partial(_step, problem, rows, size)
                    recordings[rows, size, beta] = record(step, problem.model.dtype, beta)
                if len(blocks) > 1:
                    recordings[_update_key(size)] = record(partial(_update_step, problem, size), problem.model.dtype)
        matrices = [(p.value, [*problem.state[name].values()]) for name, p in problem.model.named_parameters.items()]
        super().__init__(problem, ParameterPanels(recordings.values(), matrices))
        self._programs = {key: Compiled(r, self.panels.replacements) for key, r in recordings.items()}
        self._first_row = np.zeros(1, np.int64)
        self.can_run_ahead = len(blocks_of(batch, problem.model.whole_batch)) == 1

    @property
    def programs(self) -> list[tuple[Compiled, int]]:
        """The programs that make up a step of the full batch size, and how often each of them runs in it."""
        first, *others = blocks_of(self.batch, self.problem.model.whole_batch)
        parts = [(self._programs[first, self.batch, 0.0], 1)]
        for rows in dict.fromkeys(others):
            parts.append((self._programs[rows, self.batch, 1.0], others.count(rows)))
        return [*parts, (self._programs[_update_key(self.batch)], 1)] if others else parts

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
        self._programs[_update_key(batch)].run((segment.rate, segment.t, segment.loss), step, 1)
        return 1
