"""Learning-rate schedules: a factor on the optimiser's rate as a function of the progress of a training.

In all formulas e is that progress in epochs: 0 at the beginning, 1 after the first epoch. A schedule by epoch is
evaluated at whole numbers only, one by step before every step.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from fastnn.checks import choice, number, whole
from fastnn.named import declared_arguments, named

By = Literal["epoch", "step"]
_BY: tuple[By, ...] = ("epoch", "step")


class Schedule:
    """Base class of schedules. A subclass defines `factor`; its constructor arguments should be its attributes.

    Attributes
    ----------
    by : {"epoch", "step"}
        Whether the factor changes after each epoch or after each step. Step 3 of the 10 steps of the first epoch is
        at e = 0.2.

    Examples
    --------
    >>> import fastnn
    >>> class InverseTime(fastnn.schedules.Schedule):
    ...     def __init__(self, decay):
    ...         self.decay = decay
    ...
    ...     def factor(self, epoch):
    ...         return 1 / (1 + self.decay * epoch)
    >>> x, y = fastnn.data.glyphs(100, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> trainer = fastnn.Trainer(model, optimizer=fastnn.optim.SGD(0.5), schedule=InverseTime(1), epochs=3)
    >>> trainer.fit(x, y).column("learning_rate").round(4)
    array([0.5   , 0.25  , 0.1667])
    >>> trainer.schedule
    InverseTime(decay=1)
    """

    by: By = "epoch"

    def factor(self, epoch: float) -> float:
        """The factor on the optimiser's learning rate.

        Parameters
        ----------
        epoch : float
            The progress of the training in epochs, at least 0.

        Returns
        -------
        float
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """The constructor arguments by name."""
        return {name: getattr(self, name) for name in declared_arguments(type(self))}

    def __repr__(self) -> str:
        given = declared_arguments(type(self))
        said = (f"{k}={v!r}" for k, v in self.config().items() if v != given[k].default)
        return f"{type(self).__name__}({', '.join(said)})"


class Constant(Schedule):
    """Keeps the optimiser's rate: the factor is 1.

    Examples
    --------
    >>> from fastnn.schedules import Constant
    >>> Constant().factor(7)
    1.0
    """

    def factor(self, epoch: float) -> float:
        return 1.0


class Exponential(Schedule):
    """Multiplies the rate by `decay` in each epoch.

    Parameters
    ----------
    decay : float
        In (0, 1].
    by : {"epoch", "step"}
        Whether the rate changes after each epoch or after each step.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Notes
    -----
    The factor is decay^e.

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
    """Multiplies the rate by `decay` after every `every` epochs.

    Parameters
    ----------
    every : int
        Number of epochs, at least 1.
    decay : float
        In (0, 1].

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Notes
    -----
    The factor is decay^⌊e / every⌋.

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
    """Lowers the rate along half a cosine.

    Parameters
    ----------
    epochs : float
        Length of the half cosine, above 0; afterwards the factor stays at `floor`.
    floor : float
        The last factor, in [0, 1].
    by : {"epoch", "step"}
        Whether the rate changes after each epoch or after each step.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Notes
    -----
    The factor is floor + (1 - floor) (1 + cos(π min(e / epochs, 1))) / 2: equation 5 of Loshchilov & Hutter (2017),
    "SGDR: stochastic gradient descent with warm restarts", without the restarts.

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
    """Raises the rate linearly at the beginning, then follows another schedule.

    Parameters
    ----------
    epochs : float
        Length of the warm-up, above 0.
    then : Schedule, optional
        The schedule that follows, with e counted from the end of the warm-up. Default: the rate stays.
    start : float
        Factor at the beginning, in [0, 1].
    by : {"epoch", "step"}
        Whether the rate changes after each epoch or after each step.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Notes
    -----
    During the warm-up the factor is start + (1 - start) e / epochs, times the first factor of `then` (Goyal et al.
    2017, "Accurate, large minibatch SGD: training ImageNet in 1 hour", section 2.2: gradual warm-up).

    Examples
    --------
    >>> from fastnn.schedules import Cosine, WarmUp
    >>> [round(WarmUp(2, Cosine(4), start=0).factor(e), 3) for e in (0, 0.5, 1, 2, 4, 6)]
    [0.0, 0.25, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, epochs: float, then: Schedule | None = None, *, start: float = 0.01, by: By = "step") -> None:
        self.epochs = number("WarmUp", "epochs", epochs, above=0)
        if not isinstance(then, Schedule | None):
            raise TypeError(f"WarmUp: then: expected a Schedule, got {type(then).__name__}")
        self.then = Constant() if then is None else then
        self.start = number("WarmUp", "start", start, at_least=0, at_most=1)
        self.by = choice("WarmUp", "by", by, _BY)

    def factor(self, epoch: float) -> float:
        if epoch >= self.epochs:
            after = epoch - self.epochs
            return self.then.factor(after if self.then.by == "step" else math.floor(after))
        return (self.start + (1 - self.start) * epoch / self.epochs) * self.then.factor(0)


class OneCycle(Schedule):
    """Raises the rate to the optimiser's and lowers it to almost 0, along two half cosines.

    Parameters
    ----------
    epochs : float
        Length of the cycle, above 0: usually the number of epochs of the training.
    rise : float
        Share of the cycle during which the rate rises, in (0, 1).
    start, end : float
        Factors at the beginning and at the end, in [0, 1].
    by : {"epoch", "step"}
        Whether the rate changes after each epoch or after each step.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type.

    Notes
    -----
    With p = e / epochs, the factor is start + (1 - start) (1 - cos(π p / rise)) / 2 for p < rise, and
    end + (1 - end) (1 + cos(π (p - rise) / (1 - rise))) / 2 from there to p = 1, after which it stays at `end`. Smith &
    Topin (2018), "Super-convergence", change the rate linearly, and lower it far below `start` only in a last phase.
    The last of T steps (by epoch: epochs) is at p = 1 - 1 / T, above `end` by
    (1 - end) (1 - cos(π / (T - rise T))) / 2. PyTorch's ``OneCycleLR``, with its peak in step rise T - 1 and `end` in
    the last, T - 1, is ``OneCycle((T - 1) / S, (rise T - 1) / (T - 1))``, where S is the number of steps of an epoch.

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
    """Half a cosine from `begin` at place 0 to `end` at place 1, constant afterwards."""
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
    """A schedule by its name.

    Parameters
    ----------
    schedule : str or Schedule
        A name in `SCHEDULES`; a `Schedule` is returned as it is.
    **options
        Arguments of its constructor.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError, TypeError
        If there is no schedule of that name, or an option does not suit it.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.schedules.get("cosine", epochs=10)
    Cosine(epochs=10.0)
    """
    return named("schedule", schedule, Schedule, SCHEDULES, options)
