"""The specification of a training: everything that is decided before its first step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.data import Augmentation
from fastnn.lazy import lazy_attribute
from fastnn.metrics import Metric
from fastnn.program.session import Session
from fastnn.program.step import Problem
from fastnn.schedules import Schedule
from fastnn.trainer.description import fingerprint

Array = NDArray[Any]
Shuffle = bool | Literal["batches"]


@dataclass(frozen=True)
class TrainingSpec:
    """What a training does.

    Parameters
    ----------
    problem : Problem
        Model, loss, optimiser and samples.
    validation : pair of arrays, optional
        Evaluated after each epoch.
    metrics : mapping of str to callable
    epochs : int
    batch_size : int
        Samples of a step, at most those that there are; the last step of an epoch has the samples that remain.
    shuffle : bool or "batches"
    schedule : Schedule
    augmentation : Augmentation, optional
    image_shape : (C, H, W), optional
        Shape of a sample, for the augmentation.
    compile : bool
        Whether to compile the steps if that is possible.
    ignore_nonfinite : bool
        Whether to continue after a loss that is not finite.
    progress : bool, optional
    print_every : int, optional
    described : callable
        Describes the arguments of the trainer, as `configuration` holds them.
    engine : callable, optional
        ``engine(spec, problem)`` makes the session that runs the steps; default: fastnn's own.

    Attributes
    ----------
    samples : int
        Samples of an epoch.
    steps : int
        Steps of an epoch.
    configuration : mapping of str to JSON value
        The arguments of the trainer, as a checkpoint describes them, when they were first needed.
    data : dict of str to dict
        Fingerprints of all arrays that the training reads, by name; computed when they are first needed.
    """

    problem: Problem
    validation: tuple[Array, Array] | None
    metrics: Mapping[str, Metric]
    epochs: int
    batch_size: int
    shuffle: Shuffle
    schedule: Schedule
    augmentation: Augmentation | None
    image_shape: tuple[int, int, int] | None
    compile: bool
    ignore_nonfinite: bool
    progress: bool | None
    print_every: int | None
    described: Callable[[], Mapping[str, Any]]
    engine: Callable[[TrainingSpec, Problem], Session] | None = None

    @lazy_attribute
    def samples(self) -> int:
        return len(self.problem.inputs)

    @lazy_attribute
    def steps(self) -> int:
        return -(-self.samples // self.batch_size)

    @lazy_attribute
    def configuration(self) -> Mapping[str, Any]:
        return self.described()

    @lazy_attribute
    def data(self) -> dict[str, Any]:
        arrays = {name: value for name, value in vars(self.problem).items() if isinstance(value, np.ndarray)}
        if self.validation is not None:
            arrays |= dict(zip(("validation inputs", "validation targets"), self.validation, strict=True))
        return {name: fingerprint(array) for name, array in arrays.items()}
