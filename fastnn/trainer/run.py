"""One training: the loop over epochs and steps."""

from __future__ import annotations

import math
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels import current_backend
from fastnn.program.record import NotRecordableError
from fastnn.program.session import CompiledSession, EagerSession, Epoch
from fastnn.program.step import Task
from fastnn.trainer.callbacks import Calls
from fastnn.trainer.description import configuration
from fastnn.trainer.errors import NonFiniteLossError, explain_nonfinite
from fastnn.trainer.history import as_plain
from fastnn.trainer.order import batches
from fastnn.trainer.position import Position
from fastnn.trainer.progress import Progress
from fastnn.trainer.snapshot import Snapshot
from fastnn.trainer.window import Whole, Window, window_of

if TYPE_CHECKING:
    from fastnn.trainer.trainer import Trainer

Array = NDArray[Any]

_LOOK_UP_SECONDS = 0.1  # a compiled run returns to Python this often, so that Ctrl-C and the progress bar work


class Run:
    """One training of `trainer`, from its position on.

    Parameters
    ----------
    trainer : Trainer
    task : Task
    validation : pair of arrays, optional
        Evaluated after each epoch.
    snapshot : Snapshot, optional
        What to go on from.
    image_shape : (C, H, W), optional
        Of a sample, for the trainer's augmentation.
    """

    def __init__(
        self,
        trainer: Trainer,
        task: Task,
        validation: tuple[Array, Array] | None,
        snapshot: Snapshot | None = None,
        image_shape: tuple[int, int, int] | None = None,
    ) -> None:
        self.trainer, self.task, self.validation, self.snapshot = trainer, task, validation, snapshot
        self.configuration = configuration(trainer)  # before a callback changes anything
        self.samples = len(task.inputs)
        self.batch = min(trainer.batch_size or self.samples, self.samples)
        self.steps = -(-self.samples // self.batch)  # of an epoch
        self.window: Whole | Window = window_of(task, self.batch, trainer.augmentation, image_shape)
        self.session = self._make_session()
        self._compiled_for = self._numbers()
        self.calls = Calls(trainer.callbacks)
        self.step_seconds = math.nan
        self._losses: list[Array] = []  # of steps that are not in the history yet

    def _make_session(self) -> CompiledSession | EagerSession:
        trainer = self.trainer
        if trainer.compile and current_backend() == "native":
            try:
                session = CompiledSession(self.window.task, self.batch, trainer.on_nonfinite == "ignore")
                trainer.compiled = True
                return session
            except NotRecordableError as error:
                warnings.warn(f"fit: training runs layer by layer ({error})", stacklevel=4)
        trainer.compiled = False
        return EagerSession(self.window.task)

    def _numbers(self) -> dict[str, Any]:
        """The optimiser's numbers that a compiled step holds."""
        return {name: value for name, value in self.task.optimizer.config().items() if name != "learning_rate"}

    def _follow_optimizer(self) -> None:
        """Compile again where a callback has changed the optimiser's numbers."""
        if self._numbers() != self._compiled_for:
            self.session.store_state()
            self.session = self._make_session()
            self._compiled_for = self._numbers()

    def _rates(self, first: int, count: int) -> NDArray[np.float64]:
        """Learning rates of `count` steps behind step `first` of the present epoch."""
        rate, schedule, epoch = self.trainer.optimizer.learning_rate, self.trainer.schedule, self.trainer.position.epoch
        if schedule.by == "epoch":
            return np.full(count, rate * schedule.factor(epoch - 1))
        places = (epoch - 1 + (first + i) / self.steps for i in range(count))
        return np.fromiter((rate * schedule.factor(place) for place in places), np.float64, count)

    @property
    def done(self) -> int:
        """Steps that are done, of the whole training."""
        position = self.trainer.position
        return (position.epoch - 1) * self.steps + position.step

    def go(self) -> None:
        """Train to the last epoch, or until a callback stops it."""
        trainer = self.trainer
        for callback in self.calls.callbacks:
            callback.on_train_begin(trainer)
        try:
            if self.snapshot is not None:
                self.snapshot.restore(trainer, self.task)
                self.session.load_state()
            done = min((trainer.position.epoch - 1) * self.samples + trainer.position.step * self.batch, 2**62)
            with Progress(self.samples * trainer.epochs, trainer.progress, done) as progress:
                if trainer.print_every:
                    progress.line(trainer.history.table_head())
                while trainer.position.epoch <= trainer.epochs and not trainer.stop:
                    self._epoch(progress)
        finally:
            for callback in self.calls.callbacks:
                callback.on_train_end(trainer)

    def _epoch(self, progress: Progress) -> None:
        trainer, position = self.trainer, self.trainer.position
        if position.step == 0:
            for callback in self.calls.callbacks:
                callback.on_epoch_begin(trainer, position.epoch)
            if trainer.stop:
                return
        started = time.perf_counter() - position.seconds
        self._follow_optimizer()
        before = (position.epoch - 1) * self.steps
        self.session.load()
        try:
            first = position.step
            for index in batches(trainer.seed, position.epoch, self.samples, self.batch, trainer.shuffle):
                rates = self._rates(before - (position.epoch - 1) * self.steps, len(index))
                part = Epoch.of(index, rates, before)
                self._run(part, min(first, len(index)), before, progress, started)
                if trainer.stop:
                    break
                first, before = max(first - len(index), 0), before + len(index)
        finally:
            self.session.store()
            self.window.close()
            self._keep_losses()
        if position.step == self.steps:
            self._end_epoch(float(part.rate[-1]), time.perf_counter() - started, progress)

    def _end_epoch(self, rate: float, seconds: float, progress: Progress) -> None:
        trainer, position = self.trainer, self.trainer.position
        self.step_seconds = seconds / self.steps
        losses, whole = trainer.history.steps[-self.steps :], self.samples // self.batch
        rest = self.samples - whole * self.batch
        total = float(losses[:whole].sum()) * self.batch + float(losses[whole:].sum()) * rest
        line: dict[str, Any] = {"epoch": position.epoch, "loss": total / self.samples}
        if trainer.loss.classifies:
            line["accuracy"] = position.correct / self.samples
        if self.validation is not None:
            figures = trainer.model.evaluate(*self.validation, trainer.loss, trainer.metrics)
            line |= {f"val_{name}": as_plain(value) for name, value in figures.items()}
        elif trainer.metrics:
            figures = trainer.model.evaluate(self.task.inputs, self.task.targets, trainer.loss, trainer.metrics)
            line |= {name: as_plain(figures[name]) for name in trainer.metrics if name not in line}
        line |= {"learning_rate": rate, "seconds": seconds}
        trainer.history.epochs.append(line)
        trainer.position = Position(position.epoch + 1)
        if trainer.print_every and (position.epoch % trainer.print_every == 0 or position.epoch == trainer.epochs):
            progress.line(trainer.history.table_line(line))
        for callback in self.calls.callbacks:
            callback.on_epoch_end(trainer, line)

    def _run(self, part: Epoch, first: int, before: int, progress: Progress, started: float) -> None:
        """The steps of `part` from `first` on; `before` others precede the part."""
        trainer, position, steps = self.trainer, self.trainer.position, len(part.index)
        while first < steps:
            here, start = self.window.load(part, first, position.epoch)
            most = min(start + len(here.index) - first, self.calls.most_steps(before + first))
            done = slice(first, first + self.session.run(here, first - start, most, _LOOK_UP_SECONDS))
            first = done.stop
            position.step += done.stop - done.start
            position.correct += int(part.correct[done].sum())
            self._losses.append(part.loss[done])
            value = float(part.loss[first - 1])
            if trainer.on_nonfinite == "raise" and not math.isfinite(value):
                rate = float(part.rate[first - 1])
                self.session.store()
                raise NonFiniteLossError(
                    explain_nonfinite(trainer.model, trainer.optimizer, before + first, value, rate)
                )
            samples = position.step * self.batch if position.step < self.steps else self.samples
            accuracy = position.correct / samples if trainer.loss.classifies else None
            progress.advance((done.stop - done.start) * part.index.shape[1], position.epoch, value, accuracy)
            due = self.calls.due(before + first)
            if due:
                position.seconds = time.perf_counter() - started
                self.session.store()
                self._keep_losses()
                for callback in due:
                    callback.on_step(trainer, before + first)
                self._follow_optimizer()
                part.rate[first:] = self._rates(position.step, steps - first)
                self.session.load()
                if trainer.stop:
                    return

    def _keep_losses(self) -> None:
        history = self.trainer.history
        history.steps = np.concatenate([history.steps, *self._losses])
        self._losses = []
