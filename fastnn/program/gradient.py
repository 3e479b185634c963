"""The loss and the gradients of all samples at once, for methods that do not go by batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from fastnn.kernels.backend import current_backend
from fastnn.kernels.eager import Counter, Eager
from fastnn.program.compiled import Compiled, record
from fastnn.program.compiled_steps import blocks_of
from fastnn.program.record import NotRecordableError
from fastnn.program.step import Problem, gradient_step, penalise


class Gradient:
    """Computes the loss of all samples and its gradients, block by block and compiled where that is possible.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self._samples = problem, len(problem.inputs)
        self._index = np.arange(self._samples)
        self._scale = problem.loss.scale(self._samples, problem.model.output_shape)
        self._blocks = blocks_of(self._samples, problem.model.whole_batch)
        self._programs: dict[tuple[int, float], Compiled] = {}
        if current_backend() != "native":
            return
        try:
            for rows, beta in {(rows, float(i > 0)) for i, rows in enumerate(self._blocks)}:
                block = partial(self._block, rows)
                self._programs[rows, beta] = Compiled(record(block, problem.model.dtype, beta, problem.precision))
        except NotRecordableError:
            self._blocks, self._programs = [self._samples], {}

    def _block(self, rows: int, ops: Any) -> None:
        index = ops.stream((rows,), np.int64)
        loss, correct = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
        row, step = ops.stream((1,), np.int64), np.zeros(1, np.int64)
        ops.counter = Counter(self._problem.seed, step, row)
        gradient_step(ops, self._problem, index, loss, correct, self._scale)

    def run(self) -> tuple[float, float]:
        """Write the gradients of the model's parameters, and return the loss and the part of it that is penalties.

        Returns
        -------
        loss, penalty : float
        """
        problem, total, start = self._problem, np.zeros(1), 0
        for i, rows in enumerate(self._blocks):
            index, row = self._index[start : start + rows], np.array([start])
            loss, correct, beta = np.zeros(1), np.zeros(1, np.int64), float(i > 0)
            if self._programs:
                self._programs[rows, beta].run((index, loss, correct, row), 0, 1)
            else:
                counter = Counter(problem.seed, np.zeros(1, np.int64), row)
                ops = Eager(problem.model.dtype, beta, counter, problem.precision)
                gradient_step(ops, problem, index, loss, correct, self._scale)
            total += loss
            start += rows
        penalty = np.zeros(1)
        penalise(Eager(problem.model.dtype), problem, penalty, self._samples)
        return float(total[0] + penalty[0]), float(penalty[0])
