"""Descent: learning rates, learning curves and full-batch steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.digits.softmax_descent import Descent, accuracy, sets, start
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run


def rates(run: Run, steps: int, batch: int, train: int | None) -> Found:
    """Mini-batch descent with rates 0, 0.01 ... 0.09, on the sum over a batch and on the mean, {steps} steps each.

    The initial weights are drawn from N(0, 1/785). A rate on the sum has the effect of a rate on the mean that is
    {batch} times as large, so the best rate differs between the two sweeps, and a rate is meaningless unless one says
    which is meant.
    """
    x, labels, xt, lt = sets(run, train)
    tried = np.arange(0, 1e-1, 1e-2)
    w = start(1, x.shape[1])
    found = {
        kind: [
            accuracy(xt, lt, Descent(rate / share, steps, batch, seed=run.seed + 1).run(x, labels, w))
            for rate in run.each(tried)
        ]
        for kind, share in (("sum", 1), ("mean", batch))
    }
    return {"rates": tried, **found}


def show_rates(page: Page, found: Found) -> None:
    best = {kind: int(np.argmax(found[kind])) for kind in ("sum", "mean")}
    page.compare([
        Comparison("best rate on the sum", 0.01, float(found["rates"][best["sum"]]), rerun=0.01, as_ratio=False),
        Comparison("test accuracy at 0.01, sum", None, found["sum"][1], rerun=0.9225),
        Comparison("test accuracy at 0.09, sum", None, found["sum"][9], rerun=0.889),
        Comparison("best rate on the mean", None, float(found["rates"][best["mean"]]), rerun=0.09),
    ])  # fmt: skip
    lines = {f"rate on the {kind}": found[kind][1:] for kind in ("sum", "mean")}  # rate 0 changes no weights
    page.figure("sweep", plots.sweep(found["rates"][1:], lines, xlabel="learning rate", ylabel="test accuracy (%)",
                                     title="Test accuracy against learning rate"),
                "Test accuracy after the same number of steps for each rate; at rate 0 it stays at "
                f"{found['sum'][0]:.1%}.")  # fmt: skip


def descent(run: Run, passes: int, rate: float, batch: int, train: int | None) -> Found:
    """Learning curves over {passes} whole passes in batches of {batch}, and images of the ten columns of W.

    One report calls a whole pass an iteration and saw no gain after about 750 of them.
    """
    x, labels, xt, lt = sets(run, train)
    every = -(-len(x) // batch)
    curve: list[tuple[float, float, float]] = []

    def record(step: int, w: Any) -> None:
        run.progress.at(step, passes * every)
        curve.append((step / every, accuracy(x, labels, w), accuracy(xt, lt, w)))

    plain = Descent(rate, passes * every, batch, seed=run.seed + 1)
    w = plain.run(x, labels, start(1, x.shape[1]), record, every)
    return {"curve": np.array(curve), "w": w}


def show_descent(page: Page, found: Found) -> None:
    passes, train, test = np.asarray(found["curve"]).T
    page.compare([
        ("test accuracy, last pass", None, float(test[-1]), f"train {train[-1]:.2%}"),
        ("best test accuracy", None, float(test.max()), f"after pass {int(passes[test.argmax()])}"),
    ])  # fmt: skip
    page.figure(
        "curve",
        plots.learning_curve({"epoch": passes[1:], "accuracy": train[1:], "test_accuracy": test[1:]}, xlabel="pass",
                             title="Accuracy by pass over the images"),
        "Accuracy after each pass over the training images.",
    )  # fmt: skip
    page.figure("weights", plots.weight_images(found["w"][:-1], (28, 28), names=[str(k) for k in range(10)], columns=5,
                                               title="The ten columns of W"),
                "The weights of each digit as an image: white is evidence for the digit, black against "
                "it.")  # fmt: skip
