"""Says where steps read their samples: in place, or from a buffer that a file or the augmentation fills."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data import Augmentation
from fastnn.data.mapped import RowFile, as_bytes, release, row_file
from fastnn.kernels.threads import get_num_threads, granted_processors, one_thread
from fastnn.model.sparse import SparseRows
from fastnn.program.segment import Segment
from fastnn.program.step import Problem
from fastnn.trainer.spec import TrainingSpec

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Array = NDArray[Any]
Fill = Callable[[Array, Array, int], object]

_HALF_BYTES = 8 << 20  # size of each half of the buffer
_SLOW_ROW = 20e-6  # seconds: a row in the system's page cache comes much faster, and prefetching it gains nothing
_MAX_BATCH_BYTES = 256 << 20  # samples of a larger batch are read through the mapping of the file


class InMemory:
    """All samples, read in place.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def load(self, segment: Segment, first: int, epoch: int) -> tuple[Segment, int]:
        """The part of a segment that can be run from step `first` on, and the step at which that part begins."""
        return segment, 0

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


class DoubleBuffer:
    """A buffer of two halves, each with the samples of some steps in the order in which they are read.

    While the steps read one half, the other may be prefetched by a thread of its own. Whether that pays is decided
    from how long the last half took to fill: rows that the system holds in its page cache are read when they are
    needed, because reading them beside the steps would only take processor time away from them.

    Parameters
    ----------
    problem : Problem
        The problem whose samples are buffered.
    batch_size : int
    fill : callable
        ``fill(index, out, epoch)`` writes the samples `index` (n,) as they are in that epoch to out (n, D).
    dtype : dtype
        Type of the buffered samples.
    prefetch : bool or None
        Whether to prefetch; None: if the last half took long to fill.

    Attributes
    ----------
    problem : Problem
        The same problem, whose samples are the rows of the buffer.
    """

    def __init__(
        self, problem: Problem, batch_size: int, fill: Fill, dtype: np.dtype[Any], prefetch: bool | None
    ) -> None:
        self._source, self._fill, self._prefetch = problem, fill, prefetch
        row_bytes = prod(problem.inputs.shape[1:]) * dtype.itemsize
        self._half: int = batch_size * max(1, _HALF_BYTES // (batch_size * row_bytes))  # rows
        # The last batch of an epoch is compiled for len(inputs) % batch_size rows: the buffer leaves the same rest.
        count = 2 * self._half + len(problem.inputs) % batch_size
        self._inputs = np.empty((count, *problem.inputs.shape[1:]), dtype)
        self._targets = np.empty((count, *problem.targets.shape[1:]), problem.targets.dtype)
        self._weights = None if problem.weights is None else np.empty((count, 1), problem.weights.dtype)
        self.problem = replace(problem, inputs=self._inputs, targets=self._targets, weights=self._weights)
        self._segment: Segment | None = None
        self._epoch = 0
        self._loaded: Segment | None = None  # the steps whose samples are in the half that was filled last,
        self._steps: tuple[int, int] = (0, 0)  # and which steps of the segment they are
        self._side = 0  # the half to fill next
        self._slow = bool(prefetch)  # whether the next half is to be prefetched
        self._pending: tuple[int, Future[int]] | None = None  # first step of the half that is being prefetched
        self._pool: ThreadPoolExecutor | None = None

    def load(self, segment: Segment, first: int, epoch: int) -> tuple[Segment, int]:
        """The part of a segment that can be run from step `first` on, and the step at which that part begins.

        Raises
        ------
        OSError
            If the file has become shorter or cannot be read.
        """
        start, stop = self._steps
        if segment is self._segment and self._loaded is not None and start <= first < stop:
            return self._loaded, start
        if segment is not self._segment:
            self._wait()
            self._segment, self._epoch = segment, epoch
        if self._pending is not None and self._pending[0] == first:
            self._pending[1].result()
        else:
            self._wait()
            started = time.perf_counter()
            rows = self._fill_half(segment, first, self._side)
            if self._prefetch is None:
                self._slow = time.perf_counter() - started > _SLOW_ROW * rows
        side, stop = self._side, min(first + self._steps_of_half(segment), len(segment.index))
        rows = segment.index[first:stop].size
        index = np.arange(side * self._half, side * self._half + rows, dtype=np.int64)
        steps = slice(first, stop)
        fields = (segment.rate[steps], segment.t[steps], segment.loss[steps], segment.correct[steps])
        self._loaded = Segment(index.reshape(stop - first, -1), *fields)
        self._steps, self._side, self._pending = (first, stop), 1 - side, None
        if self._slow and stop < len(segment.index):
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor  # imports logging: not at import

                self._pool = ThreadPoolExecutor(1, "fastnn-prefetch")
            self._pending = (stop, self._pool.submit(self._prefetch_half, segment, stop, self._side))
        return self._loaded, first

    def close(self) -> None:
        """Wait until nothing is being prefetched, and end the thread."""
        self._wait()
        self._segment = self._loaded = None
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _steps_of_half(self, segment: Segment) -> int:
        return max(1, self._half // int(segment.index.shape[1]))

    def _fill_half(self, segment: Segment, first: int, side: int) -> int:
        """Fill a half with the samples of the steps from `first` on; return how many samples there are."""
        rows = segment.index[first : first + self._steps_of_half(segment)].reshape(-1)
        here = slice(side * self._half, side * self._half + len(rows))
        self._fill(rows, self._inputs[here], self._epoch)
        np.take(self._source.targets, rows, axis=0, out=self._targets[here])
        if self._weights is not None:
            np.take(self._source.weights, rows, axis=0, out=self._weights[here])
        return len(rows)

    def _prefetch_half(self, segment: Segment, first: int, side: int) -> int:
        with one_thread():  # the other threads belong to the steps
            return self._fill_half(segment, first, side)

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending[1].exception()
            self._pending = None


def sample_source(spec: TrainingSpec) -> InMemory | DoubleBuffer:
    """The source from which the steps of a training read.

    Augmented samples, those in a file and those of a sparse matrix come from a `DoubleBuffer`, all others are read in
    place.
    """
    problem = spec.problem
    if isinstance(problem.inputs, SparseRows):
        rows = problem.inputs
        return DoubleBuffer(problem, spec.batch_size, lambda index, out, _: rows.write(index, out), rows.dtype, False)
    file = _row_file(problem, spec.batch_size)
    if spec.augmentation is not None and spec.image_shape is not None:
        # without a spare processor, making images beside the steps would only slow them down
        spare = granted_processors() > get_num_threads()
        fill = _augmenting(problem, spec.augmentation, spec.image_shape, file)
        return DoubleBuffer(problem, spec.batch_size, fill, problem.model.dtype, spare)
    if file is None:
        return InMemory(problem)
    return DoubleBuffer(
        problem, spec.batch_size, lambda index, out, _: file.read(index, as_bytes(out)), problem.inputs.dtype, None
    )


def _row_file(problem: Problem, batch_size: int) -> RowFile | None:
    """The file that holds the samples, if they are to be read from it."""
    return None if batch_size * problem.inputs[:1].nbytes > _MAX_BATCH_BYTES else row_file(problem.inputs)


def _augmenting(
    problem: Problem, augmentation: Augmentation, shape: tuple[int, int, int], file: RowFile | None
) -> Fill:
    """A `Fill` that writes augmented images, read from the file if there is one."""
    images = problem.inputs.reshape(-1, *shape)

    def fill(index: Array, out: Array, epoch: int) -> None:
        here = out.reshape(-1, *shape)
        if file is None:
            augmentation.write(images, np.ascontiguousarray(index), index, epoch, here)
            release(images)
            return
        read = np.empty((len(index), *shape), images.dtype)
        file.read(index, as_bytes(read))
        augmentation.write(read, None, index, epoch, here)

    return fill
