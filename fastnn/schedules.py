"""Learning-rate schedules: a factor on the optimiser's rate as a function of how far training is, in epochs."""

from __future__ import annotations

import inspect
import math
from typing import Any, Literal

from fastnn.checks import choice, number, whole
from fastnn.named import named

By = Literal["epoch", "step"]
_BY: tuple[By, ...] = ("epoch", "step")


class Schedule:
    """Base of the schedules: a factor on the optimiser's learning rate. Subclass it for a rule of your own.

    Attributes
    ----------
    by : {"epoch", "step"}
        Whether the factor is asked for once an epoch, with a whole number, or at every step, with fractions of an
        epoch: step 3 of 10 in the first epoch is at 0.2.
    """

    by: By = "epoch"

    def factor(self, epoch: float) -> float:
        """Factor at `epoch` (the first epoch begins at 0)."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        given = inspect.signature(type(self)).parameters
        said = (f"{k}={v!r}" for k, v in self.config().items() if v != given[k].default)
        return f"{type(self).__name__}({', '.join(said)})"


class Constant(Schedule):
    """The optimiser's rate throughout.

    Examples
    --------
    >>> from fastnn.schedules import Constant
    >>> Constant().factor(7)
    1.0
    """

    def factor(self, epoch: float) -> float:
        return 1.0


class Exponential(Schedule):
    """The rate times `decay` after each epoch.

    Parameters
    ----------
    decay : float
        In (0, 1].
    by : {"epoch", "step"}
        "step": a little of it at every step.

    Examples
    --------
    >>> from fastnn.schedules import Exponential
    >>> Exponential(0.5).factor(2)
    0.25
    """

    def __init__(self, decay: float, *, by: By = "epoch") -> None:
        self.decay = number("Exponential", "decay", decay, above=0, at_most=1)
        self.by = choice("Exponential", "by", by, _BY)

    def factor(self, epoch: float) -> float:
        return float(self.decay**epoch)


class Step(Schedule):
    """The rate times `decay` after every `every` epochs.

    Parameters
    ----------
    every : int
        Epochs, at least 1.
    decay : float
        In (0, 1].

    Examples
    --------
    >>> from fastnn.schedules import Step
    >>> [Step(2, 0.5).factor(epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, every: int, decay: float = 0.1) -> None:
        self.every = whole("Step", "every", every, at_least=1)
        self.decay = number("Step", "decay", decay, above=0, at_most=1)

    def factor(self, epoch: float) -> float:
        return float(self.decay ** (epoch // self.every))


class Cosine(Schedule):
    """From the whole rate down to `floor` of it along half a cosine, in `epochs` epochs (Loshchilov & Hutter 2017).

    Parameters
    ----------
    epochs : float
        Above 0; behind it the rate stays at `floor`.
    floor : float
        In [0, 1].
    by : {"epoch", "step"}

    Notes
    -----
    floor + (1 - floor) (1 + cos(π e / epochs)) / 2 at epoch e.

    Examples
    --------
    >>> from fastnn.schedules import Cosine
    >>> [round(Cosine(4).factor(epoch), 3) for epoch in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(self, epochs: float, floor: float = 0.0, *, by: By = "epoch") -> None:
        self.epochs = number("Cosine", "epochs", epochs, above=0)
        self.floor = number("Cosine", "floor", floor, at_least=0, at_most=1)
        self.by = choice("Cosine", "by", by, _BY)

    def factor(self, epoch: float) -> float:
        return _cosine(1.0, self.floor, epoch / self.epochs)


class WarmUp(Schedule):
    """The rate grows evenly for `epochs` epochs, then `then` begins.

    Parameters
    ----------
    epochs : float
        Above 0.
    then : Schedule, optional
        What follows, counted from the end of the warm-up. Default: the rate stays.
    start : float
        Factor at the beginning, in [0, 1].
    by : {"epoch", "step"}

    Notes
    -----
    Before its end the factor is start + (1 - start) e / epochs, times the first factor of `then`.

    Examples
    --------
    >>> from fastnn.schedules import Cosine, WarmUp
    >>> [round(WarmUp(2, Cosine(4), start=0).factor(e), 3) for e in (0, 0.5, 1, 2, 4, 6)]
    [0.0, 0.25, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, epochs: float, then: Schedule | None = None, *, start: float = 0.01, by: By = "step") -> None:
        self.epochs = number("WarmUp", "epochs", epochs, above=0)
        if not isinstance(then, Schedule | None):
            raise TypeError(f"WarmUp: then must be a Schedule, got {type(then).__name__}")
        self.then = Constant() if then is None else then
        self.start = number("WarmUp", "start", start, at_least=0, at_most=1)
        self.by = choice("WarmUp", "by", by, _BY)

    def factor(self, epoch: float) -> float:
        if epoch >= self.epochs:
            after = epoch - self.epochs
            return self.then.factor(after if self.then.by == "step" else math.floor(after))
        return (self.start + (1 - self.start) * epoch / self.epochs) * self.then.factor(0)


class OneCycle(Schedule):
    """Up to the whole rate and down to next to nothing, along two half cosines (Smith & Topin 2018).

    Parameters
    ----------
    epochs : float
        Length of the cycle, above 0: usually the epochs of the training.
    rise : float
        Share of it that goes up, in (0, 1).
    start, end : float
        Factors at the beginning and at the end, in [0, 1].
    by : {"epoch", "step"}

    Notes
    -----
    The optimiser's rate is the highest one.

    Examples
    --------
    >>> from fastnn.schedules import OneCycle
    >>> [round(OneCycle(10, start=0.1).factor(epoch), 3) for epoch in (0, 1.5, 3, 6.5, 10)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """

    def __init__(
        self, epochs: float, rise: float = 0.3, start: float = 0.04, end: float = 4e-6, *, by: By = "step"
    ) -> None:
        self.epochs = number("OneCycle", "epochs", epochs, above=0)
        self.rise = number("OneCycle", "rise", rise, above=0, below=1)
        self.start = number("OneCycle", "start", start, at_least=0, at_most=1)
        self.end = number("OneCycle", "end", end, at_least=0, at_most=1)
        self.by = choice("OneCycle", "by", by, _BY)

    def factor(self, epoch: float) -> float:
        place = epoch / self.epochs
        if place < self.rise:
            return _cosine(self.start, 1.0, place / self.rise)
        return _cosine(1.0, self.end, (place - self.rise) / (1 - self.rise))


def _cosine(begin: float, end: float, place: float) -> float:
    """From `begin` at place 0 to `end` at 1 and behind it."""
    return end + (begin - end) * (1 + math.cos(math.pi * min(place, 1.0))) / 2


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "exponential": Exponential,
    "step": Step,
    "cosine": Cosine,
    "warmup": WarmUp,
    "onecycle": OneCycle,
}


def get(schedule: str | Schedule, **options: Any) -> Schedule:
    """The schedule of that name with `options`; a `Schedule` comes back as it is.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.schedules.get("cosine", epochs=10)
    Cosine(epochs=10.0)
    """
    return named("schedule", schedule, Schedule, SCHEDULES, options)
