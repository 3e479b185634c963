"""What ``fastnn train --ensemble`` trains: networks that differ in their seeds alone, as one population."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.cli.options import checkpoint_options
from fastnn.kernels.backend import current_backend, native_population
from fastnn.model import Sequential
from fastnn.population import Population, fit_many
from fastnn.population.stages import stages_of
from fastnn.trainer import History
from fastnn.trainer.base import BaseTrainer

Pair = tuple[NDArray[Any], NDArray[Any]]

# options that one network alone can have
_WITHOUT = ("mapped", "augment", "class_weight", "label_smoothing", "average", "explain")


def check_ensemble(options: argparse.Namespace) -> None:
    """Raise ValueError if an ensemble is asked for together with what it cannot do, or is too large for its seeds."""
    if options.ensemble is None:
        return
    for name in _WITHOUT:
        value = getattr(options, name)
        if value not in (None, False, 0.0):
            raise ValueError(f"--{name.replace('_', '-')}: expected none with --ensemble, got {value!r}")
    if options.checkpoint is not None and "every_epochs" not in checkpoint_options(options.checkpoint):
        raise ValueError(f"--checkpoint: expected a number of epochs with --ensemble, got {options.checkpoint}")
    if options.seed + options.ensemble > 2**64:
        raise ValueError(f"--seed: expected {options.ensemble} seeds below 2**64 from it on, got {options.seed}")


def check_layers(options: argparse.Namespace, model: Sequential) -> None:
    """Raise ValueError if an ensemble is asked for of networks that cannot be trained side by side."""
    if options.ensemble is not None:
        stages_of("--ensemble", model)


class EnsembleTrainer(BaseTrainer):
    """Trains several networks as `Trainer` trains one; then `model` is their population.

    Parameters
    ----------
    model : Sequential
        The first of them, whose statistics of the inputs all have.
    members : int
        How many; the seeds of the others follow on that of the first.
    **options
        Of `fit_many`.

    Attributes
    ----------
    history : History
        The means over the members that were trained in each epoch.
    compiled : bool
        Whether the kernels of populations are compiled.
    """

    model: Any

    def __init__(self, model: Sequential, members: int, **options: Any) -> None:
        super().__init__(model, **options)
        self._first = model
        self._options = options | {"seeds": range(self.seed, self.seed + members)}
        self.compiled = current_backend() == "native" and bool(native_population())

    def fit(self, x: Any, y: Any, validation: Pair | None = None) -> History:
        """Train them; see `fit_many`."""
        return self._train(x, y, validation=validation)

    def resume(self, path: Path, x: Any, y: Any, validation: Pair | None = None) -> History:
        """Go on from a checkpoint."""
        return self._train(x, y, validation=validation, resume=path)

    def _train(self, x: Any, y: Any, **more: Any) -> History:
        try:
            self._take(fit_many(self._first, x, y, **self._options, **more))
        except BaseException as error:
            self._take(getattr(error, "population", None))
            raise
        return self.history

    def _take(self, population: Population | None) -> None:
        if population is not None:
            self.model, self.history = population, population.history


def spread(population: Population, x: NDArray[Any], y: NDArray[Any]) -> dict[str, float]:
    """The least, the mean and the largest accuracy of the members by themselves."""
    right = (population.predict(x, how="members") == y).mean(axis=1)
    return {"least": float(right.min()), "mean": float(np.mean(right)), "largest": float(right.max())}
