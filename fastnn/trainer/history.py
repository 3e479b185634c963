"""What happened during training."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from importlib import import_module
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.files import write_whole


def as_plain(value: Any) -> Any:
    """A metric's value as JSON can hold it: floats, lists, dicts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: as_plain(item) for name, item in vars(value).items()}
    if isinstance(value, Mapping):
        return {str(name): as_plain(item) for name, item in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return list(map(as_plain, value)) if isinstance(value, list | tuple) else value


def _finite(value: Any) -> Any:
    """`value` with None for every number that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass
class History:
    """Figures of every epoch and the loss of every step.

    Attributes
    ----------
    epochs : list of dict
        epoch (from 1), loss, accuracy (both over the epoch's batches, as they were met), val_loss, val_accuracy,
        metrics of the trainer, learning_rate (of the last step), seconds. Accuracies are in [0, 1], losses in nats
        (or squared units).
    steps : (S,) float64
        Loss of every step's batch.
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def column(self, name: str) -> NDArray[np.float64]:
        """One figure over the epochs; NaN where an epoch lacks it.

        Examples
        --------
        >>> import fastnn
        >>> fastnn.History([{"epoch": 1, "loss": 0.5}]).column("loss")
        array([0.5])
        """
        return np.array([epoch.get(name, np.nan) for epoch in self.epochs], np.float64)

    @property
    def names(self) -> list[str]:
        """Names of all figures, in the order in which they came."""
        return list(dict.fromkeys(name for epoch in self.epochs for name in epoch))

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the epochs as CSV with a header line."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.epochs)
        write_whole(path, text.getvalue())

    def to_json(self, path: str | PathLike[str]) -> None:
        """Write epochs and steps as JSON; null stands for NaN and infinity, which JSON does not have."""
        content = {"epochs": self.epochs, "steps": self.steps.tolist()}
        write_whole(path, json.dumps(_finite(content), allow_nan=False))

    def to_pandas(self) -> Any:
        """The epochs as a pandas DataFrame, by epoch.

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
        """Learning curves, see `fastnn.plots.learning_curve`; a matplotlib Figure."""
        from fastnn.plots import learning_curve

        return learning_curve(self, **options)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        import html  # a long table of names: not at import

        rows = [[_cell(epoch.get(name, "")) for name in self.names] for epoch in self.epochs]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.names)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __len__(self) -> int:
        return len(self.epochs)

    def __str__(self) -> str:
        return "\n".join([self.table_head(), *(self.table_line(epoch) for epoch in self.epochs)])

    def table_head(self) -> str:
        """Heading of the table that `table_line` fills."""
        return "epoch      loss  accuracy  val loss  val accuracy  seconds"

    def table_line(self, epoch: dict[str, Any]) -> str:
        """One epoch as a line of text."""

        def cell(name: str, width: int, digits: int) -> str:
            return f"{epoch[name]:{width}.{digits}f}" if name in epoch else " " * (width - 1) + "-"

        return (
            f"{epoch['epoch']:5d}  {cell('loss', 8, 4)}  {cell('accuracy', 8, 4)}  {cell('val_loss', 8, 4)}"
            f"  {cell('val_accuracy', 12, 4)}  {cell('seconds', 7, 2)}"
        )
