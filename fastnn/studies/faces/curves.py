"""The images, and the learning curves of report B's network."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.faces.images import best, fit, people, split
from fastnn.studies.page import Page, spread
from fastnn.studies.study import Found, Run
from fastnn.studies.training import curves

_SHOWN = 40  # people whose faces are shown


def data(run: Run, side: int) -> Found:
    """One image of each person, at {side} × {side} pixels, and the number of images."""
    images, labels = people(run, side)
    first = [int(np.flatnonzero(labels == who)[0]) for who in range(int(labels.max()) + 1)]
    sets = split(images, labels, run.seed)
    counts = {name or "train": len(y) for name, (_, y) in sets.items()}
    names = [str(name) for name in run.data.class_names]
    return {"images": images[first][:_SHOWN], "people": len(first), "counts": counts, "names": names[:_SHOWN]}


def show_data(page: Page, found: Found) -> None:
    """Show the people."""
    names = {"train": "training", "val": "validation", "test": "test"}
    counts = [[names[name], count] for name, count in found["counts"].items()]
    page.table(["", "images"], [["people", found["people"]], *counts])
    images = np.asarray(found["images"])
    few = f", the first {len(images)} of {found['people']}" if len(images) < found["people"] else ""
    page.figure("people", plots.image_grid(images, found["names"], columns=8, title="The people"),
                f"One image of each person{few}.")  # fmt: skip


def network(run: Run, side: int, hidden: int, steps: int, batch: int, splits: int) -> Found:
    """{hidden} tanh units, cross-entropy, Adam with rate 1e-3, batches of {batch}, {steps} steps.

    It is evaluated on training, validation and test images, 70, 20 and 20 of each person or as many in proportion. The
    epoch is chosen on the validation images. Random splits show how much the numbers depend on chance.
    """
    images, labels = people(run, side)

    def one(seed: int) -> dict[str, Any]:
        sets = split(images, labels, seed)
        columns, model = fit(sets, hidden, steps, batch=batch, seed=seed)
        return {"columns": columns, "predicted": model.predict(sets["test"][0]), "labels": sets["test"][1]}

    names = [str(name) for name in run.data.class_names]
    return {"runs": run.on_cores(one, [run.seed + k for k in range(splits)]), "names": names}


def show_network(page: Page, found: Found) -> None:
    """Show accuracies and curves."""
    scores = np.array([best(one["columns"])[1:] for one in found["runs"]])
    page.compare([
        (f"{name} accuracy", 0.825, float(column.mean()), spread(column, "split"))
        for name, column in zip(("validation", "test"), scores.T, strict=True)
    ])  # fmt: skip
    epoch = best(found["runs"][0]["columns"])[0]
    shown = curves(found["runs"][0]["columns"])
    page.figure("curves", plots.learning_curve(shown, title="Learning curves of the first split"),
                f"Loss and accuracy on the three sets. Epoch {epoch} has the best validation accuracy.")  # fmt: skip
    first = found["runs"][0]
    page.figure("confusion", plots.confusion_matrix(first["labels"], first["predicted"], found["names"]),
                "Predictions for the test images of the first split.")  # fmt: skip


def small(run: Run, side: int, hidden: int, iterations: int, batch: int) -> Found:
    """One hidden layer of {hidden} tanh units, the size that report A chose by validation, and {iterations} iterations.

    It is trained on 60, validated on 10 and tested on 20 images of each person, or as many in proportion, by Adam with
    rate 1e-3 in batches of {batch}. The best iteration is chosen on the validation images.
    """
    sets = split(*people(run, side), run.seed, "faces-60")
    columns, _ = fit(sets, hidden, iterations, batch=batch, seed=run.seed)
    per_epoch = -(-len(sets[""][1]) // min(batch, len(sets[""][1])))
    return {"columns": columns, "per epoch": per_epoch, "counts": [len(labels) for _, labels in sets.values()]}


def show_small(page: Page, found: Found) -> None:
    """Show the accuracies at the best iteration and at the last, and the curves."""
    columns = {name: np.asarray(values) for name, values in found["columns"].items()}
    epoch, val, test = best(columns)
    iteration = found["per epoch"] * columns["epoch"]
    page.text("Images for training, validation and testing: " + ", ".join(f"{n:,}" for n in found["counts"]) + ".")
    page.compare([
        ("best iteration", None, int(iteration[epoch])),
        ("validation accuracy at that iteration", None, val),
        ("test accuracy at that iteration", None, test),
        ("test accuracy after the last iteration", None, float(columns["test_accuracy"][-1])),
    ])  # fmt: skip
    shown = curves(columns)
    every = max(1, len(shown["epoch"]) // 200)
    thinned = {name: values[::every] for name, values in shown.items()} | {"epoch": iteration[1:][::every]}
    page.figure("curves", plots.learning_curve(thinned, title="Learning curves of the small network",
                                               xlabel="iteration"),
                f"Loss and accuracy on the three sets. Iteration {int(iteration[epoch]):,} has the best validation "
                "accuracy.")  # fmt: skip
