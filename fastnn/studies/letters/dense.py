"""The wide network, trained with all images in every step and with momentum."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import functional, optim, plots, random
from fastnn.gradcheck import gradcheck
from fastnn.layers import Dense, ReLU
from fastnn.model import Sequential
from fastnn.random import Purpose
from fastnn.studies.letters.images import sets
from fastnn.studies.page import Comparison, Page, Row
from fastnn.studies.study import Found, Run
from fastnn.studies.training import Columns, EpochEvaluations, Pair, curves, train

_STD = "std 2/(in + out)"
_XAVIER = "Xavier, std √(2/(in + out))"
_MOMENTUM = "0.95"  # that of the report
_EARLY = 50  # the epoch at which the report says that validation turns
_STARTS: dict[
    str, Callable[[int, int], str]
] = {  # how the initial weights are drawn: (inputs, outputs) -> name of the initialiser
    _STD: lambda i, o: f"normal({2 / (i + o)!r})",
    _XAVIER: lambda i, o: "glorot_normal",
}
_REPORTED = {"": (0.9693, 0.1228), "val": (0.9032, 0.3455), "test": (0.9035, 0.3778)}
_RERUN: dict[str, dict[str, float | str]] = {  # accuracies on the three sets, after the last epoch and after epoch 50
    _STD: {"": "0.967–0.971", "val": "0.903–0.906", "test": "0.906–0.918"},
    _XAVIER: {"": 0.995, "val": 0.912, "test": 0.914},
}
_REPORTED_50 = {"": 0.8860, "val": 0.8815, "test": 0.8814}
_RERUN_50 = {"": 0.885, "val": 0.875, "test": 0.88}
_NAMES = {"": "training", "val": "validation", "test": "test"}


def helpers(run: Run) -> Found:
    """Softmax, the average cross-entropy, and its gradient with respect to the logits, (softmax − target) / N."""
    logits = random.normal(run.seed, Purpose.INIT, 0, (20, 10))
    labels = random.integers(run.seed, Purpose.INIT, 1, 0, 10, (20,))
    loss, gradient = functional.softmax_loss(logits, labels)
    p, _ = functional.softmax_forward(logits)
    by_hand = (p - np.eye(10)[labels]) / len(labels)
    average = float(-np.mean(np.log(p[np.arange(20), labels])))
    check = gradcheck(functional.softmax_loss, logits, labels)
    return {"loss": abs(float(loss) - average), "gradient": np.abs(gradient - by_hand).max(),
            "numeric": check.worst.error, "passed": bool(check)}  # fmt: skip


def show_helpers(page: Page, found: Found) -> None:
    """Show that the formulas agree."""
    page.table(["", "difference"], [["average cross-entropy against its formula", found["loss"]],
                                    ["gradient against (softmax − target) / N", found["gradient"]],
                                    ["gradient against central differences (relative)", found["numeric"]]])  # fmt: skip


def descend(
    run: Run, data: dict[str, Pair], hidden: int, start: str, momentum: float, epochs: int, rate: float
) -> tuple[Columns, Sequential, float]:
    """Full-batch descent. The rate is for the summed gradient; for the mean it is N times as large."""
    x = data[""][0]
    inputs, classes = x.shape[1], len(run.data.class_names)
    draw = _STARTS[start]
    layers = [Dense(hidden, init=draw(inputs, hidden)), ReLU(), Dense(classes, init=draw(hidden, classes))]
    model = Sequential(layers, input_shape=(inputs,), input_scale=run.data.scale, seed=run.seed)
    optimizer = optim.Momentum(rate * len(x), momentum, initial_velocity=1e-5)
    began = time.perf_counter()
    columns = train(
        model,
        data,
        evaluations=EpochEvaluations({name: pair for name, pair in data.items() if name}),
        optimizer=optimizer,
        epochs=epochs,
        batch_size=None,
        shuffle=False,
    )
    last = model.evaluate(*data[""])
    for what in ("loss", "accuracy"):  # a full-batch step evaluates the weights that the step before it left
        columns[what] = np.append(columns[f"running_{what}"], last[what])
    return columns, model, time.perf_counter() - began


def wide(
    run: Run, sizes: tuple[int, int, int], hidden: int, epochs: int, rate: float, momenta: tuple[float, ...]
) -> Found:
    """784-{hidden}-10, {epochs} epochs at rate {rate} on the summed gradient, with momentum {momenta}.

    All images make one step; the initial velocity is 1e-5 and the biases are zero.

    The numbers of the report match weights drawn with the *standard deviation* 2/(in + out). True Xavier weights,
    which have this *variance*, do better. Both are trained, and evaluated on all three sets after every epoch.
    """
    data = sets(run, sizes)
    jobs = [(start, momenta[0]) for start in _STARTS] + [(_XAVIER, m) for m in momenta[1:]]

    def one(job: tuple[str, float]) -> Found:
        columns, model, seconds = descend(run, data, hidden, *job, epochs, rate)
        return {"columns": columns, "seconds": seconds, "predicted": model.predict(data["test"][0])}

    done = dict(zip(jobs, run.each_cached(one, jobs), strict=True))
    predicted = done[_XAVIER, momenta[0]]["predicted"]
    runs = {f"{start}, momentum {momentum:g}": {name: one_run[name] for name in ("columns", "seconds")}
            for (start, momentum), one_run in done.items()}  # fmt: skip
    return {"runs": runs, "predicted": predicted, "images": data["test"][0], "labels": data["test"][1],
            "counts": [len(labels) for _, labels in data.values()]}  # fmt: skip


def show_wide(page: Page, found: Found) -> None:
    """Show numbers and curves."""
    page.text("Images for training, validation and testing: " + ", ".join(f"{n:,}" for n in found["counts"]) + ".")
    for number, (name, one) in enumerate(found["runs"].items()):
        columns = {what: np.asarray(values) for what, values in one["columns"].items()}
        start, _, momentum = name.rpartition(", momentum ")
        as_reported = momentum == _MOMENTUM
        last = len(columns["epoch"]) - 1
        rows: list[Row] = []
        for key, (accuracy, loss) in _REPORTED.items():
            prefix = f"{key}_" if key else ""
            rerun = _RERUN[start][key] if as_reported else None
            theirs = (accuracy, loss) if as_reported else (None, None)
            rows += [Comparison(f"{_NAMES[key]} accuracy", theirs[0], float(columns[f"{prefix}accuracy"][last]),
                                rerun=rerun),
                     (f"{_NAMES[key]} loss (nats)", theirs[1], float(columns[f"{prefix}loss"][last]))]  # fmt: skip
        rows.append(("time (s)", 232 if as_reported else None, one["seconds"],
                     f"{last} epochs, with evaluation on all three sets after each"))  # fmt: skip
        if last >= _EARLY and as_reported:
            is_std = start != _XAVIER
            rows += [Comparison(f"{_NAMES[key]} accuracy after epoch {_EARLY}", _REPORTED_50[key],
                                float(columns[f"{key}_accuracy" if key else "accuracy"][_EARLY]),
                                rerun=_RERUN_50[key] if is_std else None) for key in _NAMES]  # fmt: skip
        page.heading(f"Weights: {name}")
        page.compare(rows)
        page.figure(f"curves-{number}", plots.learning_curve(curves(columns), title=f"Weights: {name}"),
                    "Loss and accuracy on the three sets after every epoch.")  # fmt: skip
    lowest = {name: int(np.asarray(one["columns"]["val_loss"]).argmin()) for name, one in found["runs"].items()}
    page.table(["weights", "epoch with the lowest validation loss"], list(lowest.items()))


def width(run: Run, sizes: tuple[int, int, int], widths: tuple[int, ...], epochs: int, rate: float) -> Found:
    """Networks of {widths} hidden units, weights with the standard deviation 2/(in + out), {epochs} epochs."""
    data = sets(run, sizes)

    def one(hidden: int) -> Found:
        columns, _, seconds = descend(run, data, hidden, _STD, float(_MOMENTUM), epochs, rate)
        return {"columns": columns, "seconds": seconds}

    return {"runs": dict(zip(map(str, widths), run.each_cached(one, widths), strict=True))}


def show_width(page: Page, found: Found) -> None:
    """Show curves, accuracy and time by width."""
    reported = {"100": (0.8990, 0.3889, 27.6), "500": (0.9005, 0.3831, 129.4), "2000": (0.9038, 0.3680, 427.0)}
    rows: list[Any] = []
    for hidden, one in found["runs"].items():
        accuracy, loss, seconds = reported.get(hidden, (None, None, None))
        rows += [(f"test accuracy, {hidden} units", accuracy, float(one["columns"]["test_accuracy"][-1])),
                 (f"test loss, {hidden} units (nats)", loss, float(one["columns"]["test_loss"][-1])),
                 (f"time, {hidden} units (s)", seconds, one["seconds"])]  # fmt: skip
    page.compare(rows)
    lines = {
        f"{hidden} units": np.asarray(one["columns"]["test_accuracy"])[1:] for hidden, one in found["runs"].items()
    }
    epochs = np.arange(1, 1 + len(next(iter(lines.values()))))
    page.figure("curves", plots.sweep(epochs, lines, xlabel="epoch", ylabel="test accuracy (%)",
                                      title="Test accuracy by width"), "Test accuracy after every epoch.")  # fmt: skip
    widths = [int(hidden) for hidden in found["runs"]]
    page.figure("accuracy", plots.sweep(widths, [line[-1] for line in lines.values()], xlabel="hidden units", log=True,
                                        ylabel="test accuracy (%)", title="Accuracy against width"),
                "Test accuracy after the last epoch.")  # fmt: skip
    page.figure("time", plots.scaling(widths, {"training": [one["seconds"] for one in found["runs"].values()]},
                                      {"training": widths}, xlabel="hidden units", title="Time against width"),
                "Time of the whole training; the line is proportional to the width.")  # fmt: skip


def letters(run: Run, shown: int) -> Found:
    """Letters of the test set with their predicted classes, where errors are marked."""
    found = run.found("wide")
    return {name: found[name] for name in ("images", "labels", "predicted")} | {
        "shown": shown, "names": list(run.data.class_names), "side": list(run.data.train_images.shape[1:])
    }  # fmt: skip


def show_letters(page: Page, found: Found) -> None:
    """Show some letters, the confusion matrix and the errors."""
    labels, predicted, names = np.asarray(found["labels"]), np.asarray(found["predicted"]), found["names"]
    images = np.asarray(found["images"]).reshape(-1, *found["side"])
    some = random.permutation(0, Purpose.SPLIT, 0, len(labels))[: found["shown"]]
    words = [f"{names[p]} ({names[t]})" if p != t else names[p]
             for p, t in zip(predicted[some], labels[some], strict=True)]  # fmt: skip
    page.figure("some", plots.image_grid(images[some], words, marked=(predicted != labels)[some], columns=12,
                                         title="Predicted classes of test letters (true classes in brackets)"),
                "Random letters of the test set; errors are framed.")  # fmt: skip
    page.figure("confusion", plots.confusion_matrix(labels, predicted, names), "All test letters.")
    page.figure("wrong", plots.wrong_predictions(images, labels, predicted, names, most=60, columns=12),
                "Test letters that are classified wrongly.")  # fmt: skip
