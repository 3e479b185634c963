"""The epochs that come next; short ones are run several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from numpy.typing import NDArray

from fastnn.program.segment import Segment
from fastnn.program.session import RETURN_SECONDS
from fastnn.trainer.learning_rates import learning_rates
from fastnn.trainer.parameter_sync import ParameterSync
from fastnn.trainer.position import Position
from fastnn.trainer.shuffle import shuffled_batches
from fastnn.trainer.spec import TrainingSpec

Array = NDArray[Any]

_MAX_ROWS = 2**16  # samples of the epochs that are laid out at once; their order is held in memory
_LAID_OUT = 16  # epochs that are laid out at first; later as many as went before, since a training may be stopped


class EpochQueue:
    """Lays out the steps of each epoch, and runs epochs ahead of the loop if nobody has to see the model in between.

    A call of a compiled step costs some microseconds of Python, which is a large share of a short epoch. Epochs that
    were run ahead are accounted for one by one all the same, exactly as if the loop had run them.

    Parameters
    ----------
    spec : TrainingSpec
    parameters : ParameterSync
        Holds the session that runs the steps.
    in_memory : bool
        Whether all samples can be read in place; otherwise epochs are never run ahead.
    """

    def __init__(self, spec: TrainingSpec, parameters: ParameterSync, in_memory: bool) -> None:
        self._spec, self._parameters = spec, parameters
        self._may_run_ahead = in_memory and spec.validation is None and not spec.metrics
        self._epochs: deque[list[Segment]] = deque()
        self._first = 0  # number of the first of them

    @property
    def ran_ahead(self) -> bool:
        """Whether steps of the next epoch have been done already."""
        return bool(self._epochs) and self._epochs[0][0].done > 0

    def next(self, position: Position, most: Callable[[], int], step_seconds: float) -> list[Segment]:
        """The segments of the next epoch; some of their steps may have been done.

        Parameters
        ----------
        position : Position
            Where the training is: in this epoch, or before its first step.
        most : callable
            Says how many epochs may be run before a callback has to be told of the first.
        step_seconds : float
            How long a step takes; NaN if that is not known yet.
        """
        if not self.ran_ahead:
            if not self._epochs or self._first != position.epoch:
                self._lay_out(position.epoch)
            count = self._count(position, most, step_seconds)
            if count > 1:
                self._run_ahead(count)
        self._first += 1
        return self._epochs.popleft()

    def leftover_losses(self) -> list[Array]:
        """Losses of the steps that were run ahead and that the loop never got to, because it was interrupted."""
        return [segment.loss[: segment.done] for epoch in self._epochs for segment in epoch]

    def _count(self, position: Position, most: Callable[[], int], step_seconds: float) -> int:
        """How many of the epochs laid out to run in one call: no longer than `RETURN_SECONDS`."""
        seconds = step_seconds * self._spec.steps
        possible = self._may_run_ahead and self._parameters.session.can_run_ahead
        if not possible or position.step or not seconds > 0:
            return 1
        return max(1, min(most(), len(self._epochs), int(RETURN_SECONDS / seconds)))

    def _lay_out(self, first: int) -> None:
        spec, self._first = self._spec, first
        count = max(1, min(max(_LAID_OUT, first - 1), spec.epochs + 1 - first, _MAX_ROWS // spec.samples))
        epochs = range(first, first + count)
        batches = shuffled_batches(spec.problem.seed, epochs, spec.samples, spec.batch_size, spec.shuffle)
        segments = iter(Segment.several([index for epoch in batches for index in epoch], (first - 1) * spec.steps))
        self._epochs = deque([next(segments) for _ in epoch] for epoch in batches)

    def _run_ahead(self, count: int) -> None:
        segments = [segment for epoch in islice(self._epochs, count) for segment in epoch]
        for segment in segments:
            segment.rate[...] = learning_rates(self._spec, int(segment.t[0]) - 1, len(segment.index))
        self._parameters.take_over()
        self._parameters.session.run_ahead(segments, RETURN_SECONDS)
