"""Which learning rate suits: the loss while the rate grows."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checks import number, whole
from fastnn.schedules import Schedule
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.trainer import Trainer

_TOO_LARGE = 4.0  # times the smallest loss: the search is over
_FEW = 20  # steps until the average holds about as many losses as later


class _Ramp(Schedule):
    """From `lowest` to `highest`, the same factor at every step."""

    by = "step"

    def __init__(self, lowest: float, highest: float, epochs: float) -> None:
        self.lowest, self.highest, self.epochs = lowest, highest, epochs

    def factor(self, epoch: float) -> float:
        return self.lowest * float((self.highest / self.lowest) ** min(epoch / self.epochs, 1.0))


class _Stop(Callback):
    """Ends the search after `steps` steps, or where the loss has burst."""

    def __init__(self, steps: int) -> None:
        self.every, self.steps = min(10, steps), steps

    def on_step(self, trainer: Trainer, step: int) -> None:
        losses = _smooth(trainer.history.steps)
        trainer.stop = step >= self.steps or not losses[-1] <= _TOO_LARGE * losses.min()


@dataclass(frozen=True)
class RateSearch:
    """What `find_learning_rate` saw.

    Attributes
    ----------
    rates : (S,) float64
        Learning rate of each step.
    losses : (S,) float64
        Loss of each step's batch, smoothed.
    suggestion : float
        The rate at which the loss fell fastest.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float

    def plot(self) -> Any:
        """The loss over the rate; a matplotlib Figure."""
        from matplotlib.figure import Figure

        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        axes.semilogx(self.rates, self.losses)
        axes.axvline(self.suggestion, linestyle="--", label=f"suggestion {self.suggestion:.2g}")
        axes.set(xlabel="learning rate", ylabel="smoothed loss", title="Learning-rate search")
        axes.legend()
        return figure


def find_learning_rate(
    trainer: Trainer, x: ArrayLike, y: ArrayLike, *, lowest: float = 1e-6, highest: float = 1.0, steps: int = 200
) -> RateSearch:
    """Train a copy of the trainer's model while the rate grows step by step, and see where the loss falls fastest.

    Parameters
    ----------
    trainer : Trainer
        Its model, optimiser, loss, batch size, seed, weights and augmentation are used; none of them is changed.
    x, y
        As for `Trainer.fit`.
    lowest, highest : float
        Bounds of the rate, above 0.
    steps : int
        At most so many; it ends earlier where the loss has grown to four times its minimum.

    Returns
    -------
    RateSearch

    Raises
    ------
    ValueError, TypeError
        If the bounds are not in order or the data do not fit.

    Notes
    -----
    The range test of Smith (2017, section 3.3), with losses smoothed by an average that forgets 5 % a step. The first
    20 steps, whose averages rest on few losses, are not looked at.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(500, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> found = fastnn.find_learning_rate(fastnn.Trainer(model, optimizer="adam"), x, y)
    >>> 1e-4 < found.suggestion < 1
    True
    """
    lowest = number("find_learning_rate", "lowest", lowest, above=0)
    highest = number("find_learning_rate", "highest", highest, above=lowest)
    steps = whole("find_learning_rate", "steps", steps, at_least=1)
    samples = len(np.asarray(y))
    of_an_epoch = -(-samples // min(trainer.batch_size or samples, max(samples, 1)))
    optimizer = copy.copy(trainer.optimizer)
    optimizer.learning_rate = 1.0
    search = Trainer(
        trainer.model.copy(),
        optimizer=optimizer,
        loss=trainer.loss,
        batch_size=trainer.batch_size,
        epochs=-(-steps // of_an_epoch),
        seed=trainer.seed,
        schedule=_Ramp(lowest, highest, steps / of_an_epoch),
        callbacks=[_Stop(steps)],
        compile=trainer.compile,
        class_weight=trainer.class_weight,
        shuffle=trainer.shuffle,
        augmentation=trainer.augmentation,
        clip_norm=trainer.clip_norm,
        clip_value=trainer.clip_value,
        progress=False,
        on_nonfinite="ignore",
    )
    losses = _smooth(search.fit(x, y).steps)
    losses = losses[: int(np.argmin(np.isfinite(losses)))] if not np.isfinite(losses).all() else losses
    rates = np.array([search.schedule.factor(i / of_an_epoch) for i in range(len(losses))])
    lowest_at = max(int(np.argmin(losses)), 1) if len(losses) else 0
    first = min(_FEW, lowest_at // 2)
    slopes = np.diff(losses[first : lowest_at + 1])
    suggestion = float(rates[first + int(np.argmin(slopes))]) if len(slopes) else lowest
    return RateSearch(rates, losses, suggestion)


def _smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Averages that forget 5 % a step, corrected for their start at 0."""
    smooth, average = np.empty(len(losses)), 0.0
    for i, loss in enumerate(losses):
        average = 0.95 * average + 0.05 * float(loss)
        smooth[i] = average / (1 - 0.95 ** (i + 1))
    return smooth
