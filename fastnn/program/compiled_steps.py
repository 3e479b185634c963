"""The compiled steps of a training, which the next training of the same kind may use again.

A batch of more than `MAX_BATCH` samples is processed in blocks, whose gradients are accumulated, so that the
activations of a block stay in the cache; the update follows once, after the last block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels.eager import Counter
from fastnn.program.compiled import Compiled, record
from fastnn.program.kind import numbers_of
from fastnn.program.panels import ParameterPanels
from fastnn.program.record import NotRecordableError
from fastnn.program.step import Problem, gradient_step, penalise, update_step

Array = NDArray[Any]

MAX_BATCH = 1024
BLOCK_ROWS = 480  # samples of a block


def blocks_of(batch: int, whole: bool = False) -> list[int]:
    """Sizes of the blocks in which a batch is processed; one block if a layer needs the `whole` batch at once."""
    if batch <= MAX_BATCH or whole:
        return [batch]
    sizes = [BLOCK_ROWS] * (batch // BLOCK_ROWS)
    return sizes if batch % BLOCK_ROWS == 0 else [*sizes, batch % BLOCK_ROWS]


@contextmanager
def arrays_locked(problem: Problem) -> Iterator[None]:
    """Make the model's arrays read-only while a step is recorded: a change made in Python could not be replayed."""
    arrays = [array for p in problem.model.named_parameters.values() for array in (p.value, p.grad)]
    arrays += problem.model.state.values()
    arrays += [array for slots in problem.state.values() for array in slots.values()]
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


def whole_step(problem: Problem, rows: int, batch: int, ops: Any) -> None:
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


def update_key(batch: int) -> tuple[int, int, float]:
    """Key of the program that updates the parameters after the last block of a batch."""
    return 0, batch, 0.0


def _update_step(problem: Problem, batch: int, ops: Any) -> None:
    rate, t = ops.stream((1,), np.float64), ops.stream((1,), np.int64)
    penalise(ops, problem, ops.stream((1,), np.float64), batch)
    update_step(ops, problem, rate, t)


class CompiledSteps:
    """The programs of the steps of one problem, and the panels that they share; another problem may use them later.

    Parameters
    ----------
    problem : Problem
    batch, rest : int
        Samples of a step, and of the last one of an epoch, if that has less; else 0.
    arrays : list of array
        What `arrays_of` gives for the problem.
    packed : bool
        Whether weights may be trained in panels; otherwise the model is up to date after every step.

    Attributes
    ----------
    programs : dict of (rows, batch, beta) to Compiled
    panels : ParameterPanels
    can_be_rebound : bool
    user : weak reference or None
        The session that uses the programs, or did so last.
    """

    user: Callable[[], Any] | None = None

    def __init__(self, problem: Problem, batch: int, rest: int, arrays: list[Array], packed: bool = True) -> None:
        recordings = {}
        with arrays_locked(problem):
            for size in {batch, rest} - {0}:
                blocks = blocks_of(size, problem.model.whole_batch)
                for rows, beta in {(blocks[0], 0.0), *((rows, 1.0) for rows in blocks[1:])}:
                    step = partial(whole_step, problem, rows, size)
                    recordings[rows, size, beta] = record(step, problem.model.dtype, beta, problem.precision)
                if len(blocks) > 1:
                    recordings[update_key(size)] = record(partial(_update_step, problem, size), problem.model.dtype)
        self.panels = ParameterPanels(recordings.values(), _matrices(problem)) if packed else ParameterPanels()
        replacements = self.panels.replacements
        self.programs = {key: Compiled(r, replacements, arrays) for key, r in recordings.items()}
        self.can_be_rebound = all(program.can_be_rebound for program in self.programs.values())
        self.nbytes = self.panels.nbytes + sum(program.nbytes for program in self.programs.values())

    def bind(self, problem: Problem, arrays: list[Array]) -> None:
        """Work on a problem, which must be of the kind of the first one, from its arrays as they are now."""
        self.panels.rebind(_matrices(problem))
        for (_, batch, _), program in self.programs.items():
            program.rebind(arrays, numbers_of(problem, batch))

    def release(self) -> None:
        """Let go of the problem's arrays."""
        self.panels.release()
        for program in self.programs.values():
            program.release()


def _matrices(problem: Problem) -> list[tuple[Array, list[Array]]]:
    """Each parameter's array, with the arrays of its optimiser state."""
    return [(p.value, [*problem.state[name].values()]) for name, p in problem.model.named_parameters.items()]
