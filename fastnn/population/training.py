"""What callbacks see of the training of a population."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastnn.losses import Loss
from fastnn.population.population import Population
from fastnn.population.run import PopulationRun
from fastnn.population.snapshot import PopulationSnapshot
from fastnn.population.spec import PopulationSpec
from fastnn.trainer.best import BestWeights
from fastnn.trainer.callbacks import Callback, CallbackList
from fastnn.trainer.history import History
from fastnn.trainer.plateau import ReduceOnPlateau


class PopulationTraining:
    """Trains a population, and is what its callbacks are given in place of a `Trainer`.

    Parameters
    ----------
    spec : PopulationSpec
    callbacks : sequence of Callback
        Those that are called; the one that counts for each member by itself is the rule of the specification.
    snapshot : PopulationSnapshot, optional
        The checkpoint from which the training is resumed.

    Attributes
    ----------
    spec, snapshot
        As they were given.
    stop : bool
        A callback sets it to end the training of all members after the current epoch.
    """

    def __init__(
        self, spec: PopulationSpec, callbacks: Sequence[Callback], snapshot: PopulationSnapshot | None = None
    ) -> None:
        self.spec, self.snapshot = spec, snapshot
        self.stop = snapshot is not None and snapshot.stop
        self._callbacks = CallbackList(self, callbacks)
        self._run = PopulationRun(spec, self._callbacks, None if snapshot is None else snapshot.state)

    def train(self) -> None:
        """Train to the end of the last epoch, until no member is left, or until a callback stops the training."""
        callbacks = self._callbacks
        callbacks.call(callbacks.in_order, "on_train_begin")
        try:
            if self.snapshot is not None:
                self.snapshot.restore(callbacks)
            self._run.train()
        finally:
            callbacks.call(callbacks.in_order, "on_train_end")

    @property
    def run(self) -> PopulationTraining:
        """What a `Checkpoint` asks for the state of the training: this object."""
        return self

    @property
    def steps_done(self) -> int:
        """Steps of the members that have most of them."""
        return self._run.steps_done

    def take_snapshot(self, path: Path) -> PopulationSnapshot:
        """The training as it is now, between two epochs, to be written to a file."""
        return PopulationSnapshot.take(path, self.spec, self._run.state(), self.population, self._callbacks)

    @property
    def epochs(self) -> int:
        """How many epochs there are to be."""
        return self.spec.epochs

    @property
    def loss(self) -> Loss:
        """The loss that is minimised."""
        return self.spec.loss

    @property
    def history(self) -> History:
        """The figures of all epochs so far, as means over the members that were trained in each."""
        return self._run.history

    @property
    def population(self) -> Population:
        """The population as it is now."""
        spec, run = self.spec, self._run
        model = spec.model.copy()
        model.task = spec.loss.task
        best_epoch = spec.rule.best_epochs(len(run.done))
        return Population(
            model, run.current_params(), spec.members.seeds, list(run.epochs), run.done.copy(), best_epoch, run.failed
        )


def split_callbacks(callbacks: Sequence[Callback], figures: Sequence[str]) -> tuple[BestWeights | None, list[Callback]]:
    """The callback that counts for each member by itself, if there is one, and those that are called for all.

    Parameters
    ----------
    callbacks : sequence of Callback
    figures : sequence of str
        The names of the figures of an epoch.

    Raises
    ------
    ValueError
        If there are two that count, or one that a population cannot call.
    """
    best: BestWeights | None = None
    called: list[Callback] = []
    for callback in callbacks:
        name = type(callback).__name__
        if isinstance(callback, BestWeights):
            if best is not None:
                raise ValueError(f"fit_many: callbacks: expected one EarlyStopping or BestWeights, got {name} as well")
            _check_monitor(callback, figures)
            best = callback
        elif isinstance(callback, ReduceOnPlateau):
            raise ValueError(
                f"fit_many: callbacks: a population has no {name}, because each member has a rate of its own; use a "
                "schedule that goes by the epoch"
            )
        elif callback.every is not None or callback.every_seconds is not None:
            raise ValueError(
                f"fit_many: callbacks: expected callbacks that are called at epochs, got {name} with every="
                f"{callback.every} and every_seconds={callback.every_seconds}"
            )
        else:
            called.append(callback)
    return best, called


def _check_monitor(callback: Any, figures: Sequence[str]) -> None:
    if callback.monitor not in figures:
        without = "" if any(name.startswith("val_") for name in figures) else " (there is no validation)"
        raise ValueError(
            f"fit_many: callbacks: monitor: expected one of {', '.join(figures)}, got {callback.monitor!r}{without}"
        )
