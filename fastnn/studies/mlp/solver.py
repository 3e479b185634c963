"""The reported run, and the same run without one of its two peculiarities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from fastnn import optim, plots, random
from fastnn.architecture import parse
from fastnn.random import Purpose
from fastnn.schedules import Exponential
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import Columns, EpochEvaluations, Pair
from fastnn.studies.training import train as train_on


def sets(run: Run, train: int) -> dict[str, Pair]:
    """Return `train` random images, a random sixth of the training file for validation, and the test images."""
    x, y = run.data.train
    permutation = random.permutation(run.seed, Purpose.SPLIT, 0, len(x))
    held_out = len(x) // 6
    training, validation = permutation[: min(train, len(x) - held_out)], permutation[-held_out:]
    # as numbers rather than bytes, because the reported runs took pixels for numbers from 0 to 255
    return {
        "": (x[training].astype(np.float32), y[training]),
        "val": (x[validation], y[validation]),
        "test": run.data.test,
    }


def solve(
    run: Run,
    data: dict[str, Pair],
    hidden: tuple[int, ...],
    epochs: int,
    batch: int,
    *,
    decay: float = 1.0,
    scale: float = 1.0,
    seed: int | None = None,
) -> tuple[Columns, Any]:
    """Train as the report did, with evaluations on 1,000 training images and on the validation images.

    Returns the evaluations and the network of the best epoch.
    """
    return solve_for(run, data, hidden, (epochs,), batch, decay=decay, scale=scale, seed=seed)[epochs]


def solve_for(
    run: Run,
    data: dict[str, Pair],
    hidden: tuple[int, ...],
    lengths: Collection[int],
    batch: int,
    *,
    decay: float = 1.0,
    scale: float = 1.0,
    seed: int | None = None,
) -> dict[int, tuple[Columns, Any]]:
    """The same for trainings that differ in their numbers of epochs alone: each is the beginning of the longest."""
    seed = run.seed if seed is None else seed
    sizes = "-".join(map(str, (data[""][0][0].size, *hidden, len(run.data.class_names))))
    model = parse(f"mlp:{sizes}", init="normal(0.1)", input_scale=scale, seed=seed)
    few = data[""][0][:1000], data[""][1][:1000]
    best = _BestEpoch({"": few, "val": data["val"]}, lengths)
    optimizer = optim.SGD(1e-4, weight_decay=decay)
    columns = train_on(model, data, evaluations=best, optimizer=optimizer, schedule=Exponential(0.95),
                       epochs=max(lengths), batch_size=batch, seed=seed, on_nonfinite="ignore")  # fmt: skip
    found = {}
    for epochs in lengths:
        network = model.copy()
        network.params[...] = best.params[epochs]
        rows = {"steps": epochs * (len(columns["steps"]) // max(lengths))}
        rows |= dict.fromkeys(("seconds", "running_loss", "running_accuracy"), epochs)
        found[epochs] = {name: of[: rows.get(name, epochs + 1)] for name, of in columns.items()}, network
    return found


class _BestEpoch(EpochEvaluations):
    """Also copies the parameters of the epoch with the best validation accuracy, up to each of some numbers of epochs.

    Attributes
    ----------
    params : dict of int to array
        By the number of epochs.
    """

    def __init__(self, sets: Mapping[str, Pair], lengths: Collection[int]) -> None:
        super().__init__(sets)
        self.params: dict[int, Any] = {}
        self._lengths, self._best, self._best_params = lengths, -1.0, None

    def _add(self, trainer: Any, epoch: int) -> None:
        super()._add(trainer, epoch)
        if (accuracy := self._rows[-1]["val_accuracy"]) > self._best:
            self._best, self._best_params = accuracy, trainer.model.params.copy()
        if epoch in self._lengths:
            self.params[epoch] = self._best_params


def solver(run: Run, hidden: int, epochs: int, batch: int, seeds: int, train: int) -> Found:
    """784-{hidden}-10 with batches of {batch} for {epochs} epochs of {train} images.

    The network of the best epoch labels the test images.
    """
    data = sets(run, train)

    def one(seed: int) -> dict[str, Any]:
        columns, model = solve(run, data, (hidden,), epochs, batch, seed=seed)
        few = data[""][0][:1000], data[""][1][:1000]
        return {
            "val": columns["val_accuracy"],
            "train": columns["accuracy"],
            "best_train": model.evaluate(*few)["accuracy"],
            "first": columns["steps"][0],
            "steps": len(columns["steps"]),
            "test": model.evaluate(*data["test"])["accuracy"],
            "predicted": model.predict(data["test"][0]),
        }

    return {"runs": run.on_cores(one, [run.seed + k for k in range(seeds)])}


def show_solver(page: Page, found: Found) -> None:
    """Show the curve, the numbers and the file of predictions."""
    first = found["runs"][0]
    page.compare([
        Comparison("best validation accuracy", 0.9605, float(np.max(first["val"])),
                   f"epoch {int(np.argmax(first['val']))}, {first['steps']:,} steps", rerun="0.9596–0.9630"),
        *((f"the same from seed {k}", 0.9605, float(np.max(one["val"]))) for k, one in enumerate(found["runs"]) if k),
        Comparison("loss of the first batch", 351.6, float(first["first"]), "the re-run's range is of 30 seeds",
                   rerun="452 ± 162"),
        ("test accuracy of the best epoch", None, float(first["test"])),
        ("training accuracy of the best epoch", None, float(first["best_train"]), "on 1,000 training images"),
    ])  # fmt: skip
    epochs = np.arange(len(first["val"]))
    columns = {"epoch": epochs, "accuracy": np.asarray(first["train"]), "val_accuracy": np.asarray(first["val"])}
    page.figure(
        "curve",
        plots.learning_curve({name: values[1:] for name, values in columns.items()},
                             title="Accuracy by epoch of the reported run"),
        "Accuracy after each epoch, on 1,000 training images and on the validation images. Before training it is "
        f"{first['val'][0]:.1%} on the validation images.",
    )  # fmt: skip
    lines = "".join(f"{k},{label}\n" for k, label in enumerate(first["predicted"], 1))
    page.file("predictions.csv", "Id,Category\n" + lines, "Predictions for the test images, numbered from 1.")


def without(run: Run, hidden: int, epochs: int, batch: int, train: int) -> Found:
    """The same run without the L2 term, and the same run with pixels in [0, 1] instead of 0 to 255."""
    data = sets(run, train)
    changes = {"without the L2 term": (0.0, 1.0), "pixels in [0, 1]": (1.0, run.data.scale)}

    def one(change: tuple[float, float]) -> Columns:
        return solve(run, data, (hidden,), epochs, batch, decay=change[0], scale=change[1])[0]

    columns = run.on_cores(one, list(changes.values()))
    return {name: one["val_accuracy"] for name, one in zip(changes, columns, strict=True)}


def show_without(page: Page, found: Found) -> None:
    """Show the accuracy of both runs."""
    reruns = {"without the L2 term": 0.937, "pixels in [0, 1]": 0.11}
    page.compare(Comparison(f"validation accuracy at the end, {name}", None, float(values[-1]), rerun=reruns[name])
                 for name, values in found.items())  # fmt: skip
    epochs = np.arange(1, len(next(iter(found.values()))))
    page.figure("curves", plots.sweep(epochs, {name: np.asarray(v)[1:] for name, v in found.items()}, xlabel="epoch",
                                      ylabel="validation accuracy (%)", title="Without one of the two peculiarities"),
                "Without the L2 term the weights stay as large as they start; with small pixels the L2 term "
                "dominates.")  # fmt: skip
