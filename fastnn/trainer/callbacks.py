"""Callbacks: a user's code that runs between the steps of a training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from fastnn.keywords import with_known_keywords

_NEVER = 2**62


class Callback:
    """Base class of callbacks: override the methods that you need.

    They are called in this order, and compiled steps run without interruption between two calls::

        on_train_begin                          once, before the first step
            on_epoch_begin                      before the first step of each epoch
                on_step                         after the steps that `every` or `every_seconds` choose
            on_epoch_end                        after the last step of the epoch and the validation
        on_train_end                            once, also after Ctrl-C and after an error

    Each method gets the `Trainer`. In all of them ``trainer.model`` is up to date and may be changed, and so may the
    optimiser's settings, which apply from the next step on; all other arguments of the trainer are fixed when the
    training begins. ``trainer.history`` holds all steps and epochs so far. ``trainer.stop = True`` ends the training:
    at the end of the epoch, or if set by `on_step` at once (that epoch then has no line in the history).

    A callback costs nothing between its calls. Each call copies the parameters out of the packed form in which they
    are trained and back into it, so choose steps that are some milliseconds apart.

    Attributes
    ----------
    every : int or None
        `on_step` is called after every `every` steps, counted over the whole training.
    every_seconds : float or None
        `on_step` is called when this time has passed since its last call; the clock is read about ten times a second.
    order : int
        Callbacks of a lower order are called first, those of equal order in the order in which they were given.

    Examples
    --------
    >>> import fastnn
    >>> class Halve(fastnn.Callback):
    ...     def on_epoch_end(self, trainer, epoch):
    ...         if epoch["epoch"] % 2 == 0:
    ...             trainer.optimizer.learning_rate /= 2
    >>> x, y = fastnn.data.glyphs(100, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> trainer = fastnn.Trainer(model, optimizer=fastnn.optim.SGD(0.4), epochs=5, callbacks=[Halve()])
    >>> trainer.fit(x, y).column("learning_rate")
    array([0.4, 0.4, 0.2, 0.2, 0.1])
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        with_known_keywords(cls)

    every: int | None = None
    every_seconds: float | None = None
    order: int = 0

    def epochs_ahead(self) -> int:
        """How many epochs may be trained before this callback is told of the first of them; 1 unless overridden.

        Short epochs run faster when several are trained in one call. A callback may return more than 1 if, of all
        these epochs but the last, it reads nothing but their figures, and neither changes anything nor stops the
        training. It is called for each epoch all the same.
        """
        return 1

    def on_train_begin(self, trainer: Any) -> None:
        """Called before the first step.

        Parameters
        ----------
        trainer : Trainer
        """

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Called before the first step of each epoch; not for an epoch that is resumed in the middle.

        Parameters
        ----------
        trainer : Trainer
        epoch : int
            Its number, counted from 1.
        """

    def on_step(self, trainer: Any, step: int) -> None:
        """Called after the steps that `every` or `every_seconds` choose.

        Parameters
        ----------
        trainer : Trainer
        step : int
            How many steps of the whole training are done.
        """

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        """Called after each epoch.

        Parameters
        ----------
        trainer : Trainer
        epoch : dict of str to Any
            The epoch's line of ``trainer.history.epochs``.
        """

    def on_train_end(self, trainer: Any) -> None:
        """Called when the training has ended, also after Ctrl-C and after an error.

        Parameters
        ----------
        trainer : Trainer
        """

    def state(self) -> dict[str, Any]:
        """What a checkpoint stores of this callback.

        Returns
        -------
        dict of str to Any
            Arrays as direct values; everything else must be numbers, text, or lists and dicts of them.
        """
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned; called after `on_train_begin` when a training is resumed.

        Parameters
        ----------
        state : dict of str to Any
        """


def _overrides(callback: Callback, name: str) -> bool:
    return getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)


class CallbackList:
    """The callbacks of one training: calls them, and knows which of them are due.

    Parameters
    ----------
    trainer : Trainer
        What the callbacks are given.
    callbacks : sequence of Callback

    Attributes
    ----------
    in_order : list of Callback
        All of them, in the order in which they are called.
    at_epochs : list of Callback
        Those that are called at the beginning or the end of an epoch.
    """

    def __init__(self, trainer: Any, callbacks: Sequence[Callback]) -> None:
        self._trainer = trainer
        self.in_order = sorted(callbacks, key=lambda callback: callback.order)
        self.at_epochs = [c for c in self.in_order if _overrides(c, "on_epoch_begin") or _overrides(c, "on_epoch_end")]
        self._at_steps = [c for c in self.in_order if c.every is not None or c.every_seconds is not None]
        self._called = {id(callback): time.perf_counter() for callback in self._at_steps}

    @property
    def stop(self) -> bool:
        """Whether somebody has asked the training to end."""
        return bool(self._trainer.stop)

    def end(self) -> None:
        """Ask the training to end."""
        self._trainer.stop = True

    def call(self, callbacks: Sequence[Callback], method: str, *arguments: Any) -> None:
        """Call a method of some of the callbacks."""
        for callback in callbacks:
            getattr(callback, method)(self._trainer, *arguments)

    def steps_until_due(self, step: int) -> int:
        """How many steps may follow step `step` before a callback has to be called."""
        return min((c.every - step % c.every for c in self._at_steps if c.every), default=_NEVER)

    def epochs_ahead(self) -> int:
        """How many epochs may be trained before a callback has to be told of the first."""
        return 1 if self._at_steps else min((c.epochs_ahead() for c in self.at_epochs), default=_NEVER)

    def due(self, step: int) -> list[Callback]:
        """The callbacks that have to be called now, after step `step`."""
        if not self._at_steps:
            return []
        now, found = time.perf_counter(), []
        for callback in self._at_steps:
            seconds = callback.every_seconds
            if (callback.every and step % callback.every == 0) or (
                seconds is not None and now - self._called[id(callback)] >= seconds
            ):
                self._called[id(callback)] = now
                found.append(callback)
        return found
