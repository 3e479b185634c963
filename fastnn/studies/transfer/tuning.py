"""Fine-tuning of the whole network, and a network on pixels beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import optim, plots
from fastnn.alexnet.classifier import head_of, one_scale
from fastnn.alexnet.fine_tuning import joined
from fastnn.studies.faces.images import fit, flat, resized
from fastnn.studies.faces.units import show_useful, units_of
from fastnn.studies.page import Page, spread
from fastnn.studies.study import Found, Run
from fastnn.studies.training import curves, train
from fastnn.studies.transfer.heads import REPORTED
from fastnn.studies.transfer.photos import features, weights_of

_VIEWS = 2  # of each photo in fine-tuning: it and its mirror image
_TEXTS = {"A": "drop0.5,2048,relu,drop0.5,12,relu", "B": "50,tanh"}  # as the command line takes them


def fine_tuning(run: Run, cut: str, above: str, heads: tuple[str, ...], epochs: int, rate: float, batch: int) -> Found:
    """AlexNet and a head at {cut} trained together, {epochs} epochs of photos and their mirror images.

    Adam in small batches; report A trained the whole network by full-batch descent instead. The features that reach
    the head are divided by the standard deviation that they have before the training.
    """
    weights, (_, y), (_, yv) = weights_of(run), run.data.train, run.data.test
    point = above or None
    x, xv = features(run, point, "train", _VIEWS), features(run, point, "test")
    scale = one_scale(features(run, cut, "train"))

    def one(name: str) -> Found:
        top = head_of(_TEXTS[name], weights, cut, run.data.class_names, seed=run.seed)
        top.input_scale = scale
        model = joined(weights, cut, top, point)
        sets = {"": (x, np.repeat(y, _VIEWS)), "val": (xv, yv)}
        columns = train(model, sets, optimizer=optim.Adam(rate), batch_size=batch, epochs=epochs, seed=run.seed)
        trained = sum(p.size for p in model.trained_parameters.values())
        return {"columns": columns, "weights": trained}

    return {"runs": dict(zip(heads, run.each_cached(one, heads), strict=True)), "cut": cut, "above": above}


def show_fine_tuning(page: Page, found: Found) -> None:
    """Show accuracies and curves."""
    behind = f"the layers behind {found['above']}" if found["above"] else "all layers"
    rows: list[Any] = []
    for name, one in found["runs"].items():
        val = np.asarray(one["columns"]["val_accuracy"])
        note = f"{len(val) - 1} epochs, {one['weights']:,} weights; best {val.max():.1%}"
        reported = REPORTED[name] if name == "A" else None  # B's head was never trained together with the network
        rows.append((f"head {name} at {found['cut']}, {behind}: accuracy on val", reported, float(val[-1]), note))
        page.figure(f"curves-{name}", plots.learning_curve(curves(one["columns"]), title=f"Fine-tuning, head {name}"),
                    "Loss and accuracy on the training photos and on val after every epoch.")  # fmt: skip
    page.compare(rows)


def pixels(run: Run, side: int, hidden: int, steps: int, batch: int, seeds: int) -> Found:
    """The network of the study of faces on the photos' pixels: {side} × {side}, {hidden} tanh units, {steps} steps.

    The hidden units of the first seed are shown by their input weights, as in that study, in colour.
    """
    small = {
        name: resized(images, side) * np.float32(run.data.scale)
        for name, images in (("", run.data.train_images), ("val", run.data.test_images))
    }
    labels = {"": run.data.train[1], "val": run.data.test[1]}
    sets = {name: (flat(images), labels[name]) for name, images in small.items()}

    def one(seed: int) -> Found:
        columns, model = fit(sets, hidden, steps, batch=batch, seed=seed)
        useful = units_of(model, sets["val"], small["val"], labels["val"], run.data.class_names, 6)
        return {"columns": columns, **({"units": useful} if seed == run.seed else {})}

    return {"runs": run.on_cores(one, [run.seed + k for k in range(seeds)])}


def show_pixels(page: Page, found: Found) -> None:
    """Show accuracy and curve."""
    last = np.array([one["columns"]["val_accuracy"][-1] for one in found["runs"]])
    page.compare([("network on pixels, accuracy on val", 0.825, float(last.mean()), spread(last, "seed"))])
    figure = plots.learning_curve(curves(found["runs"][0]["columns"]), title="Network on pixels, first seed")
    page.figure("curves", figure, "Loss and accuracy on the training photos and on val after every epoch.")
    show_useful(page, found["runs"][0]["units"])


def summary(run: Run) -> Found:
    """What each way reaches on the photos of val, with the network on pixels beside them."""
    b, pixel = run.found("head-b"), run.found("pixels")
    labels = np.asarray(b["labels"])
    rows = [
        ["network on pixels", float(np.mean([one["columns"]["val_accuracy"][-1] for one in pixel["runs"]]))],
        ["head B as reported", float(np.mean([one["val_accuracy"][-1] for one in b["raw"]]))],
        ["the better head", float(np.mean([np.mean(np.asarray(p) == labels) for p in b["predicted"]]))],
    ]
    for name, one in run.found("head-a")["runs"].items():
        rows += [] if "ended" in one else [[f"head A, {name}", float(one["columns"]["val_accuracy"][-1])]]
    for name, one in run.found("fine-tuning")["runs"].items():
        rows.append([f"fine-tuning, head {name}", float(one["columns"]["val_accuracy"][-1])])
    return {"rows": rows}


def show_summary(page: Page, found: Found) -> None:
    """Show the table, and the drop of the error rate."""
    page.table(["", "accuracy on val"], found["rows"])
    accuracy = dict(found["rows"])
    before, after = (1 - accuracy[name] for name in ("network on pixels", "the better head"))
    if before > 0:
        page.compare([("drop of the error rate, pixels to features", 0.7, 1 - after / before,
                       "a report says about 70 %; its own figures give 81 and 90 %")])  # fmt: skip
