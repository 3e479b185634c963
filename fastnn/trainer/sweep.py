"""A search over configurations: every one is trained, and all are compared."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.kernels.threads import get_num_threads, set_num_threads
from fastnn.trainer.history import History, column_names, write_csv
from fastnn.trainer.monitor import Mode, figure_of, mode_for
from fastnn.trainer.progress import counting
from fastnn.trainer.trainer import Trainer
from fastnn.views import cell, html_table, text_lines

Configuration = Mapping[str, Any]


def grid(**values: Iterable[Any]) -> list[dict[str, Any]]:
    """Every combination of some values; the last name varies fastest.

    Parameters
    ----------
    **values : iterable
        The values of each name.

    Returns
    -------
    list of dict of str to value

    Raises
    ------
    TypeError
        If the values of a name are not iterable.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.grid(units=[10, 20], rate=[0.1])
    [{'units': 10, 'rate': 0.1}, {'units': 20, 'rate': 0.1}]
    """
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


@dataclass(frozen=True)
class Trial:
    """One configuration of a `sweep` and what became of it.

    Parameters
    ----------
    configuration : dict of str to value
    trainer : Trainer
        With the trained model.
    history : History

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.trainer import Trial
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1)], input_shape=(1,))
    >>> trial = Trial({"units": 20}, fastnn.Trainer(model), fastnn.History([{"epoch": 1, "loss": 0.5}]))
    >>> trial.row()
    {'units': 20, 'epoch': 1, 'loss': 0.5}
    """

    configuration: Configuration
    trainer: Trainer
    history: History

    def row(self) -> dict[str, Any]:
        """The configuration and the figures of the last epoch in one dict."""
        return {**self.configuration, **(self.history.epochs[-1] if self.history.epochs else {})}


class Sweep(list[Trial]):
    """The trials of a `sweep`, in the order of their configurations.

    Examples
    --------
    >>> import fastnn
    >>> from fastnn.trainer import Sweep, Trial
    >>> model = fastnn.Sequential([fastnn.layers.Dense(1)], input_shape=(1,))
    >>> histories = [fastnn.History([{"loss": loss}]) for loss in (0.75, 0.5)]
    >>> trials = Sweep(
    ...     Trial({"rate": rate}, fastnn.Trainer(model), history)
    ...     for rate, history in zip((0.1, 0.2), histories, strict=True)
    ... )
    >>> trials.best("loss").configuration
    {'rate': 0.2}
    >>> print(trials)
    rate  loss
     0.1  0.75
     0.2   0.5
    """

    def best(self, monitor: str = "val_loss", mode: Mode | None = None) -> Trial:
        """The trial with the best figure in its best epoch; among equal ones the first.

        Parameters
        ----------
        monitor : str
            A figure of the histories.
        mode : {"min", "max"}, optional
            Whether lower or higher figures are better. Default: as for `BestWeights`.

        Raises
        ------
        ValueError
            If no trial has a finite figure of that name, or if `mode` is missing for a figure of an unknown name.
        """
        epochs = [epoch for trial in self for epoch in trial.history.epochs]
        if epochs and not any(monitor in epoch for epoch in epochs):
            figure_of("best", monitor, epochs[0])  # which has what there is instead
        figures = [[epoch.get(monitor, np.nan) for epoch in trial.history.epochs] for trial in self]
        found = [[value for value in values if np.isfinite(value)] for values in figures]
        if not any(found):
            raise ValueError(f"best: monitor: expected a figure that is finite in some trial, got {monitor!r}")
        sign = 1 if mode_for("best", monitor, mode) == "min" else -1
        return self[int(np.argmin([min((sign * v for v in values), default=np.inf) for values in found]))]

    def rows(self) -> list[dict[str, Any]]:
        """Return for each trial a dict of its configuration and of its last epoch's figures."""
        return [trial.row() for trial in self]

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the `rows` as CSV with a header line.

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_csv(path, self.rows())

    def _cells(self) -> list[list[str]]:
        rows = self.rows()
        names = column_names(rows)
        return [names, *([cell(row.get(name, "-")) for name in names] for row in rows)]

    def __str__(self) -> str:
        return "\n".join(text_lines(self._cells()))

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return html_table(self._cells())


def sweep(
    make: Callable[..., Trainer],
    configurations: Iterable[Configuration],
    x: ArrayLike,
    y: ArrayLike,
    *,
    validation: Any = None,
    jobs: int = 1,
    progress: bool | None = None,
) -> Sweep:
    """Train a model for every configuration.

    Parameters
    ----------
    make : callable
        ``make(**configuration)`` returns a `Trainer`; no two may share a model.
    configurations : iterable of dict
        See `grid`.
    x, y, validation
        As for `Trainer.fit`.
    jobs : int
        How many trainings run at the same time, each with its share of the threads. It does not change the results.
    progress : bool, optional
        Whether to show a progress bar that counts the trials; None: on a terminal and in a notebook.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError, TypeError
        If `make` does not return trainers with models of their own, or the data do not fit.

    Notes
    -----
    After an error or Ctrl-C in one trial, the others stop at the end of their epoch, and the error is raised.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(600, seed=0)
    >>> def make(units, rate):
    ...     layers = [fastnn.layers.Dense(units), fastnn.layers.ReLU(), fastnn.layers.Dense(10)]
    ...     model = fastnn.Sequential(layers, input_shape=(784,), input_scale=1 / 255)
    ...     return fastnn.Trainer(model, optimizer=fastnn.optim.Adam(rate), epochs=3)
    >>> trials = fastnn.sweep(make, fastnn.grid(units=[16, 32], rate=[1e-5, 3e-3]), x, y, validation=0.2)
    >>> trials.best("val_accuracy").configuration["rate"]
    0.003
    """
    jobs = whole("sweep", "jobs", jobs, at_least=1)
    if isinstance(configurations, Mapping):
        raise TypeError(
            f"sweep: configurations: expected dicts, as grid(…) makes them, got one of {', '.join(configurations)}"
        )
    todo = [dict(configuration) for configuration in configurations]
    trainers = [make(**configuration) for configuration in todo]
    for configuration, trainer in zip(todo, trainers, strict=True):
        if not isinstance(trainer, Trainer):
            raise TypeError(f"sweep: make: expected a Trainer, got {type(trainer).__name__} for {configuration}")
        trainer.progress = False
    if len({id(trainer.model) for trainer in trainers}) < len(trainers):
        raise ValueError("sweep: make: expected a new model for every trainer, got the same one twice")
    threads = get_num_threads()
    if jobs > 1:
        set_num_threads(max(1, threads // jobs))
    cancelled = False

    def train(trainer: Trainer) -> History | None:
        return None if cancelled else trainer.fit(x, y, validation)

    from concurrent.futures import Future, ThreadPoolExecutor  # imports logging: not at import

    try:
        with ThreadPoolExecutor(jobs) as pool:
            futures: list[Future[History | None]] = [pool.submit(train, trainer) for trainer in trainers]
            try:
                for future in counting(futures, "trial", progress):
                    future.result()
            except BaseException:
                cancelled = True
                for trainer in trainers:
                    trainer.stop = True
                raise
    finally:
        set_num_threads(threads)
    return Sweep(Trial(c, trainer, trainer.history) for c, trainer in zip(todo, trainers, strict=True))
