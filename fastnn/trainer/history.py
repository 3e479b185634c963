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

Row = dict[str, Any]


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


def write_csv(path: str | PathLike[str], rows: Sequence[Row]) -> None:
    """Write rows as CSV with a header line; what a row lacks is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, column_names(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def cell(value: Any) -> str:
    """A value in a table, numbers rounded to five significant digits."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    """`value` with None in place of every number that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass
class History:
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

    def column(self, name: str) -> NDArray[np.float64]:
        """One figure of all epochs.

        Parameters
        ----------
        name : str

        Returns
        -------
        (E,) float64
            NaN for epochs that do not have the figure.

        Examples
        --------
        >>> import fastnn
        >>> fastnn.History([{"epoch": 1, "loss": 0.5}]).column("loss")
        array([0.5])
        """
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

        Parameters
        ----------
        path : path

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        content = {"epochs": self.epochs, "steps": self.steps.tolist()}
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
        import html  # loads a long table of entities: not at import

        rows = [[cell(epoch.get(name, "")) for name in self.names] for epoch in self.epochs]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.names)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __len__(self) -> int:
        return len(self.epochs)

    def __str__(self) -> str:
        return "\n".join([self.table_head(), *(self.table_line(epoch) for epoch in self.epochs)])

    def table_head(self) -> str:
        """The heading of the table whose lines `table_line` returns."""
        return "epoch      loss  accuracy  val loss  val accuracy  seconds"

    def table_line(self, epoch: Row) -> str:
        """One epoch as a line of text.

        Parameters
        ----------
        epoch : dict
            An element of `epochs`.
        """

        def column(name: str, width: int, digits: int) -> str:
            return f"{epoch[name]:{width}.{digits}f}" if name in epoch else " " * (width - 1) + "-"

        return (
            f"{epoch['epoch']:5d}  {column('loss', 8, 4)}  {column('accuracy', 8, 4)}  {column('val_loss', 8, 4)}"
            f"  {column('val_accuracy', 12, 4)}  {column('seconds', 7, 2)}"
        )
