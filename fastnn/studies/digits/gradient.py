"""The gradient and three ways to check it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn import plots
from fastnn.compat import csc411
from fastnn.gradcheck import gradcheck
from fastnn.layers import Dense
from fastnn.model import Sequential
from fastnn.studies.digits.softmax_descent import start, with_ones
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run

_TABLE_B = (
    2.698202291518717, 0.200166359876926, 0.019912135073950066, 0.0019906216532900034, 0.00019905646908402463,
    1.990372311189148e-05, 1.9841905873896337e-06, 3.2450363651737035e-07, 3.0542104362263345e-06,
    2.747131061797692e-05,
)  # fmt: skip


def gradient(run: Run, images: int, weights: int) -> Found:
    """The check of report A adds h to all weights at once, and accepts gradients that are wrong.

    The shift changes every logit of an image by the same amount, to which softmax is invariant. The difference of the
    costs is therefore zero, and so is the mean of a gradient over the classes, whether it is right or wrong. Changing
    one weight at a time tells a right gradient from a wrong one. The table of report B does so for ten steps h, each a
    tenth of the one before.
    """
    x = with_ones(run.data.train_images[:images], run.data.scale).astype(np.float64).T
    y = np.eye(10)[run.data.train_labels[:images]].T
    w = start(1, len(x))
    candidates = {"right": 1.0, "five times too large": 5.0, "zero": 0.0, "of the wrong sign": -1.0}
    vacuous, real = {}, {}
    some = np.linspace(0, len(x) - 1, max(1, weights // 10)).astype(int)  # rows of W that are changed one by one
    exact = csc411.df(w, x, y)[some]
    numeric = {}
    for done, central in enumerate((False, True)):
        run.progress.at(done, 2)
        numeric[central] = _differences(x, y, w, some, central)
    for name, factor in candidates.items():

        def scaled(w: Any, x: Any, y: Any, factor: float = factor) -> Any:
            return factor * csc411.df(w, x, y)

        vacuous[name] = csc411.shift_all_weights_check(x, y, w, scaled)
        real[name] = [
            float(np.abs(factor * exact - numeric[central]).max() / np.abs(numeric[central]).max())
            for central in (False, True)
        ]
    case = csc411.finite_difference_case()
    steps, errors = csc411.finite_difference_table(*case)
    _, central_errors = csc411.finite_difference_table(*case, central=True)
    model = Sequential([Dense(10)], input_shape=(len(x) - 1,), dtype="float64")
    checked = gradcheck(model, x[:-1].T[:50], run.data.train_labels[:images][:50])
    return {
        "vacuous": vacuous, "real": real, "mean forward": abs(float(np.mean(exact - numeric[False]))),
        "mean central": abs(float(np.mean(exact - numeric[True]))), "checked weights": len(some) * 10,
        "steps": steps, "errors": errors, "central errors": central_errors,
        "gradcheck passed": bool(checked), "gradcheck": str(checked),
    }  # fmt: skip


def _differences(x: Any, y: Any, w: Any, rows: Any, central: bool) -> Any:
    """`csc411.negLogLossGrad_FiniteDifference` for some rows of W: a weight of class j affects only logit j."""
    h = 1e-3
    z = w.T @ x
    right = float(np.sum(y * z))
    here = float(np.sum(np.log(np.exp(z).sum(axis=0)))) - right
    estimate = np.empty((len(rows), w.shape[1]))
    total = np.exp(z).sum(axis=0)
    for i, row in enumerate(rows):
        for j in range(w.shape[1]):
            ahead, behind = (
                float(np.sum(np.log(total + np.exp(z[j]) * np.expm1(s * h * x[row])) - y[j] * s * h * x[row])) - right
                for s in (1, -1)
            )
            estimate[i, j] = (ahead - behind) / (2 * h) if central else (ahead - here) / h
    return estimate


def show_gradient(page: Page, found: Found) -> None:
    page.compare([
        Comparison("A's check of the right gradient", 2.2e-15, abs(found["vacuous"]["right"]),
                   "any tiny number: it is rounding", as_ratio=False),
        Comparison("mean signed error, one by one, forward differences", None, found["mean forward"],
                   rerun=9.7e-4, as_ratio=False),
        Comparison("mean signed error, one by one, central differences", None, found["mean central"],
                   rerun=2.3e-7, as_ratio=False),
    ])  # fmt: skip
    page.table(
        ["gradient", "A's check: mean difference", "one by one, forward", "one by one, central"],
        [[name, found["vacuous"][name], *found["real"][name]] for name in found["vacuous"]],
        f"The check of report A passes all of them. The two columns on the right are the largest error over "
        f"{found['checked weights']:,} weights, changed one at a time by 1e-3, relative to the largest derivative.",
    )
    page.table(
        ["h", "reported", "ours", "equal digits"],
        [[f"{h:.0e}", repr(b), repr(float(e)), _equal_digits(b, float(e))]
         for h, b, e in zip(found["steps"], _TABLE_B, found["errors"], strict=True)],
        "The table of report B: the sum of the absolute differences between the analytic and the numeric gradient.",
    )  # fmt: skip
    page.figure(
        "steps",
        plots.gradcheck_error(
            found["steps"],
            {"forward (B's table)": found["errors"], "central": found["central errors"]},
            ylabel="sum |analytic − numeric| (nats per unit of weight)",
        ),
        "Error of finite differences against the step: the truncation error falls with h (with h² for central "
        "differences), then the rounding error rises as 1/h.",
    )
    page.text("The same layer checked by ``fastnn.gradcheck``: " + found["gradcheck"].splitlines()[0] + ".")


def _equal_digits(a: float, b: float) -> int:
    """Number of leading significant digits that agree, at most 16."""
    return 16 if a == b else max(0, min(16, int(-math.log10(abs(a - b) / abs(a)))))
