"""The loss and the gradients of all samples at once, where the samples are the rows of a sparse matrix X."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.kernels.eager import Counter, Eager
from fastnn.layers import Dense, chain
from fastnn.model.sparse import SparseRows
from fastnn.program.compiled_steps import blocks_of
from fastnn.program.step import Problem, gather_targets, loss_gradient, penalise


class SparseGradient:
    """Computes the loss of all samples and its gradients, block by block.

    A dense layer that comes first takes the rows as they are: its outputs are X W + b, and its gradients Xᵀ D and Σ D
    for the gradient D of its outputs. Before any other layer, the rows of a block are made dense.

    Parameters
    ----------
    problem : Problem
        Its inputs are `SparseRows`.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self._rows = problem, problem.inputs.scaled(problem.model.input_scale)
        self._scale = problem.loss.scale(len(self._rows), problem.model.output_shape)
        self._blocks: list[tuple[int, SparseRows]] = []
        start = 0
        for size in blocks_of(len(self._rows), problem.model.whole_batch):
            self._blocks.append((start, self._rows[start : start + size]))
            start += size

    def run(self) -> tuple[float, float]:
        """Write the gradients of the model's parameters, and return the loss and the part of it that is penalties.

        Returns
        -------
        loss, penalty : float
        """
        problem, total = self._problem, np.zeros(1)
        for start, rows in self._blocks:
            counter = Counter.at(problem.seed, row=start)
            ops = Eager(problem.model.dtype, float(start > 0), counter, problem.precision)
            total += self._block(ops, start, rows)
        penalty = np.zeros(1)
        penalise(Eager(problem.model.dtype), problem, penalty, len(self._rows))
        return float(total[0] + penalty[0]), float(penalty[0])

    def _block(self, ops: Eager, start: int, rows: SparseRows) -> Any:
        problem, model = self._problem, self._problem.model
        index, loss = np.arange(start, start + len(rows)), np.zeros(1)
        first = model.layers[0]
        if isinstance(first, Dense):
            x, others = rows.times(first.w.value), model.layers[1:]
            if first.b is not None:
                x += first.b.value
        else:
            x, others = rows.dense().reshape(len(rows), *model.input_shape), model.layers
        out, caches = chain.forward(others, ops, x, True)
        y, correct = gather_targets(ops, problem, index), np.zeros(1, np.int64)
        dout = loss_gradient(ops, problem, index, out, y, loss, correct, self._scale)
        below = isinstance(first, Dense) and bool(first.trained)
        dx = chain.backward(others, ops, dout, caches, below)
        if isinstance(first, Dense) and below:
            gradients = [(first.w, rows.transposed_times(dx))]
            if first.b is not None:
                gradients.append((first.b, dx.sum(axis=0)))
            for parameter, gradient in gradients:
                parameter.grad[...] = gradient if ops.beta == 0 else parameter.grad + gradient
        return loss
