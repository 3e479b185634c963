"""What a run of the estimators of tables measured, and the files about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.cli.output import save_figure
from fastnn.cli.prediction_rows import csv_text, quantile_names
from fastnn.cli.regression import PREDICTIONS_FILE, RESIDUALS_FILE, Errors
from fastnn.files import write_whole
from fastnn.metrics import log_loss, reliability_curve
from fastnn.plots import learning_curve, reliability, residuals

RELIABILITY_FILE = "reliability.png"
_CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")
Found = tuple[dict[str, Any], str, dict[str, Callable[[Path], Any]]]


class Tested(NamedTuple):
    """The rows on which a model is measured.

    Parameters
    ----------
    rows : (N,) int64
        Their numbers in the file.
    true : (N,) array
        Their targets.
    name : str or None
        Of the column of targets.
    """

    rows: NDArray[np.int64]
    true: NDArray[Any]
    name: str | None

    def by(self, net: Any, columns: Any) -> Found:
        """What is measured: for the record, as a line, and the files about it.

        Parameters
        ----------
        net : TableClassifier or TableRegressor
        columns : mapping of str to array
        """
        return self._classes(net, columns) if hasattr(net, "classes_") else self._numbers(net, columns)

    @property
    def _ids(self) -> list[int]:
        return [int(row) + 1 for row in self.rows]

    def _numbers(self, net: Any, columns: Any) -> Found:
        predicted = net.predict(columns)
        errors = Errors.of(self.true, predicted)
        result, line, head, lines = {**errors._asdict()}, str(errors), ["Id", "target", "predicted"], [predicted]
        if net.quantiles is not None:
            found = net.predict_quantiles(columns)
            inside = float(np.mean((found[:, 0] <= self.true) & (self.true <= found[:, -1])))
            low, high = net.quantiles[0], net.quantiles[-1]
            result["between the outer quantiles"] = inside
            line += f", {inside:.1%} of the targets between the quantiles {low:g} and {high:g}"
            head, lines = [*head, *quantile_names(net.quantiles)], [*lines, *found.T]
        rows = [head, *zip(self._ids, self.true.tolist(), *(one.tolist() for one in lines), strict=True)]
        files: dict[str, Callable[[Path], Any]] = {
            PREDICTIONS_FILE: lambda file: write_whole(file, csv_text(rows)),
            RESIDUALS_FILE: lambda file: save_figure(file, residuals, self.true, predicted, name=self.name),
        }
        return {"test": result}, line, files

    def _classes(self, net: Any, columns: Any) -> Found:
        shares, known = net.predict_proba(columns), net.classes_
        answers, indices = known[shares.argmax(axis=1)], np.searchsorted(known, self.true)
        accuracy, loss = float((answers == self.true).mean()), log_loss(indices, shares)
        head = ("Id", "target", "predicted", *(f"P({one})" for one in known))
        named = zip(self._ids, self.true, answers, strict=True)
        rows = [head, *((*a, *b) for a, b in zip(named, shares.tolist(), strict=True))]
        files: dict[str, Callable[[Path], Any]] = {
            PREDICTIONS_FILE: lambda file: write_whole(file, csv_text(rows)),
            RELIABILITY_FILE: lambda file: save_figure(file, reliability, *reliability_curve(indices, shares)),
        }
        return {"test": {"accuracy": accuracy, "loss": loss}}, f"accuracy {accuracy:.2%}, loss {loss:.4f} nats", files


def history_text(net: Any) -> str:
    """The figures of all epochs of all networks, as the text of a CSV file."""
    names = list(dict.fromkeys(name for history in net.histories_ for name in history.names))
    lines = [
        (number, *(epoch.get(name, "") for name in names))
        for number, history in enumerate(net.histories_, 1)
        for epoch in history.epochs
    ]
    return csv_text([("network", *names), *lines])


def mean_curves(net: Any) -> dict[str, list[float]]:
    """The mean of each figure over the networks that were trained in an epoch, by the names of `learning_curve`."""
    curves: dict[str, list[float]] = {}
    for k in range(max(len(history.epochs) for history in net.histories_)):
        epochs = [history.epochs[k] for history in net.histories_ if len(history.epochs) > k]
        for name in _CURVES:
            if name in epochs[0]:
                curves.setdefault(name, []).append(float(np.mean([epoch[name] for epoch in epochs])))
    return curves


def draw_curve(file: Path, net: Any) -> None:
    """Draw the learning curve of a run, the mean of its networks, to a file."""
    count = len(net.histories_)
    title = "Learning curve" if count == 1 else f"Learning curve, mean of up to {count} networks"
    unit = "nats" if hasattr(net, "classes_") else None
    save_figure(file, learning_curve, mean_curves(net), title=title, loss_unit=unit)
