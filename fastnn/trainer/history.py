"""What happened during a training."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from importlib import import_module
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.files import write_whole
from fastnn.kernels.precisions import PrecisionName
from fastnn.keywords import AnswersOtherNames
from fastnn.named import suggestion
from fastnn.views import cell, html_table

Row = dict[str, Any]

# The table of text.
_FIRST = "epoch"  # its first column
_APART = {_FIRST, "learning_rate", "seconds"}  # figures that are not in a column of their own, or in the last
_DIGITS = {"seconds": 2}  # behind the point; of other figures 4
_NUMBERS = (int, float)


def as_plain(value: Any) -> Any:
    """The value of a metric in the form that JSON can hold: numbers, lists, dicts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: as_plain(item) for name, item in vars(value).items()}
    if isinstance(value, Mapping):
        return {str(name): as_plain(item) for name, item in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return list(map(as_plain, value)) if isinstance(value, list | tuple) else value


def column_names(rows: Sequence[Row]) -> list[str]:
    """The keys of all rows, in the order in which they first occur."""
    return list(dict.fromkeys(name for row in rows for name in row))


def check_figure(owner: str, name: str, epochs: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValueError if there are epochs, and none has a figure of that name."""
    known = dict.fromkeys(figure for epoch in epochs for figure in epoch)
    if epochs and name not in known:
        raise ValueError(
            f"{owner}: column: expected one of {', '.join(known)}, got {name!r:.80}{suggestion(name, known)}"
        )


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _width(name: str) -> int:
    return max(len(name), 7 if name == "seconds" else 8)


def write_csv(path: str | PathLike[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV with a header line; what a row lacks is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, column_names(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def _finite(value: Any) -> Any:
    """`value` with None in place of every number that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class History(AnswersOtherNames):
    """The figures of every epoch and the loss of every step.

    Parameters
    ----------
    epochs : list of dict
        For each epoch its number "epoch", counted from 1; "loss" and "accuracy" over the batches of the epoch, each
        evaluated before the step that it led to; "val_loss" and "val_accuracy" of the validation set after the epoch;
        the metrics of the trainer; "learning_rate" of the last step; and "seconds". Accuracies are in [0, 1],
        cross-entropies in nats, squared errors in squared units of the targets.
    steps : (S,) float64
        Loss of each step's batch.
    precision : {"float32", "fast", "fast3", "bf16"}
        In which the products of the last call of `fit` were computed: "float32" also where another one was asked for
        that is no faster on this machine.

    Examples
    --------
    >>> import fastnn
    >>> x, y = fastnn.data.glyphs(320, seed=0)
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10)], input_shape=(784,), input_scale=1 / 255)
    >>> history = fastnn.Trainer(model, epochs=3).fit(x, y)
    >>> len(history), len(history.steps)
    (3, 30)
    >>> bool(history.epochs[-1]["loss"] < history.epochs[0]["loss"])
    True
    """

    epochs: list[Row] = field(default_factory=list)
    steps: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    precision: PrecisionName = "float32"

    def column(self, name: str) -> NDArray[np.float64]:
        """One figure of all epochs.

        Parameters
        ----------
        name : str

        Returns
        -------
        (E,) float64
            NaN for epochs that do not have the figure.

        Raises
        ------
        ValueError
            If no epoch has it.

        Examples
        --------
        >>> import fastnn
        >>> fastnn.History([{"epoch": 1, "loss": 0.5}]).column("loss")
        array([0.5])
        """
        check_figure("History", name, self.epochs)
        return np.array([epoch.get(name, np.nan) for epoch in self.epochs], np.float64)

    @property
    def names(self) -> list[str]:
        """The names of all figures, in the order in which they first occur."""
        return column_names(self.epochs)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the epochs as CSV with a header line.

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_csv(path, self.epochs)

    def to_json(self, path: str | PathLike[str]) -> None:
        """Write epochs and steps as JSON, with null for NaN and infinity, which JSON does not have.

        A precision other than "float32" is there too.

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        content: dict[str, Any] = {"epochs": self.epochs, "steps": self.steps.tolist()}
        if self.precision != "float32":
            content["precision"] = self.precision
        write_whole(path, json.dumps(_finite(content), allow_nan=False))

    def to_pandas(self) -> Any:
        """The epochs as a pandas DataFrame, whose index is the epoch.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError:
            raise ImportError("to_pandas: pandas is not installed; pip install pandas") from None
        return pandas.DataFrame(self.epochs, columns=self.names).set_index("epoch")

    def plot(self, **options: Any) -> Any:
        """Learning curves as a matplotlib Figure.

        Parameters
        ----------
        **options
            As for `fastnn.plots.learning_curve`.
        """
        from fastnn.plots import learning_curve

        return learning_curve(self, **options)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        names = self.names
        return html_table([names, *([cell(epoch.get(name, "")) for name in names] for epoch in self.epochs)])

    def __len__(self) -> int:
        return len(self.epochs)

    def __str__(self) -> str:
        return "\n".join([self.table_head(), *(self.table_line(epoch) for epoch in self.epochs)])

    def _columns(self) -> list[str]:
        """The figures in the table of text: those that are numbers, seconds last."""
        found = [name for name in self.names if any(isinstance(epoch.get(name), _NUMBERS) for epoch in self.epochs)]
        return [name for name in found if name not in _APART] + ["seconds"] * ("seconds" in found)

    def table_head(self) -> str:
        """The heading of the table whose lines `table_line` returns: the figures of the epochs that there are."""
        return "  ".join([_FIRST, *(_heading(name).rjust(_width(name)) for name in self._columns())])

    def table_line(self, epoch: Row) -> str:
        """One epoch as a line of text.

        Parameters
        ----------
        epoch : dict
            An element of `epochs`.
        """
        cells = [f"{epoch['epoch']:{len(_FIRST)}d}"]
        for name in self._columns():
            value = epoch.get(name)
            text = f"{value:.{_DIGITS.get(name, 4)}f}" if isinstance(value, _NUMBERS) else "-"
            cells.append(text.rjust(_width(name)))
        return "  ".join(cells)
