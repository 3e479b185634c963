"""Finding a learning rate: how the loss falls while the rate grows."""

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

_TOO_LARGE = 4.0  # the search ends when the loss exceeds its minimum by this factor
_FEW = 20  # steps until the average rests on about as many losses as later


class _Ramp(Schedule):
    """Grows from `lowest` to `highest` by the same factor at every step."""

    by = "step"

    def __init__(self, lowest: float, highest: float, epochs: float) -> None:
        self.lowest, self.highest, self.epochs = lowest, highest, epochs

    def factor(self, epoch: float) -> float:
        return self.lowest * float((self.highest / self.lowest) ** min(epoch / self.epochs, 1.0))


class _Stop(Callback):
    """Ends the search after `steps` steps, or when the loss has exploded."""

    def __init__(self, steps: int) -> None:
        self.every, self.steps = min(10, steps), steps

    def on_step(self, trainer: Trainer, step: int) -> None:
        losses = _smooth(trainer.history.steps)
        trainer.stop = step >= self.steps or not losses[-1] <= _TOO_LARGE * losses.min()


@dataclass(frozen=True)
class RateSearch:
    """The result of `find_learning_rate`.

    Parameters
    ----------
    rates : (S,) float64
        Learning rate of each step.
    losses : (S,) float64
        Smoothed loss of each step's batch.
    suggestion : float
        The rate at which the loss fell fastest.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.trainer import RateSearch
    >>> found = RateSearch(np.array([0.01, 0.1, 1.0]), np.array([2.0, 1.5, 9.0]), suggestion=0.1)
    >>> found.plot().axes[0].get_xscale()
    'log'
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float

    def plot(self) -> Any:
        """The loss as a function of the rate, as a matplotlib Figure."""
        from fastnn.plots.style import new_figure

        figure, (axes,) = new_figure()
        axes.semilogx(self.rates, self.losses)
        axes.axvline(self.suggestion, linestyle="--", label=f"suggestion {self.suggestion:.2g}")
        axes.set(xlabel="learning rate", ylabel="smoothed loss", title="Learning-rate search")
        axes.legend()
        return figure


def find_learning_rate(
    trainer: Trainer, x: ArrayLike, y: ArrayLike, *, lowest: float = 1e-6, highest: float = 1.0, steps: int = 200
) -> RateSearch:
    """Train a copy of a trainer's model while the rate grows at every step, and find where the loss falls fastest.

    Parameters
    ----------
    trainer : Trainer
        Its model, optimiser, loss, batch size, seed, weights, clipping and augmentation are used; none is changed.
    x, y
        As for `Trainer.fit`.
    lowest, highest : float
        The first rate and the last one, above 0.
    steps : int
        Number of steps, at least 1. The search ends earlier if the loss exceeds its minimum fourfold.

    Returns
    -------
    RateSearch

    Raises
    ------
    ValueError, TypeError
        If the rates are out of order or the data do not fit.

    Notes
    -----
    The learning-rate range test of Smith (2017), "Cyclical learning rates for training neural networks", section 3.3,
    with a rate that grows exponentially. The losses l_k are smoothed by an exponential moving average with bias
    correction: a_k = 0.95 a_{k-1} + 0.05 l_k, divided by 1 - 0.95^k. The suggestion is the rate at the steepest
    descent from one step to the next before the minimum; up to 20 steps at the beginning, whose averages rest on few
    losses, are not considered.

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
    steps_per_epoch = -(-samples // min(trainer.batch_size or samples, max(samples, 1)))
    optimizer = copy.copy(trainer.optimizer)
    optimizer.learning_rate = 1.0
    search = Trainer(
        trainer.model.copy(),
        optimizer=optimizer,
        loss=trainer.loss,
        batch_size=trainer.batch_size,
        epochs=-(-steps // steps_per_epoch),
        seed=trainer.seed,
        schedule=_Ramp(lowest, highest, steps / steps_per_epoch),
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
    rates = np.array([search.schedule.factor(i / steps_per_epoch) for i in range(len(losses))])
    lowest_at = max(int(np.argmin(losses)), 1) if len(losses) else 0
    first = min(_FEW, lowest_at // 2)
    slopes = np.diff(losses[first : lowest_at + 1])
    suggestion = float(rates[first + int(np.argmin(slopes))]) if len(slopes) else lowest
    return RateSearch(rates, losses, suggestion)


def _smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The exponential moving averages of some losses, with bias correction."""
    smooth, average = np.empty(len(losses)), 0.0
    for i, loss in enumerate(losses):
        average = 0.95 * average + 0.05 * float(loss)
        smooth[i] = average / (1 - 0.95 ** (i + 1))
    return smooth
