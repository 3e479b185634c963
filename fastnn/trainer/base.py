"""The arguments of a trainer, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from fastnn import losses, optim, schedule_texts
from fastnn.checks import choice, flag, number, whole
from fastnn.data import Augmentation
from fastnn.kernels.precision_choice import checked_precision
from fastnn.kernels.precisions import PrecisionName
from fastnn.keywords import with_known_keywords
from fastnn.losses import Loss
from fastnn.metrics import METRICS, Metric, Metrics, get_all
from fastnn.model.sequential import Sequential
from fastnn.named import how_to_make, of_type
from fastnn.optim import Optimizer
from fastnn.program.session import Session
from fastnn.program.step import Problem
from fastnn.schedules import Constant, Schedule
from fastnn.trainer.average import as_average
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.history import History
from fastnn.trainer.plateau import ReduceOnPlateau
from fastnn.trainer.position import Position
from fastnn.trainer.spec import Shuffle, TrainingSpec
from fastnn.trainer.weights import ClassWeight, as_class_weight

T = TypeVar("T")

_FIGURES = ("epoch", "loss", "learning_rate", "seconds")  # of every epoch of a history


class BaseTrainer:
    """What `Trainer` is made with and what it keeps; the methods that train are added there.

    Parameters and attributes are described in `Trainer`.
    """

    def __init__(
        self,
        model: Sequential,
        *,
        optimizer: Optimizer | str | None = None,
        loss: Loss | str = "softmax_cross_entropy",
        batch_size: int | None = 32,
        epochs: int = 10,
        seed: int = 0,
        schedule: Schedule | str | None = None,
        metrics: Metrics = (),
        class_weight: ClassWeight | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        average: str | None = None,
        precision: PrecisionName | None = None,
        shuffle: Shuffle = True,
        augmentation: Augmentation | None = None,
        callbacks: Sequence[Callback] = (),
        compile: bool = True,
        progress: bool | None = None,
        print_every: int | None = None,
        on_nonfinite: Literal["raise", "ignore"] = "raise",
    ) -> None:
        self.model = _instance("model", model, Sequential)
        self.optimizer = optim.SGD() if optimizer is None else optim.get(optimizer)
        self.loss = losses.get(loss)
        self.batch_size = None if batch_size is None else whole("Trainer", "batch_size", batch_size, at_least=1)
        self.epochs = whole("Trainer", "epochs", epochs, at_least=1)
        self.seed = whole("Trainer", "seed", seed, at_least=0, below=2**64)
        on_plateau = isinstance(schedule, str) and schedule == "plateau"
        self.schedule = _schedule(None if on_plateau else schedule, self.epochs)
        self.metrics = _named_apart(get_all(metrics), self.loss)
        self.class_weight = as_class_weight(class_weight)
        self.clip_norm = None if clip_norm is None else number("Trainer", "clip_norm", clip_norm, above=0)
        self.clip_value = None if clip_value is None else number("Trainer", "clip_value", clip_value, above=0)
        as_average(average)
        self.average = average
        own = self.model.precision
        self.precision = own if precision is None else checked_precision("Trainer", precision, self.model.dtype)
        choice("Trainer", "shuffle", shuffle, (True, False, "batches"))
        self.shuffle = shuffle
        self.augmentation = None if augmentation is None else _instance("augmentation", augmentation, Augmentation)
        if isinstance(callbacks, Callback) or not isinstance(callbacks, Iterable):
            hint = "; a single one goes into a list" if isinstance(callbacks, Callback) else ""
            raise TypeError(f"Trainer: callbacks: expected a sequence of them, got {of_type(callbacks)}{hint}")
        given = [ReduceOnPlateau(), *callbacks] if on_plateau else callbacks
        self.callbacks = tuple(_instance("callbacks", callback, Callback) for callback in given)
        self.compile = flag("Trainer", "compile", compile)
        self.progress = None if progress is None else flag("Trainer", "progress", progress)
        self.print_every = None if print_every is None else whole("Trainer", "print_every", print_every, at_least=1)
        self.on_nonfinite = choice("Trainer", "on_nonfinite", on_nonfinite, ("raise", "ignore"))
        self.engine: Callable[[TrainingSpec, Problem], Session] | None = None
        self.history = History()
        self.stop = False
        self.position = Position()

    def __getstate__(self) -> dict[str, Any]:
        """The attributes of copies and pickles: all but the last training, which holds its data and compiled steps."""
        return {name: value for name, value in vars(self).items() if name != "run"}


with_known_keywords(BaseTrainer)


def _schedule(schedule: Schedule | str | None, epochs: int) -> Schedule:
    """A schedule from its text, over the epochs of the training where it says nothing else."""
    if isinstance(schedule, str):
        return schedule_texts.from_text(schedule_texts.resolved(schedule, epochs))
    return _instance("schedule", Constant() if schedule is None else schedule, Schedule)


def _instance(name: str, value: T, kind: type[T]) -> T:
    """`value`, which must be of that type."""
    if not isinstance(value, kind):
        expected = f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"
        raise TypeError(f"Trainer: {name}: expected {expected}, got {of_type(value)}{how_to_make(value, kind)}")
    return value


def _named_apart(metrics: dict[str, Metric], loss: Loss) -> dict[str, Metric]:
    """Metrics none of which is named after a figure that the history has already, and would hide or replace it."""
    for name, metric in metrics.items():
        if not isinstance(name, str):
            raise TypeError(f"Trainer: metrics: expected names as text, got {name!r:.80}")
        counted = name == "accuracy" and loss.classifies and metric is not METRICS["accuracy"]
        if name in _FIGURES or counted:
            raise ValueError(f"Trainer: metrics: expected names that the history does not have already, got {name!r}")
    return metrics
