"""One training: the loop over epochs and steps."""

from __future__ import annotations

import math
import time
import warnings
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.kernels import current_backend
from fastnn.program.record import NotRecordableError
from fastnn.program.session import CompiledSession, EagerSession, Epoch
from fastnn.program.step import Task
from fastnn.trainer.callbacks import Callback, Calls
from fastnn.trainer.description import configuration
from fastnn.trainer.errors import NonFiniteLossError, explain_nonfinite
from fastnn.trainer.history import as_plain
from fastnn.trainer.position import Position
from fastnn.trainer.progress import Progress
from fastnn.trainer.sample_source import Whole, Window, window_of
from fastnn.trainer.shuffle import batches
from fastnn.trainer.snapshot import Snapshot

if TYPE_CHECKING:
    from fastnn.trainer.trainer import Trainer

Array = NDArray[Any]

_LOOK_UP_SECONDS = 0.1  # a compiled run returns to Python this often, so that Ctrl-C and the progress bar work
_ROWS_AHEAD = 2**16  # samples of the epochs that are run ahead at once, whose order is held in memory


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

    Notes
    -----
    The session trains arrays of its own. They are handed out to the model when somebody is about to look, and the
    model's are taken over when somebody may have changed them.

    Short epochs behind which nobody looks are run ahead, several in one call; they are accounted for one by one, as
    all others are.
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
        self._model_is_new, self._session_is_new = True, False  # whose values are those of the last step, or changed
        self._ahead: deque[list[Epoch]] = deque()  # of the epochs that follow
        self._losses: list[Array] = []  # of steps that are not in the history yet
        self._room = self._kept = np.empty(0)  # for the history's steps, and those there are

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
        """What a compiled step holds of the optimiser's numbers, and which parameters it trains."""
        numbers = {name: value for name, value in self.task.optimizer.config().items() if name != "learning_rate"}
        return numbers | {"trained": tuple(self.task.model.trained_parameters)}

    # --- who has the parameters ---

    def _hand_out(self) -> None:
        """Bring the model up to date."""
        if not self._model_is_new:
            self.session.store()
            self._model_is_new = True

    def _take_over(self) -> None:
        """Bring the session up to date, which is going to train."""
        if not self._session_is_new:
            self.session.load()
            self._session_is_new = True
        self._model_is_new = False

    def _call(self, callbacks: Sequence[Callback], name: str, *arguments: Any) -> None:
        """Call the callbacks, which see the model as it is and may change it; not where epochs have been run ahead."""
        if callbacks and not self._ran_ahead:
            self._hand_out()
            self._session_is_new = False
        for callback in callbacks:
            getattr(callback, name)(self.trainer, *arguments)

    def _follow_optimizer(self) -> None:
        """Compile again where a callback has changed the optimiser's numbers, or frozen or released a layer."""
        if self._numbers() != self._compiled_for:
            self._hand_out()
            self.session.store_state()
            self.session = self._make_session()
            self._compiled_for = self._numbers()
            self._session_is_new = False

    # --- the loop ---

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
                while trainer.position.epoch <= trainer.epochs and (self._ran_ahead or not trainer.stop):
                    self._epoch(progress)
        finally:
            self._losses += [part.loss[: part.done] for parts in self._ahead for part in parts]  # after Ctrl-C
            self._keep_losses()
            trainer.history.steps = trainer.history.steps.copy()
            self._hand_out()
            for callback in self.calls.callbacks:
                callback.on_train_end(trainer)

    def _epoch(self, progress: Progress) -> None:
        trainer, position = self.trainer, self.trainer.position
        if position.step == 0:
            self._call(self.calls.at_epochs, "on_epoch_begin", position.epoch)
            if trainer.stop and not self._ran_ahead:
                return
        self._follow_optimizer()
        parts = self._parts()
        started = time.perf_counter() - position.seconds - sum(part.seconds for part in parts)
        first, before = position.step, (position.epoch - 1) * self.steps
        try:
            for part in parts:
                self._run(part, min(first, len(part.index)), before, progress, started)
                if trainer.stop and not part.done:
                    break
                first, before = max(first - len(part.index), 0), before + len(part.index)
        finally:
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
            self._hand_out()
            figures = trainer.model.evaluate(*self.validation, trainer.loss, trainer.metrics)
            line |= {f"val_{name}": as_plain(value) for name, value in figures.items()}
        elif trainer.metrics:
            self._hand_out()
            figures = trainer.model.evaluate(self.task.inputs, self.task.targets, trainer.loss, trainer.metrics)
            line |= {name: as_plain(figures[name]) for name in trainer.metrics if name not in line}
        line |= {"learning_rate": rate, "seconds": seconds}
        trainer.history.epochs.append(line)
        trainer.position = Position(position.epoch + 1)
        if trainer.print_every and (position.epoch % trainer.print_every == 0 or position.epoch == trainer.epochs):
            progress.line(trainer.history.table_line(line))
        self._call(self.calls.at_epochs, "on_epoch_end", line)

    def _run(self, part: Epoch, first: int, before: int, progress: Progress, started: float) -> None:
        """The steps of `part` from `first` on; `before` others precede the part."""
        trainer, position, steps = self.trainer, self.trainer.position, len(part.index)
        rated = steps if part.done else first  # steps whose rate is set
        if first == steps:  # resumed behind its last step
            part.rate[-1:] = self._rates(before + steps - 1, 1)
        while first < steps:
            here, start = self.window.load(part, first, position.epoch)
            most = min(start + len(here.index) - first, self.calls.most_steps(before + first))
            if first + most > rated:
                part.rate[rated : first + most] = self._rates(before + rated, first + most - rated)
                rated = first + most
            self._take_over()
            done = slice(first, first + self.session.run(here, first - start, most, _LOOK_UP_SECONDS))
            first = done.stop
            position.step += done.stop - done.start
            position.correct += int(part.correct[done].sum())
            self._losses.append(part.loss[done])
            value = float(part.loss[first - 1])
            if trainer.on_nonfinite == "raise" and not math.isfinite(value):
                rate = float(part.rate[first - 1])
                self._hand_out()
                raise NonFiniteLossError(
                    explain_nonfinite(trainer.model, trainer.optimizer, before + first, value, rate)
                )
            samples = position.step * self.batch if position.step < self.steps else self.samples
            accuracy = position.correct / samples if trainer.loss.classifies else None
            progress.advance((done.stop - done.start) * part.index.shape[1], position.epoch, value, accuracy)
            due = self.calls.due(before + first)
            if due:
                position.seconds = time.perf_counter() - started
                self._keep_losses()
                self._call(due, "on_step", before + first)
                self._follow_optimizer()
                rated = first
                if trainer.stop:
                    return

    def _rates(self, first: int, count: int) -> NDArray[np.float64]:
        """Learning rates of `count` steps of one epoch behind step `first` of the whole training."""
        rate, schedule = self.trainer.optimizer.learning_rate, self.trainer.schedule
        epoch, first = divmod(first, self.steps)
        if schedule.by == "epoch":
            return np.full(count, rate * schedule.factor(epoch))
        places = (epoch + (first + i) / self.steps for i in range(count))
        return np.fromiter((rate * schedule.factor(place) for place in places), np.float64, count)

    def _keep_losses(self) -> None:
        """Put the losses of the last steps into the history; the room for it doubles where it is full."""
        if not self._losses:
            return
        history, kept = self.trainer.history, len(self.trainer.history.steps)
        count = kept + sum(map(len, self._losses))
        if history.steps is not self._kept or count > len(self._room):
            self._room = np.empty(max(count, 2 * kept))
            self._room[:kept] = history.steps
        np.concatenate(self._losses, out=self._room[kept:count])
        history.steps = self._kept = self._room[:count]
        self._losses = []

    # --- several epochs at once ---

    @property
    def _ran_ahead(self) -> bool:
        """Whether steps of the epoch that comes next are done already."""
        return bool(self._ahead) and self._ahead[0][0].done > 0

    def _parts(self) -> list[Epoch]:
        """The equal-sized steps of the present epoch, of which some may be done."""
        if not self._ran_ahead:
            first, count = self.trainer.position.epoch, self._epochs_at_once()
            self._ahead = self._parts_of(range(first, first + count))
            if count > 1:
                parts = [part for parts in self._ahead for part in parts]
                for part in parts:
                    part.rate[...] = self._rates(int(part.t[0]) - 1, len(part.index))
                self._take_over()
                self.session.run_ahead(parts, _LOOK_UP_SECONDS)
        return self._ahead.popleft()

    def _parts_of(self, epochs: range) -> deque[list[Epoch]]:
        trainer = self.trainer
        indices = batches(trainer.seed, epochs, self.samples, self.batch, trainer.shuffle)
        parts = iter(Epoch.several([index for each in indices for index in each], (epochs[0] - 1) * self.steps))
        return deque([next(parts) for _ in each] for each in indices)

    def _epochs_at_once(self) -> int:
        """How many epochs can be run before anybody looks, from the present one on."""
        trainer, seconds = self.trainer, self.step_seconds * self.steps
        looked_at = self.validation is not None or trainer.metrics or trainer.position.step
        if looked_at or not isinstance(self.window, Whole) or not self.session.can_run_ahead or not seconds > 0:
            return 1  # or nobody knows yet how long one takes
        most = min(self.calls.epochs_ahead(), trainer.epochs + 1 - trainer.position.epoch)
        return max(1, min(most, int(_LOOK_UP_SECONDS / seconds), _ROWS_AHEAD // self.samples))
