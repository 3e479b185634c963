"""The images, and the learning curves of report B's network."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.faces.images import best, fit, people, split
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import curves


def data(run: Run, side: int) -> Found:
    """One image of each person, and the number of images."""
    images, labels = people(run, side)
    first = [int(np.flatnonzero(labels == who)[0]) for who in range(int(labels.max()) + 1)]
    sets = split(images, labels, run.seed)
    counts = {name or "train": len(y) for name, (_, y) in sets.items()}
    return {"images": images[first][:40], "people": len(first), "counts": counts}


def show_data(page: Page, found: Found) -> None:
    """Show the people."""
    names = {"train": "training", "val": "validation", "test": "test"}
    counts = [[names[name], count] for name, count in found["counts"].items()]
    page.table(["", "images"], [["people", found["people"]], *counts])
    page.figure("people", plots.image_grid(found["images"], title="The people"), "One image of each person.")


def network(run: Run, side: int, hidden: int, steps: int, batch: int, splits: int) -> Found:
    """70 tanh units, cross-entropy, Adam with rate 1e-3, batches of 60, 500 steps, evaluated on all three sets.

    The epoch is chosen on the validation images. Several random splits show how much the numbers depend on chance.
    """
    images, labels = people(run, side)

    def one(seed: int) -> dict[str, Any]:
        sets = split(images, labels, seed)
        columns, model = fit(sets, hidden, steps, batch=batch, seed=seed)
        return {"columns": columns, "predicted": model.predict(sets["test"][0]), "labels": sets["test"][1]}

    return {"runs": run.on_cores(one, [run.seed + k for k in range(splits)])}


def show_network(page: Page, found: Found) -> None:
    """Show accuracies and curves."""
    scores = np.array([best(one["columns"])[1:] for one in found["runs"]])
    spread = f"mean of {len(scores)} splits, from {{:.1%}} to {{:.1%}}"
    page.compare([
        (f"{name} accuracy", 0.825, float(column.mean()), spread.format(column.min(), column.max()))
        for name, column in zip(("validation", "test"), scores.T, strict=True)
    ])  # fmt: skip
    epoch = best(found["runs"][0]["columns"])[0]
    shown = curves(found["runs"][0]["columns"])
    page.figure("curves", plots.learning_curve(shown, title="Learning curves of the first split"),
                f"Loss and accuracy on the three sets. Epoch {epoch} has the best validation accuracy.")  # fmt: skip
    first = found["runs"][0]
    page.figure("confusion", plots.confusion_matrix(first["labels"], first["predicted"]),
                "Predictions for the test images of the first split.")  # fmt: skip
