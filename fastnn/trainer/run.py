"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.model.measure import measure
from fastnn.program.segment import Segment
from fastnn.program.session import RETURN_SECONDS, Session
from fastnn.trainer.callbacks import Callback, CallbackList
from fastnn.trainer.epoch_queue import EpochQueue
from fastnn.trainer.errors import IGNORE, NonFiniteLossError, explain_end, explain_nonfinite
from fastnn.trainer.history import History, as_plain
from fastnn.trainer.learning_rates import learning_rates
from fastnn.trainer.parameter_sync import ParameterSync
from fastnn.trainer.position import Position
from fastnn.trainer.progress import Progress
from fastnn.trainer.sample_source import InMemory, sample_source
from fastnn.trainer.snapshot import Snapshot
from fastnn.trainer.spec import TrainingSpec
from fastnn.trainer.step_losses import StepLosses, mean_over_samples


class Run:
    """One training: runs epoch after epoch, keeps the history, and calls the callbacks.

    Parameters
    ----------
    spec : TrainingSpec
        What to do.
    callbacks : CallbackList
    history : History
        Receives the loss of every step and the figures of every epoch.
    position : Position
        Where to begin; it moves along with the training.
    snapshot : Snapshot, optional
        The checkpoint from which the training is resumed.

    Attributes
    ----------
    spec, snapshot
        As they were given.
    step_seconds : float
        Mean time of a step in the last epoch; NaN before its end.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        callbacks: CallbackList,
        history: History,
        position: Position,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.spec, self.snapshot = spec, snapshot
        self._callbacks, self._history, self._position = callbacks, history, position
        self._samples = sample_source(spec)
        self._parameters = ParameterSync(spec, self._samples.problem)
        self._queue = EpochQueue(spec, self._parameters, isinstance(self._samples, InMemory))
        self._losses = StepLosses(history)
        self.step_seconds = math.nan
        self._table_begun = False

    @property
    def session(self) -> Session:
        """What runs the steps."""
        return self._parameters.session

    @property
    def steps_done(self) -> int:
        """Steps of the whole training that are done."""
        return (self._position.epoch - 1) * self.spec.steps + self._position.step

    def take_snapshot(self, path: Path) -> Snapshot:
        """The training as it is now, to be written to a file; the model must be up to date."""
        self._parameters.publish_state()
        return Snapshot.take(path, self.spec, self._history, self._position, self._callbacks)

    def train(self) -> None:
        """Train to the end of the last epoch, or until a callback stops the training.

        Raises
        ------
        NonFiniteLossError
            If a loss is not finite, or the weights, running statistics or state are not at the end, unless the
            specification says to ignore that.
        """
        spec, position, callbacks = self.spec, self._position, self._callbacks
        if callbacks.in_order:
            _ = spec.configuration  # described now, because a callback may change the optimiser
        callbacks.call(callbacks.in_order, "on_train_begin")
        try:
            if self.snapshot is not None:
                self.snapshot.restore(spec, callbacks)
                self.session.load_state()
            done = min((position.epoch - 1) * spec.samples + position.step * spec.batch_size, 2**62)
            with Progress(spec.samples * spec.epochs, spec.progress, done) as progress:
                while position.epoch <= spec.epochs and (self._queue.ran_ahead or not callbacks.stop):
                    self._epoch(progress)
            if not spec.ignore_nonfinite:
                self._check_end()
        finally:
            for losses in self._queue.leftover_losses():
                self._losses.add(losses)
            self._losses.close()
            self._parameters.publish()
            callbacks.call(callbacks.in_order, "on_train_end")
            self._parameters.release()

    def _check_end(self) -> None:
        """Refuse a training whose loss stayed finite and whose arrays did not."""
        self._parameters.publish_state()
        found = explain_end(self.spec.problem)
        if found is not None:
            raise NonFiniteLossError(found, IGNORE)

    def _call(self, callbacks: Sequence[Callback], method: str, *arguments: Any) -> None:
        """Call callbacks, which see the model as it is and may change it, unless the next epoch has been run ahead."""
        if callbacks and not self._queue.ran_ahead:
            self._parameters.lend()
        self._callbacks.call(callbacks, method, *arguments)

    def _epoch(self, progress: Progress) -> None:
        position = self._position
        if position.step == 0:
            self._call(self._callbacks.at_epochs, "on_epoch_begin", position.epoch)
            if self._callbacks.stop and not self._queue.ran_ahead:
                return
        self._parameters.recompile_if_changed()
        segments = self._queue.next(position, self._callbacks.epochs_ahead, self.step_seconds)
        started = time.perf_counter() - position.seconds - sum(segment.seconds for segment in segments)
        first = position.step  # of a resumed epoch, the steps before are done
        try:
            for segment in segments:
                self._segment(segment, min(first, len(segment.index)), started, progress)
                if self._callbacks.stop and not segment.done:
                    break
                first = max(first - len(segment.index), 0)
        finally:
            self._samples.close()
            self._losses.flush()
        if position.step == self.spec.steps:
            self._end_epoch(float(segment.rate[-1]), time.perf_counter() - started, progress)

    def _segment(self, segment: Segment, first: int, started: float, progress: Progress) -> None:
        """Run the steps of a segment from step `first` on."""
        steps, before = len(segment.index), int(segment.t[0]) - 1  # steps of the whole training before the segment
        rated = steps if segment.done else first  # how many steps have their learning rate
        if first == steps:  # resumed after the last step, whose rate goes into the history
            segment.rate[-1:] = learning_rates(self.spec, before + steps - 1, 1)
        while first < steps:
            part, start = self._samples.load(segment, first, self._position.epoch)
            count = min(start + len(part.index) - first, self._callbacks.steps_until_due(before + first))
            if first + count > rated:
                segment.rate[rated : first + count] = learning_rates(self.spec, before + rated, first + count - rated)
                rated = first + count
            self._parameters.take_over()
            last = first + self.session.run(part, first - start, count, RETURN_SECONDS)
            self._account(segment, slice(first, last), progress)
            first = last
            due = self._callbacks.due(before + first)
            if due:
                self._position.seconds = time.perf_counter() - started
                self._losses.flush()
                self._call(due, "on_step", before + first)
                self._parameters.recompile_if_changed()
                rated = first  # the callbacks may have changed the rate of the steps to come
                if self._callbacks.stop:
                    return

    def _account(self, segment: Segment, done: slice, progress: Progress) -> None:
        """Note the results of steps that have just been done."""
        spec, position, problem = self.spec, self._position, self.spec.problem
        position.step += done.stop - done.start
        position.correct += int(segment.correct[done].sum())
        self._losses.add(segment.loss[done])
        loss = float(segment.loss[done.stop - 1])
        if not (spec.ignore_nonfinite or math.isfinite(loss)):
            self._parameters.publish()
            step, rate = int(segment.t[done.stop - 1]), float(segment.rate[done.stop - 1])
            raise NonFiniteLossError(explain_nonfinite(problem, f"the loss of step {step}", loss, rate), IGNORE)
        samples = position.step * spec.batch_size if position.step < spec.steps else spec.samples
        accuracy = position.correct / samples if problem.loss.classifies else None
        progress.advance((done.stop - done.start) * segment.index.shape[1], position.epoch, loss, accuracy)

    def _end_epoch(self, rate: float, seconds: float, progress: Progress) -> None:
        spec, history = self.spec, self._history
        self.step_seconds = seconds / spec.steps
        line = {**self._figures(), "learning_rate": rate, "seconds": seconds}
        history.epochs.append(line)
        self._position.next_epoch()
        if spec.print_every and (line["epoch"] % spec.print_every == 0 or line["epoch"] == spec.epochs):
            if not self._table_begun:
                progress.line(history.table_head())
                self._table_begun = True
            progress.line(history.table_line(line))
        self._call(self._callbacks.at_epochs, "on_epoch_end", line)

    def _figures(self) -> dict[str, Any]:
        """Loss, accuracy and metrics of the epoch whose last step is done."""
        spec, problem = self.spec, self.spec.problem
        loss = float(mean_over_samples(self._history.steps[-spec.steps :], spec.samples, spec.batch_size))
        figures: dict[str, Any] = {"epoch": self._position.epoch, "loss": loss}
        if problem.loss.classifies:
            figures["accuracy"] = self._position.correct / spec.samples
        if spec.validation is not None or spec.metrics:
            self._parameters.publish()
            x, y = spec.validation or (problem.inputs, problem.targets)
            values = self._measured(x, y)
            if spec.validation is not None:
                names = {f"val_{name}": name for name in values}
            else:
                names = {name: name for name in spec.metrics if name not in figures}
            figures |= {shown: as_plain(values[name]) for shown, name in names.items()}
        return figures

    def _measured(self, x: Any, y: Any) -> dict[str, Any]:
        """Loss, accuracy and metrics of the model on some samples."""
        spec, problem = self.spec, self.spec.problem
        values, targets, out = measure(problem.model, x, y, problem.loss, self.session.outputs)
        finite = math.isfinite(values["loss"])
        if not (finite or spec.ignore_nonfinite):
            which = "validation loss" if spec.validation is not None else "loss"
            text = explain_nonfinite(problem, f"the {which} after epoch {self._position.epoch}", values["loss"])
            raise NonFiniteLossError(text, IGNORE)
        numbers = finite or not bool(np.isnan(out).any())  # outputs that are not have neither class nor error
        return values | {name: metric(targets, out) if numbers else math.nan for name, metric in spec.metrics.items()}
