"""The training of a population: epoch after epoch, until every member has stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.population.choice import group_of
from fastnn.population.group import Group, in_step
from fastnn.population.spec import PopulationSpec
from fastnn.population.state import Figures, PopulationState, mean_figures
from fastnn.trainer.callbacks import CallbackList
from fastnn.trainer.history import History
from fastnn.trainer.progress import Progress

Array = NDArray[Any]


class PopulationRun:
    """Trains all members, and keeps what came of each.

    Parameters
    ----------
    spec : PopulationSpec
    callbacks : CallbackList, optional
        What is called at the epochs; by default nothing is.
    state : PopulationState, optional
        That of an interrupted training, from which to go on.

    Attributes
    ----------
    spec : PopulationSpec
    params : (K, P) array
        The parameters of the members that have stopped; those of the others once `finish` was called.
    epochs, done, failed
        See `PopulationState`.
    history : History
        The means of the figures over the members that were trained in each epoch.
    """

    def __init__(
        self, spec: PopulationSpec, callbacks: CallbackList | None = None, state: PopulationState | None = None
    ) -> None:
        members, count = spec.members, len(spec.members)
        self.spec = spec
        self._callbacks = CallbackList(SimpleNamespace(stop=False), ()) if callbacks is None else callbacks
        self.params = (members.params if state is None else state.params).copy()
        self.done = np.zeros(count, np.int64) if state is None else state.done.copy()
        self.epochs: list[Figures] = [] if state is None else list(state.epochs)
        self.failed: dict[int, int] = {} if state is None else dict(state.failed)
        self.history = History([mean_figures(figures, i) for i, figures in enumerate(self.epochs, 1)])
        left = list(range(count)) if state is None else state.left.tolist()
        self._groups = [group_of(spec, self.params[numbers], numbers) for numbers in in_step(spec, left)]
        if state is not None:
            self._load(state)
        batch = min(spec.batch_size, max(map(len, members.rows)))
        self._steps = max(-(-len(rows) // batch) for rows in members.rows)

    def _load(self, state: PopulationState) -> None:
        for group in self._groups:
            places = np.searchsorted(state.left, group.numbers)
            group.load_state({slot: rows[places] for slot, rows in state.optimizer.items()})

    @property
    def steps_done(self) -> int:
        """Steps of the members that have most of them."""
        return len(self.epochs) * self._steps

    def current_params(self) -> Array:
        """The parameters of all members as they are now (K, P)."""
        params = self.params.copy() if self._groups else self.params
        for group in self._groups:
            params[group.numbers] = group.params()
        return params

    def state(self) -> PopulationState:
        """The training as it is now, between two epochs."""
        numbers = np.array([k for group in self._groups for k in group.numbers], np.int64)
        order = np.argsort(numbers)
        parts = [group.state() for group in self._groups]
        slots = self.spec.optimizer.slots if parts else ()
        state = {slot: np.concatenate([part[slot] for part in parts])[order] for slot in slots}
        return PopulationState(
            self.current_params(), list(self.epochs), self.done.copy(), dict(self.failed), numbers[order], state
        )

    def train(self) -> None:
        """Train to the end of the last epoch, until no member is left, or until a callback stops the training."""
        spec, callbacks = self.spec, self._callbacks
        each = sum(map(len, spec.members.rows))
        try:
            with Progress(each * spec.epochs, spec.progress, each * len(self.epochs)) as progress:
                for epoch in range(len(self.epochs) + 1, spec.epochs + 1):
                    if not callbacks.stop:
                        callbacks.call(callbacks.at_epochs, "on_epoch_begin", epoch)
                    if callbacks.stop or not self._groups:
                        break
                    self._epoch(epoch, progress)
        finally:
            self.finish()

    def finish(self) -> None:
        """Take over the parameters of the members that are still being trained."""
        for group in self._groups:
            self._take(group, range(len(group.numbers)))
            group.release()
        self._groups = []

    def _epoch(self, epoch: int, progress: Progress) -> None:
        spec, count = self.spec, len(self.done)
        started = time.perf_counter()
        figures = {name: np.full(count, np.nan) for name in [*spec.figures, "learning_rate"]}
        for group in self._groups:
            k = group.numbers
            losses, correct, held_out = group.train(epoch)
            measured = [group.mean_losses(losses), *[correct] * spec.loss.classifies]
            if held_out is not None:
                loss, share = held_out
                measured += [loss, *[share] * spec.loss.classifies]
            for name, values in zip(spec.figures, measured, strict=True):
                figures[name][k] = values
            figures["learning_rate"][k] = group.last_rates
            self.done[k] = epoch
            if not spec.ignore_nonfinite:
                self._fail(group, losses, epoch)
            progress.advance(group.samples, epoch, float(measured[0].mean()), None)
        figures["seconds"] = np.full(count, time.perf_counter() - started)
        self.epochs.append(figures)
        line = mean_figures(figures, epoch)
        self.history.epochs.append(line)
        self._stop(epoch)
        if not self._groups:
            self._callbacks.end()
        if spec.print_every and (epoch % spec.print_every == 0 or epoch == spec.epochs):
            means = "  ".join(f"{name} {line[name]:.4f}" for name in spec.figures)
            progress.line(f"{epoch:5d}  {sum(len(g.numbers) for g in self._groups)} members  {means}")
        self._callbacks.call(self._callbacks.at_epochs, "on_epoch_end", line)

    def _fail(self, group: Group, losses: Array, epoch: int) -> None:
        """Stop the members whose loss was not finite."""
        bad = ~np.isfinite(losses)
        for place in np.flatnonzero(bad.any(axis=1)).tolist():
            k = group.numbers[place]
            self.failed[k] = (epoch - 1) * group.steps + int(bad[place].argmax()) + 1
            best = self.spec.rule.best(k)
            self.params[k] = np.nan if best is None else best

    def _stop(self, epoch: int) -> None:
        """Drop the members that stop after this epoch."""
        for group in self._groups:
            if self.failed:
                self._drop(group, {place for place, k in enumerate(group.numbers) if k in self.failed})
            if group.numbers:
                self._drop(group, self.spec.rule.stopped(epoch, group.numbers, self.epochs[-1], group.params_of))
        self._groups = [group for group in self._groups if group.numbers]

    def _drop(self, group: Group, places: set[int]) -> None:
        if not places:
            return
        self._take(group, sorted(places))
        group.keep([place for place in range(len(group.numbers)) if place not in places])

    def _take(self, group: Group, places: Sequence[int]) -> None:
        """Let members have their parameters as they are now, but for those that keep others, or have failed."""
        last = []
        for place in places:
            k = group.numbers[place]
            best = self.spec.rule.best(k)
            if best is None and k not in self.failed:
                last.append(place)
            elif k not in self.failed:
                self.params[k] = best
        if len(last) == len(group.numbers):
            self.params[group.numbers] = group.params()
        else:
            for place in last:
                self.params[group.numbers[place]] = group.params_of(place)
