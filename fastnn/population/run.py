"""The training of a population: epoch after epoch, until every member has stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.population.group import Group
from fastnn.population.spec import PopulationSpec
from fastnn.trainer.progress import Progress

Array = NDArray[Any]
Figures = dict[str, NDArray[np.float64]]


class PopulationRun:
    """Trains all members, and keeps what came of each.

    Parameters
    ----------
    spec : PopulationSpec

    Attributes
    ----------
    params : (K, P) array
        The parameters of the members that have stopped; those of the others once `finish` was called.
    epochs : list of dict of str to (K,) float64
        The figures of every epoch; NaN for members that had stopped before.
    done : (K,) int64
        How many epochs each member has done.
    failed : dict of int to int
        For each member whose loss was not finite, the step, counted from 1.
    """

    def __init__(self, spec: PopulationSpec) -> None:
        members = spec.members
        self.spec, self.params = spec, members.params.copy()
        self.epochs: list[Figures] = []
        self.done = np.zeros(len(members), np.int64)
        self.failed: dict[int, int] = {}
        sizes: dict[tuple[int, int], list[int]] = {}
        for k, rows in enumerate(members.rows):
            held_out = 0 if members.held_out is None else len(members.held_out[k])
            sizes.setdefault((len(rows), held_out), []).append(k)
        self._groups = [Group(spec, numbers) for numbers in sizes.values()]

    def train(self) -> None:
        """Train to the end of the last epoch, or until no member is left."""
        spec = self.spec
        total = sum(map(len, spec.members.rows)) * spec.epochs
        try:
            with Progress(total, spec.progress, 0) as progress:
                for epoch in range(len(self.epochs) + 1, spec.epochs + 1):
                    if not self._groups:
                        break
                    self._epoch(epoch, progress)
        finally:
            self.finish()

    def finish(self) -> None:
        """Take over the parameters of the members that are still being trained."""
        for group in self._groups:
            for place, k in enumerate(group.numbers):
                self._take(group, place, k)
        self._groups = []

    def _epoch(self, epoch: int, progress: Progress) -> None:
        spec, count = self.spec, len(self.done)
        started = time.perf_counter()
        names = ["loss", *["accuracy"] * spec.loss.classifies]
        names += [f"val_{name}" for name in names] if spec.members.held_out is not None else []
        figures = {name: np.full(count, np.nan) for name in [*names, "learning_rate"]}
        for group in self._groups:
            k = group.numbers
            losses, correct = group.train(epoch)
            measured = [group.mean_losses(losses), *[correct] * spec.loss.classifies]
            if spec.members.held_out is not None:
                loss, share = group.evaluate()
                measured += [loss, *[share] * spec.loss.classifies]
            for name, values in zip(names, measured, strict=True):
                figures[name][k] = values
            figures["learning_rate"][k] = group.last_rates
            self.done[k] = epoch
            if not spec.ignore_nonfinite:
                self._fail(group, losses, epoch)
            progress.advance(sum(len(spec.members.rows[i]) for i in k), epoch, float(measured[0].mean()), None)
        figures["seconds"] = np.full(count, time.perf_counter() - started)
        self.epochs.append(figures)
        self._stop(epoch)
        if spec.print_every and (epoch % spec.print_every == 0 or epoch == spec.epochs):
            here = ~np.isnan(figures["learning_rate"])
            means = "  ".join(f"{name} {figures[name][here].mean():.4f}" for name in names)
            progress.line(f"{epoch:5d}  {sum(len(g.numbers) for g in self._groups)} members  {means}")

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
            self._drop(group, {place for place, k in enumerate(group.numbers) if k in self.failed})
            if group.numbers:
                self._drop(group, self.spec.rule.stopped(epoch, group.numbers, self.epochs[-1], group.params_of))
        self._groups = [group for group in self._groups if group.numbers]

    def _drop(self, group: Group, places: set[int]) -> None:
        if not places:
            return
        for place in places:
            self._take(group, place, group.numbers[place])
        group.keep([place for place in range(len(group.numbers)) if place not in places])

    def _take(self, group: Group, place: int, k: int) -> None:
        """Let a member have its parameters as they are now, unless it keeps others, or has failed."""
        if k not in self.failed:
            best = self.spec.rule.best(k)
            self.params[k] = group.params_of(place) if best is None else best


def figures_of(epochs: Sequence[Figures], done: int, k: int) -> list[dict[str, Any]]:
    """The lines of the history of member k, which has done so many epochs."""
    return [
        {"epoch": i + 1, **{name: float(values[k]) for name, values in epoch.items()}}
        for i, epoch in enumerate(epochs[:done])
    ]
