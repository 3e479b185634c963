"""What the studies' trainings share: several sets looked at after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.model import Sequential
from fastnn.trainer import Callback, Trainer

Array = NDArray[Any]
Pair = tuple[Array, Array]
Columns = dict[str, Array]


class Watch(Callback):
    """Looks at sets before training and after every epoch.

    Parameters
    ----------
    sets : dict of name to (images, labels)
        Names as the columns of a history have them: "" for training, "val", "test".
    look : callable, optional
        ``look(model, images, labels) -> dict of numbers``; loss and accuracy unless given.
    """

    def __init__(
        self, sets: Mapping[str, Pair], look: Callable[[Sequential, Array, Array], dict[str, float]] | None = None
    ) -> None:
        self.sets, self.look = sets, look
        self._rows: list[dict[str, float]] = []

    def on_train_begin(self, trainer: Trainer) -> None:
        """Look before the first epoch."""
        self._rows = []
        self._add(trainer, 0)

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Look after an epoch."""
        self._add(trainer, int(epoch["epoch"]))

    def _add(self, trainer: Trainer, epoch: int) -> None:
        row: dict[str, float] = {"epoch": epoch}
        for name, (images, labels) in self.sets.items():
            look = self.look or (lambda model, x, y: model.evaluate(x, y))
            for what, value in look(trainer.model, images, labels).items():
                row[f"{name}_{what}" if name else what] = value
        self._rows.append(row)

    @property
    def columns(self) -> Columns:
        """What was seen, by column; row k is after epoch k."""
        return {name: np.array([row[name] for row in self._rows], np.float64) for name in self._rows[0]}


def train(
    model: Sequential, sets: Mapping[str, Pair], *, watch: Watch | None = None, shuffle: Any = True, **options: Any
) -> Columns:
    """Train on ``sets[""]`` and return the columns that `watch` saw.

    Besides the losses of the steps (``steps``), the seconds of the epochs, and loss and accuracy over the batches of
    each epoch as they were met (``met_loss``, ``met_accuracy``).

    Parameters
    ----------
    model : Sequential
        Trained in place.
    sets : dict of name to (images, labels)
        As `Watch` has them; all are looked at unless `watch` is given.
    shuffle, **options
        Of `Trainer`.
    """
    watch = watch or Watch(sets)
    trainer = Trainer(model, shuffle=shuffle, callbacks=[watch], progress=False, **options)
    history = trainer.fit(*sets[""])
    met = {f"met_{name}": history.column(name) for name in ("loss", "accuracy")}
    return {**watch.columns, **met, "steps": history.steps, "seconds": history.column("seconds")}


def curves(columns: Mapping[str, Any]) -> Columns:
    """The columns that a learning curve shows, from the first epoch on."""
    names = [n for n in columns if n.endswith(("epoch", "loss", "accuracy")) and not n.startswith("met")]
    return {name: np.asarray(columns[name])[1:] for name in names}
