"""Callbacks that write the figures of each epoch to a file, to TensorBoard or to MLflow, or report them to Optuna."""

from __future__ import annotations

import math
import time
from importlib import import_module
from os import PathLike, fspath
from typing import Any

from fastnn.trainer.callbacks import Callback
from fastnn.trainer.monitor import figure_of

_SECONDS_APART = 1.0  # at least, between two writings of a file, so that short epochs do not wait for the disk


def numbers_of(epoch: dict[str, Any]) -> dict[str, float]:
    """The figures of an epoch that are single numbers, without its number.

    Parameters
    ----------
    epoch : dict
        The epoch's line of the history.

    Examples
    --------
    >>> from fastnn.trainer.logs import numbers_of
    >>> numbers_of({"epoch": 1, "loss": 0.5, "confusion_matrix": [[1, 0], [0, 1]]})
    {'loss': 0.5}
    """
    return {k: float(v) for k, v in epoch.items() if k != "epoch" and isinstance(v, int | float)}


class CSVLog(Callback):
    """Writes the history to a CSV file while the training runs, one line for each epoch.

    The file is written whole, at most once a second and at the end, so that it can be read at any time.

    Parameters
    ----------
    path : path

    Raises
    ------
    TypeError
        If path is no path.

    Examples
    --------
    >>> import fastnn, tempfile, pathlib
    >>> x, y = fastnn.data.glyphs(100, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "history.csv")
    ...     history = fastnn.Trainer(model, epochs=3, callbacks=[fastnn.CSVLog(path)]).fit(x, y)
    ...     path.read_text().splitlines()[0]
    'epoch,loss,accuracy,learning_rate,seconds'
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = fspath(path)
        self._written = -math.inf

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        if time.monotonic() - self._written >= _SECONDS_APART:
            trainer.history.to_csv(self.path)
            self._written = time.monotonic()

    def on_train_end(self, trainer: Any) -> None:
        if trainer.history.epochs:
            trainer.history.to_csv(self.path)


class TensorBoardLog(Callback):
    """Writes the figures of each epoch for TensorBoard, by the package tensorboardX.

    Parameters
    ----------
    folder : path
        Of the event files: ``tensorboard --logdir`` is given it or the one above.

    Raises
    ------
    ImportError
        If tensorboardX is not installed.

    Examples
    --------
    >>> import fastnn
    >>> log = fastnn.TensorBoardLog("runs/first")  # doctest: +SKIP
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = fspath(folder)
        self._module = _needed("TensorBoardLog", "tensorboardX", "logs")
        self._writer: Any = None

    def on_train_begin(self, trainer: Any) -> None:
        self._writer = self._module.SummaryWriter(self.folder)

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        for name, value in numbers_of(epoch).items():
            self._writer.add_scalar(name, value, epoch["epoch"])

    def on_train_end(self, trainer: Any) -> None:
        self._writer.close()


class MLflowLog(Callback):
    """Logs the figures of each epoch to the active run of MLflow; without one, MLflow starts a run.

    Raises
    ------
    ImportError
        If mlflow is not installed.

    Examples
    --------
    >>> import fastnn
    >>> log = fastnn.MLflowLog()  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._module = _needed("MLflowLog", "mlflow", "logs")

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        self._module.log_metrics(numbers_of(epoch), step=epoch["epoch"])


class OptunaPruning(Callback):
    """Reports a figure of each epoch to a trial of Optuna, and ends the trial where its pruner says so.

    Parameters
    ----------
    trial : optuna.trial.Trial
    monitor : str
        The figure of the history, such as ``"val_loss"``; the study's direction says whether lower is better.

    Raises
    ------
    ImportError
        If optuna is not installed.

    Examples
    --------
    >>> import fastnn
    >>> pruning = lambda trial: fastnn.OptunaPruning(trial, "val_accuracy")  # a callback for the trainer of a trial
    """

    def __init__(self, trial: Any, monitor: str = "val_loss") -> None:
        self._module = _needed("OptunaPruning", "optuna", "search")
        self.trial, self.monitor = trial, monitor

    def on_epoch_end(self, trainer: Any, epoch: dict[str, Any]) -> None:
        self.trial.report(figure_of("OptunaPruning", self.monitor, epoch), epoch["epoch"])
        if self.trial.should_prune():
            raise self._module.TrialPruned(f"pruned after epoch {epoch['epoch']}")


def _needed(owner: str, package: str, extra: str) -> Any:
    try:
        return import_module(package)
    except ImportError:
        raise ImportError(f"{owner} needs the package {package}; type:  pip install 'fastnn-cpu[{extra}]'") from None
