"""What happened during training."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.files import write_whole


@dataclass
class History:
    """Figures of every epoch and the loss of every step.

    Attributes
    ----------
    epochs : list of dict
        epoch (from 1), loss, accuracy (both over the epoch's batches, as they were met), val_loss, val_accuracy,
        learning_rate, seconds. Accuracies are in [0, 1], losses in nats (or squared units).
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
        """Write epochs and steps as JSON."""
        write_whole(path, json.dumps({"epochs": self.epochs, "steps": self.steps.tolist()}))

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
