"""Lowering the learning rate when a figure no longer improves."""

from __future__ import annotations

import math
from typing import Any

from fastnn.checks import number, whole
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.monitor import Mode, figure_of, mode_for


class ReduceOnPlateau(Callback):
    """Multiplies the learning rate by `factor` when a figure has not improved for `patience` epochs.

    ``Trainer(schedule="plateau")`` adds one with these defaults. After the training, the optimiser has its own rate
    again.

    Parameters
    ----------
    monitor : str, optional
        The figure of the history that decides. Default: ``"val_loss"`` if there is a validation, else ``"loss"``.
    factor : float
        Above 0 and below 1.
    patience : int
        Epochs in a row without improvement before the rate falls, at least 1.
    mode : {"min", "max"}, optional
        Whether lower or higher figures are better. Default: by the name of the figure, as for `BestWeights`.
    min_delta : float
        By how much a figure must be better than the best one so far, at least 0.
    min_rate : float
        The rate falls no further, at least 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type, or if `mode` is missing for a figure of an unknown name.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(200, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> plateau = fastnn.ReduceOnPlateau("loss", patience=2, min_delta=10)  # nothing is good enough
    >>> trainer = fastnn.Trainer(model, optimizer=fastnn.optim.SGD(0.4), epochs=6, callbacks=[plateau])
    >>> trainer.fit(x, y).column("learning_rate").tolist()
    [0.4, 0.4, 0.4, 0.2, 0.2, 0.1]
    """

    def __init__(
        self,
        monitor: str | None = None,
        factor: float = 0.5,
        patience: int = 5,
        *,
        mode: Mode | None = None,
        min_delta: float = 0.0,
        min_rate: float = 0.0,
    ) -> None:
        owner = type(self).__name__
        self.monitor, self.mode = monitor, mode_for(owner, "loss" if monitor is None else monitor, mode)
        self.factor = number(owner, "factor", factor, above=0, below=1)
        self.patience = whole(owner, "patience", patience, at_least=1)
        self.min_delta = number(owner, "min_delta", min_delta, at_least=0)
        self.min_rate = number(owner, "min_rate", min_rate, at_least=0)
        self._begin(math.nan)

    def _begin(self, rate: float) -> None:
        self._first_rate, self._best, self._waited, self._cuts = rate, math.inf, 0, 0

    def on_train_begin(self, trainer: Any) -> None:
        self._begin(trainer.optimizer.learning_rate)

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        monitor = self.monitor or ("val_loss" if "val_loss" in epoch else "loss")
        value = figure_of(type(self).__name__, monitor, epoch) * (1 if self.mode == "min" else -1)
        improved = self._best - value > self.min_delta
        self._best, self._waited = (value, 0) if improved else (self._best, self._waited + 1)
        if self._waited >= self.patience:
            self._waited, self._cuts = 0, self._cuts + 1
            self._set_rate(trainer)

    def _set_rate(self, trainer: Any) -> None:
        lowest = min(self.min_rate, self._first_rate)
        trainer.optimizer.learning_rate = max(self._first_rate * self.factor**self._cuts, lowest)

    def on_train_end(self, trainer: Any) -> None:
        trainer.optimizer.learning_rate = self._first_rate

    def state(self) -> dict[str, Any]:
        best = self._best if math.isfinite(self._best) else None
        return {"best": best, "waited": self._waited, "cuts": self._cuts}

    def restore(self, state: dict[str, Any]) -> None:
        self._best = math.inf if state["best"] is None else state["best"]
        self._waited, self._cuts = state["waited"], state["cuts"]

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        if self._cuts:  # a training that is resumed has its own rate again
            self._set_rate(trainer)
