"""The search for a network with a validation accuracy of at least 97 %."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import optim, plots
from fastnn.studies.init.network import network, sets
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import Columns, EpochEvaluations
from fastnn.studies.training import train as train_on


def search(run: Run, epochs: int, hidden: int, train: int, rates: tuple[float, ...], batches: tuple[int, ...]) -> Found:
    """A search over the rates {rates} and batches of {batches}, for the best validation accuracy.

    Every network has two hidden layers of {hidden} ReLU units and Glorot weights, and sees {train} images for {epochs}
    epochs.
    """
    data = sets(run, train)
    jobs = [(r, b) for r in rates for b in batches]

    def one(job: tuple[float, int]) -> Columns:
        rate, batch = job
        model = network(run, hidden, "glorot_uniform")
        evaluations = EpochEvaluations({name: data[name] for name in ("val", "test")})
        return train_on(model, data, evaluations=evaluations, shuffle="batches", seed=run.seed,
                        optimizer=optim.SGD(rate), epochs=epochs, batch_size=batch)  # fmt: skip

    names = [f"rate {rate:g}, batch {batch}" for rate, batch in jobs]
    return {"runs": dict(zip(names, run.each_cached(one, jobs), strict=True))}


def show_search(page: Page, found: Found) -> None:
    """Show every run, and the best one."""
    best = {name: int(np.argmax(c["val_accuracy"])) for name, c in found["runs"].items()}
    score = {name: float(found["runs"][name]["val_accuracy"][epoch]) for name, epoch in best.items()}
    winner = max(score, key=lambda name: score[name])
    columns = found["runs"][winner]
    own = found["runs"].get("rate 0.1, batch 100")
    rows: list[Any] = [("best validation accuracy", 0.9786, score[winner], f"{winner}, epoch {best[winner]}")]
    if own is not None:
        rows += [
            Comparison("validation accuracy with the report's best settings, last epoch", 0.9786,
                       float(own["val_accuracy"][-1]), "rate 0.1, batch 100; nine re-runs", rerun="0.9754–0.9805"),
            ("validation loss with these settings", 0.0730, float(own["val_loss"][-1])),
        ]  # fmt: skip
    rows.append(("test accuracy of the best run, same epoch", None, float(columns["test_accuracy"][best[winner]])))
    page.compare(rows)
    page.table(
        ["", "best validation accuracy", "at epoch", "test accuracy at that epoch"],
        [[n, score[n], best[n], float(found["runs"][n]["test_accuracy"][best[n]])] for n in found["runs"]],
    )
    epochs = np.arange(1, len(columns["val_accuracy"]))
    lines = {name: np.asarray(c["val_accuracy"])[1:] for name, c in found["runs"].items()}
    page.figure("validation", plots.sweep(epochs, lines, xlabel="epoch", ylabel="validation accuracy (%)",
                                          title="Validation accuracy by epoch"),
                "Validation accuracy of every run of the search.")  # fmt: skip
