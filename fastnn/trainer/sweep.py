"""Trying many configurations: each is trained, all are compared."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.files import write_whole
from fastnn.kernels.threads import get_num_threads, set_num_threads
from fastnn.trainer.history import History
from fastnn.trainer.progress import counting
from fastnn.trainer.trainer import Trainer

Configuration = Mapping[str, Any]


def grid(**values: Iterable[Any]) -> list[dict[str, Any]]:
    """Every combination of the values, the last name varying fastest.

    Examples
    --------
    >>> import fastnn
    >>> fastnn.grid(units=[10, 20], rate=[0.1])
    [{'units': 10, 'rate': 0.1}, {'units': 20, 'rate': 0.1}]
    """
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


@dataclass(frozen=True)
class Trial:
    """One configuration, its trainer and what happened."""

    configuration: Configuration
    trainer: Trainer
    history: History

    def row(self) -> dict[str, Any]:
        """Configuration and the figures of the last epoch."""
        return {**self.configuration, **(self.history.epochs[-1] if self.history.epochs else {})}


class Sweep(list[Trial]):
    """The trials of a sweep in the order of their configurations."""

    def best(self, monitor: str = "val_loss", mode: str | None = None) -> Trial:
        """The trial with the best figure in its best epoch; the first of equal ones.

        Parameters
        ----------
        monitor : str
            A figure of the histories.
        mode : {"min", "max"}, optional
            Default: "min" for a name with "loss" or "error" in it, otherwise "max".

        Raises
        ------
        ValueError
            If no trial has a finite figure of that name.
        """
        sign = 1 if (mode or ("min" if "loss" in monitor or "error" in monitor else "max")) == "min" else -1
        scores = [min((sign * v for v in t.history.column(monitor) if np.isfinite(v)), default=np.inf) for t in self]
        if not scores or not np.isfinite(min(scores)):
            raise ValueError(f"best: no trial has a finite {monitor!r}")
        return self[int(np.argmin(scores))]

    def rows(self) -> list[dict[str, Any]]:
        """One dict a trial: its configuration and the figures of its last epoch."""
        return [trial.row() for trial in self]

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write `rows` as CSV with a header line."""
        rows = self.rows()
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(n for row in rows for n in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_whole(path, text.getvalue())

    def __str__(self) -> str:
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[_cell(row.get(name, "-")) for name in names] for row in rows]
        widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in [names, *cells])


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


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
    """Train every configuration.

    Parameters
    ----------
    make : callable
        ``make(**configuration)`` gives a `Trainer` with a model of its own.
    configurations : iterable of dict
        `grid` makes them from lists.
    x, y, validation
        As for `Trainer.fit`.
    jobs : int
        Trainings at the same time, each on its share of the threads. The numbers are the same for any.
    progress : bool, optional
        Show a bar that counts trials; None: if standard error is a terminal.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError, TypeError
        If a configuration or the data do not fit.

    Notes
    -----
    After an error or Ctrl-C in one trial the others stop behind their epoch, and it is raised.

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
    todo = [dict(configuration) for configuration in configurations]
    trainers = [make(**configuration) for configuration in todo]
    for configuration, trainer in zip(todo, trainers, strict=True):
        if not isinstance(trainer, Trainer):
            raise TypeError(f"sweep: make must give a Trainer, got {type(trainer).__name__} for {configuration}")
        trainer.progress = False
    if len({id(trainer.model) for trainer in trainers}) < len(trainers):
        raise ValueError("sweep: make must give every trainer a model of its own")
    threads = get_num_threads()
    if jobs > 1:
        set_num_threads(max(1, threads // jobs))
    cancelled = False

    def train(trainer: Trainer) -> History | None:
        return None if cancelled else trainer.fit(x, y, validation)

    from concurrent.futures import Future, ThreadPoolExecutor  # loads logging: not at import

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
