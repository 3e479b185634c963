"""What a user's code may do while a training runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnn.trainer.trainer import Trainer

_NEVER = 2**62


class Callback:
    """Base of the callbacks; override what you need.

    The compiled step runs on between two calls, which come in this order::

        on_train_begin                          once, before anything is trained
            on_epoch_begin                      before the first step of an epoch
                on_step                         behind the steps that `every` or `every_seconds` choose
            on_epoch_end                        behind its last step and the validation
        on_train_end                            once, also after Ctrl-C and after an error

    In each of them ``trainer.model`` is up to date and may be changed; so may the optimiser's numbers, which count
    from the next step on. ``trainer.stop = True`` ends training: behind the epoch, or from `on_step` at once (the
    epoch then has no line in the history). ``trainer.history`` holds all steps and epochs until now.

    A callback costs nothing between its calls. Each call costs a copy of the parameters out of and into the form in
    which they are trained, so choose steps that are some milliseconds apart.

    Attributes
    ----------
    every : int or None
        `on_step` is called after every so many steps of the whole training.
    every_seconds : float or None
        `on_step` is called when so much time has passed since its last call (looked at about ten times a second).
    order : int
        Callbacks of a lower order are called first, those of the same order as they were given.
    """

    every: int | None = None
    every_seconds: float | None = None
    order: int = 0

    def epochs_ahead(self) -> int:
        """How many epochs may be trained before this callback is told of the first of them: 1.

        Short epochs run faster together. A callback may say more that looks at the figures of all but the last of them
        only, changes nothing before and does not stop the training before; it is called for each of them all the same.
        """
        return 1

    def on_train_begin(self, trainer: Trainer) -> None:
        """Called before the first step."""

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Called before each epoch with its number, from 1; not where one is resumed in its middle."""

    def on_step(self, trainer: Trainer, step: int) -> None:
        """Called behind the steps that `every` or `every_seconds` choose; step counts all steps from 1."""

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Called after each epoch with its line of the history."""

    def on_train_end(self, trainer: Trainer) -> None:
        """Called when training has ended, also by Ctrl-C."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: numbers, text, lists and dicts of them, arrays as direct values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave; called behind `on_train_begin` where a training is resumed."""


def _overrides(callback: Callback, name: str) -> bool:
    return getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)


class Calls:
    """The callbacks of a training in their order, and which of them are due after a step."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = sorted(callbacks, key=lambda callback: callback.order)
        self._stepping = [c for c in self.callbacks if c.every is not None or c.every_seconds is not None]
        self.at_epochs = [c for c in self.callbacks if _overrides(c, "on_epoch_begin") or _overrides(c, "on_epoch_end")]
        self._called = {id(callback): time.perf_counter() for callback in self._stepping}

    def most_steps(self, step: int) -> int:
        """How many steps may follow step `step` before a callback wants to be called."""
        return min((c.every - step % c.every for c in self._stepping if c.every), default=_NEVER)

    def epochs_ahead(self) -> int:
        """How many epochs may be trained before a callback has to be told of the first."""
        return 1 if self._stepping else min((c.epochs_ahead() for c in self.at_epochs), default=_NEVER)

    def due(self, step: int) -> list[Callback]:
        """Callbacks to be called behind step `step`, now."""
        if not self._stepping:
            return []
        now, found = time.perf_counter(), []
        for callback in self._stepping:
            seconds = callback.every_seconds
            if (callback.every and step % callback.every == 0) or (
                seconds is not None and now - self._called[id(callback)] >= seconds
            ):
                self._called[id(callback)] = now
                found.append(callback)
        return found
