"""What a user's code may do between the epochs of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnn.trainer.trainer import Trainer


class Callback:
    """Base of the callbacks; override what you need.

    The compiled step runs on between two calls. A callback may read and change ``trainer.model`` and may set
    ``trainer.stop = True``, which ends training after the epoch.
    """

    def on_train_begin(self, trainer: Trainer) -> None:
        """Called before the first epoch."""

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Called after each epoch with its line of the history."""

    def on_train_end(self, trainer: Trainer) -> None:
        """Called when training has ended, also by Ctrl-C."""
