"""Heads A and B of the reports on cached features."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import optim, plots
from fastnn.alexnet.classifier import mean_over_views, one_scale
from fastnn.architecture import parse
from fastnn.model import Sequential
from fastnn.studies.page import Page, spread
from fastnn.studies.study import Found, Run
from fastnn.studies.training import Columns, Pair, curves, train
from fastnn.studies.transfer.photos import features
from fastnn.trainer import NonFiniteLossError

HEADS = {"A": "drop0.5,fc2048,relu,drop0.5,fc12,relu", "B": "fc50,tanh"}
REPORTED = {"A": 0.6058, "B": 0.9833}  # on the reports' test sets
FIRST = "fan_in_uniform"  # of the first weights, as the reports' libraries draw them


def head(text: str, size: int, classes: int, scale: float, seed: int, first: str = FIRST) -> Sequential:
    """A head on rows of `size` features, which are multiplied by `scale`."""
    return parse(f"conv:{size}x1x1,{text},fc{classes}", init=first, input_scale=scale, seed=seed)


def fit_b(
    sets: dict[str, Pair],
    scale: float,
    seed: int,
    *,
    steps: int,
    text: str = HEADS["B"],
    rate: float = 1e-3,
    batch: int = 50,
    first: str = FIRST,
) -> tuple[Columns, Sequential]:
    """Train head B, or one like it, for about `steps` steps of Adam, evaluated after every epoch."""
    x, y = sets[""]
    model = head(text, x.shape[1], int(y.max()) + 1, scale, seed, first)
    batch = min(batch, len(x))
    epochs = max(1, round(steps / -(-len(x) // batch)))
    return train(model, sets, optimizer=optim.Adam(rate), batch_size=batch, epochs=epochs, seed=seed), model


def head_b(
    run: Run,
    cut: str,
    seeds: int,
    steps: int,
    batch: int,
    better: str,
    better_steps: int,
    better_rate: float,
    better_batch: int,
    better_first: str,
    views: int,
) -> Found:
    """Features of {cut} → 50 tanh → classes; Adam 1e-3, batches of {batch}, {steps} steps; and a better head.

    The first has the features as they are.

    The better one has features divided by their standard deviation over all training photos (one number, stored with
    the head), dropout, and {views} views of a photo in training and testing: its middle, its four corners and the whole
    of it squeezed to a square, each also mirrored. Rate and steps were chosen by five-fold cross-validation on the
    training photos. Two views have 87.0 % there, ten 88.8 %, twelve 88.0 %, and 88.4 % with a dropout of 0.7, each
    within about one per cent: it cannot tell the last three apart, and between them the validation photos had a part
    in the choice.
    """
    (_, y), (test_images, yv) = run.data.train, run.data.test
    x, xv = features(run, cut, "train"), features(run, cut, "test")
    x_views, xv_views = features(run, cut, "train", views), features(run, cut, "test", views)
    scale = one_scale(x)
    as_reported = {"": (x, y), "val": (xv, yv)}
    larger = {"": (x_views, np.repeat(y, views)), "val": (xv, yv)}

    def plain(seed: int) -> Found:
        columns, _ = fit_b(as_reported, 1.0, seed, steps=steps, batch=batch)
        return {"columns": columns}

    def improved(seed: int) -> Found:
        columns, model = fit_b(
            larger, scale, seed, steps=better_steps, text=better, rate=better_rate, batch=better_batch,
            first=better_first,
        )  # fmt: skip
        chances = mean_over_views(model, xv_views, views)
        return {"columns": columns, "predicted": chances.argmax(axis=1)}

    numbers = [run.seed + k for k in range(seeds)]
    raw, tuned = run.on_cores(plain, numbers), run.on_cores(improved, numbers)
    wrong = np.flatnonzero(tuned[0]["predicted"] != yv)
    return {
        "raw": [one["columns"] for one in raw], "better": [one["columns"] for one in tuned], "labels": yv,
        "predicted": [one["predicted"] for one in tuned], "names": list(run.data.class_names), "scale": scale,
        "wrong": wrong, "wrong images": test_images[wrong],
    }  # fmt: skip


def show_head_b(page: Page, found: Found) -> None:
    """Show accuracies, curves, and what the first of the better heads gets wrong."""
    labels = np.asarray(found["labels"])
    raw = np.array([one["val_accuracy"][-1] for one in found["raw"]])
    better = np.array([np.mean(np.asarray(p) == labels) for p in found["predicted"]])
    page.compare([
        ("head B as reported, accuracy on val", REPORTED["B"], float(raw.mean()), spread(raw, "seed")),
        ("the better head, accuracy on val", None, float(better.mean()), spread(better, "seed")),
    ])  # fmt: skip
    page.text("The report has 96.6 % on its validation set and 98.33 % on its test set.")
    page.text(f"The features were multiplied by {found['scale']:.4g} for the better head.")
    for name, title in (("raw", "Head B as reported"), ("better", "The better head")):
        page.figure(f"curves-{name}", plots.learning_curve(curves(found[name][0]), title=f"{title}, first seed"),
                    "Loss and accuracy on the training photos and on val after every epoch.")  # fmt: skip
    first = np.asarray(found["predicted"][0])
    page.figure("confusion", plots.confusion_matrix(labels, first, found["names"]),
                "The better head's answers for the photos in val, first seed.")  # fmt: skip
    wrong = np.asarray(found["wrong"], np.int64)
    if len(wrong):
        title = f"{len(wrong):,} of {len(labels):,} wrong: true class as predicted class"
        figure = plots.wrong_predictions(
            found["wrong images"], labels[wrong], first[wrong], found["names"], title=title
        )
        page.figure("wrong", figure, "The photos in val that it gets wrong.")


def head_a(run: Run, cuts: tuple[str, ...], steps: int, rate: float, momentum: float) -> Found:
    """Dropout → 2048 → ReLU → dropout → 12 → ReLU → classes, {steps} full-batch steps with momentum {momentum}.

    One seed. Only the head is trained here, on the features as they are and on features divided by their standard
    deviation. At conv1 this head would have 595 million weights; it is trained at two cuts only.
    """
    (_, y), (_, yv) = run.data.train, run.data.test

    def one(job: tuple[str, bool]) -> Found:
        cut, is_scaled = job
        x, xv = features(run, cut, "train"), features(run, cut, "test")
        scale = one_scale(x) if is_scaled else 1.0
        model = head(HEADS["A"], x.shape[1], int(y.max()) + 1, scale, run.seed)
        options: dict[str, Any] = {"optimizer": optim.Momentum(rate, momentum), "batch_size": None, "epochs": steps}
        try:
            columns = train(model, {"": (x, y), "val": (xv, yv)}, seed=run.seed, **options)
        except NonFiniteLossError as error:
            return {"ended": str(error).partition(";")[0]}
        return {"columns": columns, "weights": model.params.size}

    jobs = [(cut, is_scaled) for cut in cuts for is_scaled in (False, True)]
    done = run.each_cached(one, jobs)
    kinds = {False: "features as they are", True: "features scaled"}
    return {"runs": {f"{cut}, {kinds[s]}": found for (cut, s), found in zip(jobs, done, strict=True)}}


def show_head_a(page: Page, found: Found) -> None:
    """Show accuracies and curves."""
    rows: list[Any] = []
    for number, (name, one) in enumerate(found["runs"].items()):
        if "ended" in one:
            page.text(f"{name}: the training ended, because {one['ended']}.")
            continue
        val = np.asarray(one["columns"]["val_accuracy"])
        best = int(val.argmax())
        rows.append((f"{name}: accuracy on val after the last step", None, float(val[-1]),
                     f"best {val[best]:.1%} after step {best}; {one['weights']:,} weights"))  # fmt: skip
        page.figure(f"curves-{number}", plots.learning_curve(curves(one["columns"]), title=f"Head A, {name}"),
                    "Loss and accuracy on the training photos and on val after every full-batch step.")  # fmt: skip
    page.compare(rows)
    page.text(
        f"Report A has {REPORTED['A']:.2%} on its test set, where it trained the whole network; see fine-tuning. It "
        "took the best iteration, 100, from the learning curve, and had about 100 % on its training and validation "
        "sets."
    )
