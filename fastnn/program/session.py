"""The steps of a training, eager or compiled: the same kernels on the same arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.eager import Counter, Eager
from fastnn.program.compiled import Compiled, record, replay
from fastnn.program.panels import Resident
from fastnn.program.record import NotRecordableError
from fastnn.program.step import Task, gradient_step, update_step

Array = NDArray[Any]

# a batch with more samples is worked through in blocks of this many, whose activations stay in cache
MAX_BATCH = 1024
BLOCK_ROWS = 480
_UPDATE = (0, 0, 0.0)  # key of the program that updates after all blocks


@dataclass
class Epoch:
    """Arrays of the equal-sized steps of one epoch: what they read, and what they write."""

    index: Array  # (S, batch) int64: rows of the data
    rate: Array  # (S,) float64
    t: Array  # (S,) int64: steps counted from 1 over the whole training
    loss: Array  # (S,) float64, written
    correct: Array  # (S,) int64, written
    done: int = 0  # steps that `run_ahead` did,
    seconds: float = 0.0  # and what they took

    @classmethod
    def several(cls, indices: Sequence[Array], done: int) -> list[Epoch]:
        """Parts with these rows, one behind the other, the first behind `done` other steps; rates are to be set."""
        ends = np.cumsum([len(index) for index in indices]).tolist()
        rate, loss, correct = np.zeros(ends[-1]), np.zeros(ends[-1]), np.zeros(ends[-1], np.int64)
        t = np.arange(done + 1, done + ends[-1] + 1, dtype=np.int64)
        found = []
        for index, end in zip(indices, ends, strict=True):
            here = slice(end - len(index), end)
            found.append(cls(index, rate[here], t[here], loss[here], correct[here]))
        return found


def blocks_of(batch: int, whole: bool = False) -> list[int]:
    """Sizes of the blocks that a batch is worked through in; `whole`: a layer needs all of it at once."""
    if batch <= MAX_BATCH or whole:
        return [batch]
    sizes = [BLOCK_ROWS] * (batch // BLOCK_ROWS)
    return sizes if batch % BLOCK_ROWS == 0 else [*sizes, batch % BLOCK_ROWS]


@contextmanager
def _arrays_locked(task: Task) -> Iterator[None]:
    """Make the model's arrays read-only while a step is recorded: what changes them at once cannot be replayed."""
    arrays = [
        array
        for name, p in task.model.named_parameters.items()
        for array in (p.value, p.grad, *task.state[name].values())
    ]
    arrays += task.model.state.values()
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


def _step(task: Task, rows: int, batch: int, ops: Any) -> None:
    """The step (or, of a batch in blocks, the gradients of one block)."""
    index = ops.stream((rows,), np.int64)
    loss, correct = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    # the only block of a batch begins with its first row in every step
    row = ops.stream((1,), np.int64, stride=0)
    ops.counter = Counter(task.seed, t, row)
    gradient_step(ops, task, index, loss, correct, task.loss.scale(batch, task.model.output_shape))
    if rows == batch:
        task.model.penalise(ops, loss)
        update_step(ops, task, rate, t)


def _update_step(task: Task, ops: Any) -> None:
    rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    task.model.penalise(ops, ops.stream((1,), np.float64))
    update_step(ops, task, rate, t)


class EagerSession:
    """Runs steps layer by layer."""

    can_run_ahead = False  # one step a call

    def __init__(self, task: Task) -> None:
        self.task = task

    @cached_property
    def _adds_up(self) -> bool:
        """Whether gradients can be summed over blocks: layers that compute with NumPy need not heed `ops.beta`."""
        try:
            with _arrays_locked(self.task):
                record(partial(_step, self.task, 1, 2), self.task.model.dtype, beta=1.0)
        except NotRecordableError:
            return False
        return True

    def run(self, epoch: Epoch, first: int, count: int, seconds: float) -> int:
        """Do one step (so that the caller can look up between two); return how many were done."""
        task = self.task
        batch = epoch.index.shape[1]
        scale = task.loss.scale(batch, task.model.output_shape)
        loss, correct = np.zeros(1), np.zeros(1, np.int64)
        t = epoch.t[first : first + 1]
        whole = task.model.whole_batch or (batch > MAX_BATCH and not self._adds_up)
        start = 0
        for size in blocks_of(batch, whole):
            counter = Counter(task.seed, t, np.array([start]))
            ops = Eager(task.model.dtype, beta=float(start > 0), counter=counter)
            index = epoch.index[first, start : start + size]
            gradient_step(ops, task, index, loss, correct, scale)
            epoch.loss[first] += loss[0]
            epoch.correct[first] += correct[0]
            start += size
        task.model.penalise(ops, epoch.loss[first : first + 1])
        update_step(ops, task, epoch.rate[first : first + 1], t)
        return 1

    def run_ahead(self, parts: Sequence[Epoch], seconds: float) -> None:
        """Nothing: see `can_run_ahead`."""

    def load(self) -> None:
        """Nothing to do: the steps use the model's own arrays."""

    def store(self) -> None:
        """Nothing to do: the steps use the model's own arrays."""

    def load_state(self) -> None:
        """Nothing to do: the steps use the task's own arrays."""

    def store_state(self) -> None:
        """Nothing to do: the steps use the task's own arrays."""


