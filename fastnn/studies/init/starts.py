"""Training from zero, normal and Glorot initial weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import optim, plots
from fastnn.studies.init.network import evaluate, network, sets
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import EpochEvaluations, train

_RATES = {"zeros": 0.01, "normal(1)": 0.001, "glorot_uniform": 0.01}
_NAMES = {"zeros": "zero", "normal(1)": "N(0, 1)", "glorot_uniform": "Glorot uniform"}
_REPORTED: dict[str, tuple[float, float, float]] = {  # loss after epochs 1 and 10, accuracy after 10
    "zeros": (2.3020, 2.3010, 0.11356),
    "normal(1)": (2.9903, 1.1340, 0.9372),
    "glorot_uniform": (0.8446, 0.2761, 0.9219),
}


def _train(run: Run, init: str, rate: float, epochs: int, batch: int, hidden: int, count: int, activation: str) -> Any:
    data = sets(run, count)
    model = network(run, hidden, init, activation)
    evaluations = EpochEvaluations({"": data[""]}, evaluate)
    return train(model, data, evaluations=evaluations, shuffle="batches", seed=run.seed, optimizer=optim.SGD(rate),
                 epochs=epochs, batch_size=batch)  # fmt: skip


def starts(run: Run, epochs: int, batch: int, hidden: int, train: int, activations: tuple[str, ...]) -> Found:
    """Loss and accuracy on all training images after each epoch, for three ways to draw the initial weights.

    The loss is -log(p + 1e-8), so that the loss of an image is at most 18.42 nats; the loss without this cap is shown
    beside it. From zero weights only the biases of the last layer can change.
    """
    found: dict[str, Any] = {}
    for activation, init in run.each([(a, i) for a in activations for i in _RATES]):
        columns = _train(run, init, _RATES[init], epochs, batch, hidden, train, activation)
        found.setdefault(activation, {})[init] = columns
    return {"runs": found}


def show_starts(page: Page, found: Found) -> None:
    """Show the three loss curves."""
    for activation, runs in found["runs"].items():
        rows: list[Any] = []
        for init, columns in runs.items():
            first, last, share = _REPORTED[init] if activation == "relu" else (None, None, None)
            loss, plain = np.asarray(columns["loss"]), np.asarray(columns["uncapped"])
            epochs = len(loss) - 1
            name = f"{_NAMES[init]}, {activation}"
            rows += [
                (f"{name}: loss after epoch 1", first, float(loss[1])),
                (f"{name}: loss after epoch {epochs}", last, float(loss[-1]), f"without the cap {plain[-1]:.4g}"),
                (f"{name}: accuracy after epoch {epochs}", share, float(columns["accuracy"][-1])),
            ]
        page.compare(rows)
        lines = {_NAMES[init]: np.asarray(columns["loss"])[1:] for init, columns in runs.items()}
        page.figure(
            f"loss-{activation}",
            plots.sweep(np.arange(1, epochs + 1), lines, xlabel="epoch", ylabel="loss (nats, capped)", percent=False,
                        title=f"Training loss from three starts ({activation})"),
            f"Mean capped loss over all training images after each epoch, {activation} units.",
        )  # fmt: skip


def normal(run: Run, epochs: int, batch: int, hidden: int, train: int) -> Found:
    """The report states that normal weights need the smaller rate 0.001; here they are trained at 0.01."""
    return {"columns": _train(run, "normal(1)", 0.01, epochs, batch, hidden, train, "relu")}


def show_normal(page: Page, found: Found) -> None:
    """Show that this statement does not hold."""
    share = np.asarray(found["columns"]["accuracy"])
    page.compare([(f"accuracy of N(0, 1) at rate 0.01 after epoch {len(share) - 1}", 0.946, float(share[-1]),
                   "from a re-run; the report has 0.9372, at rate 0.001 after ten epochs")])  # fmt: skip
