"""The samples of the next steps: of a file, or distorted; made ready ahead where that costs the steps nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data import Augmentation
from fastnn.data.mapped import RowFile, is_mapped, release
from fastnn.kernels.threads import get_num_threads, granted_processors, one_thread
from fastnn.program.session import Epoch
from fastnn.program.step import Task

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Array = NDArray[Any]
Fill = Callable[[Array, Array, int], None]

_BYTES = 8 << 20  # of samples read ahead; two such pieces are held
_SLOW = 20e-6  # seconds a row: what lies in the system's cache comes much faster, and reading it ahead gains nothing
_MOST_BYTES = 256 << 20  # of one batch: a larger one is read through the mapping


def window_of(
    task: Task, batch: int, augmentation: Augmentation | None = None, image_shape: tuple[int, int, int] | None = None
) -> Whole | Window:
    """How the steps of a training read its samples: in place, or ahead: distorted, or from the file they lie in."""
    rows = _rows_of(task, batch)
    if augmentation is not None and image_shape is not None:
        return _augmented(task, batch, augmentation, image_shape, rows)
    if rows is None:
        return Whole(task)
    return Window(task, batch, lambda index, out, _: rows.read(index, _as_bytes(out)), task.inputs.dtype, None)


def _rows_of(task: Task, batch: int) -> RowFile | None:
    """The file that the samples lie in, if they are to be read from it."""
    if not is_mapped(task.inputs) or batch * task.inputs[:1].nbytes > _MOST_BYTES:
        return None
    try:
        return RowFile(task.inputs)
    except OSError:  # the file is there no more under its name; the mapping still is
        return None


def _augmented(
    task: Task, batch: int, augmentation: Augmentation, image_shape: tuple[int, int, int], rows: RowFile | None
) -> Window:
    images = task.inputs.reshape(-1, *image_shape)

    def fill(index: Array, out: Array, epoch: int) -> None:
        here = out.reshape(-1, *image_shape)
        if rows is None:
            augmentation.write(images, np.ascontiguousarray(index), index, epoch, here)
            release(images)
            return
        read = np.empty((len(index), *image_shape), images.dtype)
        rows.read(index, _as_bytes(read))
        augmentation.write(read, None, index, epoch, here)

    # where no processor is left for it, making images beside the steps would only stand in their way
    return Window(task, batch, fill, task.model.dtype, granted_processors() > get_num_threads())


def _as_bytes(rows: Array) -> NDArray[np.uint8]:
    return rows.reshape(len(rows), -1).view(np.uint8)


class Whole:
    """All samples in memory."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def load(self, part: Epoch, first: int, epoch: int) -> tuple[Epoch, int]:
        """The steps that can be run from step `first` on in an epoch, and which step they begin with."""
        return part, 0

    def close(self) -> None:
        """Nothing to give back."""


class Window:
    """Two pieces of the samples in memory, each of some steps in their order.

    While one is used the other is made ready, where that takes long; what the system has in its cache is read when it
    is needed, because reading it beside the steps would only take processor time from them.

    Parameters
    ----------
    task : Task
    batch : int
    fill : callable
        Writes the samples `index` (n,) as they are in an epoch: ``fill(index, out, epoch)``, out (n, D).
    dtype : dtype
        Of out.
    ahead : bool or None
        Whether to fill beside the steps; None: where the last filling took long.
    """

    def __init__(
        self,
        task: Task,
        batch: int,
        fill: Callable[[Array, Array, int], None],
        dtype: np.dtype[Any],
        ahead: bool | None,
    ) -> None:
        self._source, self._fill, self._ahead = task, fill, ahead
        row_bytes = int(task.inputs[0].size) * dtype.itemsize
        self._half: int = batch * max(1, _BYTES // (batch * row_bytes))
        count = 2 * self._half + len(task.inputs) % batch  # leaves the same rest over as the set itself
        self._inputs = np.empty((count, *task.inputs.shape[1:]), dtype)
        self._targets = np.empty((count, *task.targets.shape[1:]), task.targets.dtype)
        self._weights = None if task.weights is None else np.empty((count, 1), task.weights.dtype)
        self.task = replace(task, inputs=self._inputs, targets=self._targets, weights=self._weights)
        self._part: Epoch | None = None
        self._loaded: tuple[int, int] = (0, 0)  # steps of the part that are held
        self._here: Epoch | None = None
        self._side = 0
        self._epoch = 0
        self._slow = bool(ahead)  # whether to read the next piece ahead: the last one came from the disk
        self._next: tuple[int, Future[int]] | None = None  # the step that the piece being read begins with
        self._pool: ThreadPoolExecutor | None = None

    def load(self, part: Epoch, first: int, epoch: int) -> tuple[Epoch, int]:
        """The steps that can be run from step `first` of `part` of an epoch on, and which step they begin with.

        Raises
        ------
        OSError
            If the file has become shorter or cannot be read.
        """
        start, stop = self._loaded
        if part is self._part and self._here is not None and start <= first < stop:
            return self._here, start
        if part is not self._part:
            self._finish()
            self._part, self._epoch = part, epoch
        if self._next is not None and self._next[0] == first:
            self._next[1].result()
        else:
            self._finish()
            started = time.perf_counter()
            rows = self._read(part, first, self._side)
            if self._ahead is None:
                self._slow = time.perf_counter() - started > _SLOW * rows
        side, stop = self._side, min(first + self._steps(part), len(part.index))
        rows = part.index[first:stop].size
        index = np.arange(side * self._half, side * self._half + rows, dtype=np.int64)
        steps = slice(first, stop)
        fields = (part.rate[steps], part.t[steps], part.loss[steps], part.correct[steps])
        self._here = Epoch(index.reshape(stop - first, -1), *fields)
        self._loaded, self._side, self._next = (first, stop), 1 - side, None
        if self._slow and stop < len(part.index):
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor  # loads logging: not at import

                self._pool = ThreadPoolExecutor(1, "fastnn-read-ahead")
            self._next = (stop, self._pool.submit(self._read_alone, part, stop, self._side))
        return self._here, first

    def close(self) -> None:
        """Wait for the reading ahead to end."""
        self._finish()
        self._part = self._here = None
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _steps(self, part: Epoch) -> int:
        return max(1, self._half // int(part.index.shape[1]))

    def _read(self, part: Epoch, first: int, side: int) -> int:
        """Read the samples of the steps from `first` on; return how many."""
        rows = part.index[first : first + self._steps(part)].reshape(-1)
        here = slice(side * self._half, side * self._half + len(rows))
        self._fill(rows, self._inputs[here], self._epoch)
        np.take(self._source.targets, rows, axis=0, out=self._targets[here])
        if self._weights is not None:
            np.take(self._source.weights, rows, axis=0, out=self._weights[here])
        return len(rows)

    def _read_alone(self, part: Epoch, first: int, side: int) -> int:
        with one_thread():  # the others are the steps'
            return self._read(part, first, side)

    def _finish(self) -> None:
        if self._next is not None:
            self._next[1].exception()
            self._next = None
