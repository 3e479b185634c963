"""What the trainings of the studies share: several sets that are evaluated after every epoch."""

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


class EpochEvaluations(Callback):
    """Evaluates sets of images before training and after every epoch.

    Parameters
    ----------
    sets : dict of name to (images, labels)
        The names are prefixes of the columns of a history: "" for training, "val", "test".
    evaluate : callable, optional
        ``evaluate(model, images, labels) -> dict of numbers``, by default `Sequential.evaluate`.
    """

    def __init__(
        self,
        sets: Mapping[str, Pair],
        evaluate: Callable[[Sequential, Array, Array], dict[str, float]] = Sequential.evaluate,
    ) -> None:
        self.sets, self.evaluate = sets, evaluate
        self._rows: list[dict[str, float]] = []

    def on_train_begin(self, trainer: Trainer) -> None:
        """Evaluate before the first epoch."""
        self._rows = []
        self._add(trainer, 0)

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        """Evaluate after an epoch."""
        self._add(trainer, int(epoch["epoch"]))

    def _add(self, trainer: Trainer, epoch: int) -> None:
        row: dict[str, float] = {"epoch": epoch}
        for name, (images, labels) in self.sets.items():
            for what, value in self.evaluate(trainer.model, images, labels).items():
                row[f"{name}_{what}" if name else what] = value
        self._rows.append(row)

    @property
    def columns(self) -> Columns:
        """The results by column, float64 arrays of shape (epochs + 1,); row k was evaluated after epoch k."""
        return {name: np.array([row[name] for row in self._rows], np.float64) for name in self._rows[0]}


def train(
    model: Sequential,
    sets: Mapping[str, Pair],
    *,
    evaluations: EpochEvaluations | None = None,
    shuffle: Any = True,
    **options: Any,
) -> Columns:
    """Train on ``sets[""]`` and return the evaluations by column.

    Parameters
    ----------
    model : Sequential
        The model, which is trained in place.
    sets : dict of name to (images, labels)
        As in `EpochEvaluations`.
    evaluations : EpochEvaluations, optional
        What is evaluated after every epoch, by default all `sets`.
    shuffle, **options
        Arguments of `Trainer`.

    Returns
    -------
    dict of str to array
        The columns of `evaluations`; the loss of every step (``steps``); the ``seconds`` of every epoch; and the
        loss and accuracy over the batches of every epoch at the time each was used (``running_loss``,
        ``running_accuracy``).
    """
    evaluations = evaluations or EpochEvaluations(sets)
    trainer = Trainer(model, shuffle=shuffle, callbacks=[evaluations], progress=False, **options)
    history = trainer.fit(*sets[""])
    # on squared errors there is no accuracy, and the column stays without a number
    seen = {name: np.array([row.get(name, np.nan) for row in history.epochs]) for name in ("loss", "accuracy")}
    running = {f"running_{name}": column for name, column in seen.items()}
    return {**evaluations.columns, **running, "steps": history.steps, "seconds": history.column("seconds")}


def curves(columns: Mapping[str, Any]) -> Columns:
    """Return the columns that a learning curve shows, from the first epoch on."""
    names = [n for n in columns if n.endswith(("epoch", "loss", "accuracy")) and not n.startswith("running")]
    return {name: np.asarray(columns[name])[1:] for name in names}
