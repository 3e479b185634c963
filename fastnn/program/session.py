"""The steps of a training, eager or compiled: the same kernels on the same arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.eager import Eager
from fastnn.program.compiled import Compiled
from fastnn.program.step import Task, gradient_step, update_step

Array = NDArray[Any]

# a batch with more samples is worked through in blocks of this many, whose activations stay in cache
MAX_BATCH = 1024
BLOCK_ROWS = 480


@dataclass
class Epoch:
    """Arrays of the equal-sized steps of one epoch: what they read, and what they write."""

    index: Array  # (S, batch) int64: rows of the data
    rate: Array  # (S,) float64
    t: Array  # (S,) int64: steps counted from 1 over the whole training
    loss: Array  # (S,) float64, written
    correct: Array  # (S,) int64, written

    @classmethod
    def of(cls, index: Array, rate: float, done: int) -> Epoch:
        """An epoch at one rate whose first step follows `done` others."""
        steps = len(index)
        t = np.arange(done + 1, done + steps + 1, dtype=np.int64)
        return cls(index, np.full(steps, rate), t, np.zeros(steps), np.zeros(steps, np.int64))


def blocks_of(batch: int) -> list[int]:
    """Sizes of the blocks that a batch is worked through in."""
    if batch <= MAX_BATCH:
        return [batch]
    sizes = [BLOCK_ROWS] * (batch // BLOCK_ROWS)
    return sizes if batch % BLOCK_ROWS == 0 else [*sizes, batch % BLOCK_ROWS]


class EagerSession:
    """Runs steps layer by layer."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def run(self, epoch: Epoch, first: int, count: int, seconds: float) -> int:
        """Do one step (so that the caller can look up between two); return how many were done."""
        task = self.task
        batch = epoch.index.shape[1]
        scale = task.loss.scale(batch, task.model.output_shape)
        loss, correct = np.zeros(1), np.zeros(1, np.int64)
        start = 0
        for size in blocks_of(batch):
            ops = Eager(task.model.dtype, beta=float(start > 0))
            index = epoch.index[first, start : start + size]
            gradient_step(ops, task, index, loss, correct, scale)
            epoch.loss[first] += loss[0]
            epoch.correct[first] += correct[0]
            start += size
        update_step(ops, task, epoch.rate[first : first + 1], epoch.t[first : first + 1])
        return 1


class CompiledSession:
    """Replays compiled steps; one program a batch size, made when first needed.

    Raises
    ------
    NotRecordableError
        On construction, if a layer cannot be compiled.
    """

    def __init__(self, task: Task, batch: int, ignore_nonfinite: bool) -> None:
        self.task, self.ignore_nonfinite = task, ignore_nonfinite
        self._programs: dict[tuple[int, int, float, bool], Compiled] = {}
        self._update: Compiled | None = None
        self.main = self._program(blocks_of(batch)[0], batch, 0.0)

    def _program(self, rows: int, batch: int, beta: float) -> Compiled:
        """The step (or, of a batch in blocks, the gradients of one block)."""
        task, whole = self.task, rows == batch
        key = (rows, batch, beta, whole)
        if key not in self._programs:
            scale = task.loss.scale(batch, task.model.output_shape)

            def record(ops: Any) -> None:
                index = ops.stream((rows,), np.int64)
                loss, correct = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
                rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
                gradient_step(ops, task, index, loss, correct, scale)
                if whole:
                    update_step(ops, task, rate, t)

            self._programs[key] = Compiled(record, task.model.dtype, beta)
        return self._programs[key]

    def run(self, epoch: Epoch, first: int, count: int, seconds: float) -> int:
        """Do up to `count` steps from step `first`, for about `seconds`; return how many were done."""
        batch = epoch.index.shape[1]
        blocks = blocks_of(batch)
        if len(blocks) > 1:
            return self._run_in_blocks(epoch, first, blocks)
        watch = None if self.ignore_nonfinite else epoch.loss
        streams = (epoch.index, epoch.loss, epoch.correct, epoch.rate, epoch.t)
        return self._program(batch, batch, 0.0).run(streams, first, count, seconds=seconds, watch=watch)

    def _run_in_blocks(self, epoch: Epoch, step: int, blocks: list[int]) -> int:
        batch = sum(blocks)
        losses, corrects = np.zeros(len(blocks)), np.zeros(len(blocks), np.int64)
        start = 0
        for i, rows in enumerate(blocks):
            program = self._program(rows, batch, float(i > 0))
            streams = (epoch.index[step, start:], losses[i:], corrects[i:], epoch.rate, epoch.t)
            program.run(streams, 0, 1)
            start += rows
        for loss, correct in zip(losses, corrects, strict=True):
            epoch.loss[step] += loss
            epoch.correct[step] += correct
        self._update_program().run((epoch.rate, epoch.t), step, 1)
        return 1

    def _update_program(self) -> Compiled:
        if self._update is None:

            def record(ops: Any) -> None:
                rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
                update_step(ops, self.task, rate, t)

            self._update = Compiled(record, self.task.model.dtype)
        return self._update
