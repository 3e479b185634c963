"""Keeping the best weights, and stopping when they no longer improve."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn.checks import flag, number, whole
from fastnn.model.schema import is_number, is_whole
from fastnn.trainer.callbacks import Callback
from fastnn.trainer.monitor import Mode, figure_of, mode_for
from fastnn.trainer.trainer import Trainer


class BestWeights(Callback):
    """Remembers the model of the best epoch, and restores it when the training ends, also after Ctrl-C.

    That is its parameters and its running statistics, not the state of the optimiser.

    Parameters
    ----------
    monitor : str
        The figure of the history that decides, such as ``"val_loss"`` or ``"val_accuracy"``.
    mode : {"min", "max"}, optional
        Whether lower or higher figures are better. Default: by the name of the figure, see
        `fastnn.decisions.figures.better`: lower for losses, errors, mae, nll, perplexity and the like, higher for
        accuracy, auc, f1, r2 and the like. For a name that does not say, it must be given.
    min_delta : float
        By how much a figure must be better than the best one so far, at least 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range or of another type, or if `mode` is missing for a figure of an unknown name.

    Attributes
    ----------
    best_epoch : int
        The number of the best epoch, counted from 1; 0 before the first epoch.
    best_value : float
        The figure of that epoch; before the first one, infinity if lower is better and minus infinity otherwise.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(600, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> best = fastnn.BestWeights("val_accuracy")
    >>> trainer = fastnn.Trainer(model, epochs=5, callbacks=[best])
    >>> history = trainer.fit(x[:500], y[:500], validation=(x[500:], y[500:]))
    >>> model.evaluate(x[500:], y[500:])["accuracy"] == best.best_value == history.column("val_accuracy").max().item()
    True
    """

    def __init__(self, monitor: str = "val_loss", mode: Mode | None = None, min_delta: float = 0.0) -> None:
        owner = type(self).__name__
        self.monitor, self.mode = monitor, mode_for(owner, monitor, mode)
        self.min_delta = number(owner, "min_delta", min_delta, at_least=0)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._forget()

    def _forget(self) -> None:
        self.best_epoch, self.best_value = 0, math.inf if self.mode == "min" else -math.inf
        self._arrays: dict[str, Any] = {}

    def on_train_begin(self, trainer: Trainer) -> None:
        self._forget()
        model = trainer.model
        self._shapes = {name: array.shape for name, array in {**model.parameters, **model.state}.items()}

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        if self.is_better(epoch):
            self.best_epoch, self.best_value = epoch["epoch"], float(epoch[self.monitor])
            arrays = {**trainer.model.parameters, **trainer.model.state}
            self._arrays = {name: array.copy() for name, array in arrays.items()}

    def is_better(self, epoch: dict[str, Any]) -> bool:
        """Whether an epoch is better than all before; an epoch whose figure is NaN never is.

        Parameters
        ----------
        epoch : dict
            The epoch's line of the history.

        Raises
        ------
        ValueError
            If the epoch does not have the figure.
        """
        return bool(self.improves(figure_of(type(self).__name__, self.monitor, epoch), self.best_value))

    def improves(self, value: Any, best: Any) -> Any:
        """Whether figures are better than the best ones before; NaN never is.

        Parameters
        ----------
        value, best : float, or arrays of float
        """
        gain = best - value if self.mode == "min" else value - best
        return gain > self.min_delta

    def on_train_end(self, trainer: Trainer) -> None:
        arrays = {**trainer.model.parameters, **trainer.model.state}
        for name, best in self._arrays.items():
            arrays[name][...] = best

    def state(self) -> dict[str, Any]:
        value = self.best_value if math.isfinite(self.best_value) else None
        return {"best_epoch": self.best_epoch, "best_value": value, **self._arrays}

    def restore(self, state: dict[str, Any]) -> None:
        arrays = dict(state)
        epoch, value = arrays.pop("best_epoch"), arrays.pop("best_value")
        if not (is_whole(epoch) and (value is None or is_number(value))):
            raise ValueError(f"expected the number of an epoch and its figure, got {epoch!r:.80} and {value!r:.80}")
        if arrays and {name: np.shape(array) for name, array in arrays.items()} != self._shapes:
            raise ValueError("expected arrays of the shapes of the model")
        self._forget()
        self.best_epoch = epoch
        self.best_value = self.best_value if value is None else value
        self._arrays = arrays


class EarlyStopping(BestWeights):
    """Ends the training when a figure has not improved for `patience` epochs, and restores the best model.

    Parameters
    ----------
    monitor, mode, min_delta
        As for `BestWeights`.
    patience : int
        The training ends after this number of epochs in a row without improvement; at least 1.
    restore_best : bool
        False: the model stays as it is after the last epoch.

    Raises
    ------
    ValueError, TypeError
        As for `BestWeights`.

    Notes
    -----
    Algorithm 7.1 of Goodfellow, Bengio & Courville (2016), "Deep Learning", with one evaluation per epoch.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(600, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> stopping = fastnn.EarlyStopping(patience=2)
    >>> trainer = fastnn.Trainer(model, epochs=500, optimizer="adam", callbacks=[stopping])
    >>> len(trainer.fit(x, y, validation=0.3)) == stopping.best_epoch + 2
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 10,
        *,
        mode: Mode | None = None,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = whole("EarlyStopping", "patience", patience, at_least=1)
        self.restore_best = flag("EarlyStopping", "restore_best", restore_best)

    def on_epoch_end(self, trainer: Trainer, epoch: dict[str, Any]) -> None:
        super().on_epoch_end(trainer, epoch)
        if epoch["epoch"] - self.best_epoch >= self.patience:
            trainer.stop = True

    def on_train_end(self, trainer: Trainer) -> None:
        if self.restore_best:
            super().on_train_end(trainer)
