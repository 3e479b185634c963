"""Descent: learning rates, learning curves and full-batch steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots, random
from fastnn.random import Purpose
from fastnn.studies.digits.softmax_descent import Descent, accuracy, sets, start
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run


def rates(run: Run, steps: int, batch: int, train: int | None) -> Found:
    """Mini-batch descent with rates 0, 0.01 ... 0.09, on the sum over a batch and on the mean.

    The initial weights are drawn from N(0, 1/785). A rate on the sum has the effect of a rate on the mean that is 128
    times as large, so the best rate differs between the two sweeps, and a rate is meaningless unless one says which
    is meant.
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
        ("best rate on the sum", 0.01, float(found["rates"][best["sum"]])),
        ("test accuracy at 0.01, sum", 0.9225, found["sum"][1], "the reported number is from a re-run"),
        ("test accuracy at 0.09, sum", 0.889, found["sum"][9], "the reported number is from a re-run"),
        ("best rate on the mean", None, float(found["rates"][best["mean"]])),
    ])  # fmt: skip
    lines = {f"rate on the {kind}": found[kind][1:] for kind in ("sum", "mean")}  # rate 0 changes no weights
    page.figure("sweep", plots.sweep(found["rates"][1:], lines, xlabel="learning rate", ylabel="test accuracy (%)",
                                     title="Test accuracy against learning rate"),
                "Test accuracy after the same number of steps for each rate; at rate 0 it stays at "
                f"{found['sum'][0]:.1%}.")  # fmt: skip


def descent(run: Run, passes: int, rate: float, batch: int, train: int | None) -> Found:
    """Learning curves over whole passes, and images of the ten columns of W."""
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
        ("best test accuracy", 0.9225, float(test.max()), f"after pass {int(passes[test.argmax()])}"),
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


def full_batch(run: Run, iterations: int, rate: float, train: int | None) -> Found:
    """The full-batch descent of report B: rate 1e-6 on the sum, W uniform on [0, 1), seed 3.

    It stops when a step is shorter than 1e-5, or after 500 steps. For comparison, the same descent is run from
    N(0, 1/784) and with momentum 0.9.
    """
    x, labels, xt, lt = sets(run, train)
    starts = {
        "uniform [0, 1)": random.uniform(3, Purpose.INIT, 0, (x.shape[1], 10)),
        "N(0, 1/784)": random.normal(3, Purpose.INIT, 0, (x.shape[1], 10)) / 28,
    }
    found = {}
    for name, momentum in run.each([(name, momentum) for name in starts for momentum in (0.0, 0.9)]):
        w = Descent(rate, iterations, None, momentum).run(x, labels, starts[name], shortest=1e-5)
        found[f"{name}, momentum {momentum}"] = accuracy(xt, lt, w)
    return {"test": found}


def show_full_batch(page: Page, found: Found) -> None:
    reported = (0.841, 0.909, 0.890, 0.920)
    page.compare((f"test accuracy, {name}", r, ours, "the reported number is from a re-run")
                 for (name, ours), r in zip(found["test"].items(), reported, strict=True))  # fmt: skip