class CompiledSession:
    """Replays compiled steps; one program a batch size.

    Raises
    ------
    NotRecordableError
        If a layer cannot be compiled.
    """

    def __init__(self, task: Task, batch: int, ignore_nonfinite: bool) -> None:
        self.task, self.batch, self.ignore_nonfinite = task, batch, ignore_nonfinite
        recordings = {}
        with _arrays_locked(task):
            for size in {batch, len(task.inputs) % batch} - {0}:
                blocks = blocks_of(size, task.model.whole_batch)
                for rows, beta in {(blocks[0], 0.0), *((rows, 1.0) for rows in blocks[1:])}:
                    step = partial(_step, task, rows, size)
                    recordings[rows, size, beta] = record(step, task.model.dtype, beta)
                if len(blocks) > 1:
                    recordings[_UPDATE] = record(partial(_update_step, task), task.model.dtype)
        self.resident = Resident(
            recordings.values(),
            [(p.value, list(task.state[name].values())) for name, p in task.model.named_parameters.items()],
        )
        self._programs = {key: Compiled(r, self.resident.instead) for key, r in recordings.items()}
        self._first_row = np.zeros(1, np.int64)

    @property
    def programs(self) -> list[tuple[Compiled, int]]:
        """What a step of the full batch size consists of, and how often each part runs in it."""
        first, *others = blocks_of(self.batch, self.task.model.whole_batch)
        parts = [(self._programs[first, self.batch, 0.0], 1)]
        for rows in dict.fromkeys(others):
            parts.append((self._programs[rows, self.batch, 1.0], others.count(rows)))
        return [*parts, (self._programs[_UPDATE], 1)] if others else parts

    def run(self, epoch: Epoch, first: int, count: int, seconds: float) -> int:
        """Do up to `count` steps from step `first`, for about `seconds`; return how many were done.

        The model's parameters are up to date after `store` only.
        """
        if first < epoch.done:
            return min(count, epoch.done - first)
        blocks = blocks_of(epoch.index.shape[1], self.task.model.whole_batch)
        if len(blocks) > 1:
            return self._run_in_blocks(epoch, first, blocks)
        program, streams, _, watch = self._whole(epoch)
        return program.run(streams, first, count, seconds=seconds, watch=watch)

    def _whole(self, epoch: Epoch) -> tuple[Compiled, tuple[Array, ...], int, Array | None]:
        """All steps of batches that are no blocks, as `replay` takes them."""
        steps, batch = epoch.index.shape
        streams = (epoch.index, epoch.loss, epoch.correct, epoch.rate, epoch.t, self._first_row)
        return self._programs[batch, batch, 0.0], streams, steps, None if self.ignore_nonfinite else epoch.loss

    @property
    def can_run_ahead(self) -> bool:
        """Whether `run_ahead` can be used: a batch is one block."""
        return len(blocks_of(self.batch, self.task.model.whole_batch)) == 1

    def run_ahead(self, parts: Sequence[Epoch], seconds: float) -> None:
        """Do the steps of several parts without coming back between them, for about `seconds`.

        How far that went is in the parts' `done`; `run` passes over those steps.
        """
        done, took = replay([self._whole(part) for part in parts], seconds)
        for part, seconds in zip(parts, took, strict=True):
            part.seconds = seconds
            part.done = min(done, len(part.index))
            done -= part.done

    def _run_in_blocks(self, epoch: Epoch, step: int, blocks: list[int]) -> int:
        batch = sum(blocks)
        losses, corrects = np.zeros(len(blocks)), np.zeros(len(blocks), np.int64)
        start = 0
        for i, rows in enumerate(blocks):
            program = self._programs[rows, batch, float(i > 0)]
            index, row = epoch.index[step, start:], np.array([start])
            program.run((index, losses[i:], corrects[i:], epoch.rate[step:], epoch.t[step:], row), 0, 1)
            start += rows
        for loss, correct in zip(losses, corrects, strict=True):
            epoch.loss[step] += loss
            epoch.correct[step] += correct
        self._programs[_UPDATE].run((epoch.rate, epoch.t, epoch.loss), step, 1)
        return 1

    def load(self) -> None:
        """Take over the model's parameters as they are now."""
        self.resident.load()

    def store(self) -> None:
        """Hand the trained parameters back to the model."""
        self.resident.store()

    def load_state(self) -> None:
        """Take over the task's optimiser state as it is now."""
        self.resident.load_state()

    def store_state(self) -> None:
        """Hand the optimiser's state back to the task."""
        self.resident.store_state()
