"""Descent with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.compat import csc411
from fastnn.studies.digits.softmax_descent import Descent, accuracy, sets, start
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run


def momentum(run: Run, rate: float, too_high: float, steps: int, every: int, train: int | None) -> Found:
    """The same descent with v ← 0.9 v + α ∂C/∂W, W ← W − v, at a suitable rate and at one that is too high.

    The cost is also recorded in the way of report B, at every hundredth of the iterations, or at every iteration if
    there are fewer than a hundred.
    """
    x, labels, xt, lt = sets(run, train)
    w = start(1, x.shape[1])
    curves: dict[str, Any] = {}
    for r, m in run.each([(r, m) for r in (rate, too_high) for m in (0.0, 0.9)]):
        curve: list[tuple[int, float]] = []

        def record(step: int, now: Any, curve: list[tuple[int, float]] = curve) -> None:
            curve.append((step, accuracy(xt, lt, now)))

        Descent(r, steps, momentum=m, seed=run.seed + 1).run(x, labels, w, record, every)
        curves[f"rate {r:g}, momentum {m:g}"] = np.array(curve)
    some = x[:1000].astype(np.float64).T
    targets = np.eye(10)[labels[:1000]].T
    recorded = {}
    for m in (0.0, 0.9):
        for count in (30, 250):
            _, history = csc411.part5_gradient_descent(some, targets, w, 2e-5, 0.0, count, 0.0, m)
            recorded[f"{count} iterations, momentum {m:g}"] = np.array(history)
    return {"curves": curves, "recorded": recorded}


def _first_at(curve: Any, level: float) -> int | None:
    reached = np.flatnonzero(curve[:, 1] >= level)
    return int(curve[reached[0], 0]) if reached.size else None


def show_momentum(page: Page, found: Found) -> None:
    curves = {name: np.asarray(curve) for name, curve in found["curves"].items()}
    slow, fast, _, bouncing = curves.values()
    last = bouncing[len(bouncing) // 2 :, 1]
    page.compare([
        Comparison("first step at 90 % test accuracy, plain", None, _first_at(slow, 0.9), "rate 1e-3 on the sum",
                   rerun=500),
        Comparison("first step at 90 % test accuracy, momentum", None, _first_at(fast, 0.9), rerun=150),
        Comparison("lowest test accuracy of momentum at rate 0.01", None, float(last.min()),
                   "second half of the steps", rerun=0.74),
        Comparison("highest of momentum at rate 0.01", None, float(last.max()), "second half of the steps",
                   rerun=0.88),
    ])  # fmt: skip
    steps = slow[1:, 0]
    lines = {name: curve[1:, 1] for name, curve in curves.items()}
    page.figure("curves", plots.sweep(steps, lines, xlabel="step", ylabel="test accuracy (%)",
                                      title="Test accuracy by step"),
                "Plain descent and momentum from the same start and on the same batches.")  # fmt: skip
    plain, moving = (np.asarray(found["recorded"][f"250 iterations, momentum {m}"]) for m in ("0", "0.9"))
    page.figure(
        "cost",
        plots.sweep(plain[:, 0], {"plain": plain[:, 1], "momentum 0.9": moving[:, 1]}, xlabel="iteration",
                    ylabel="summed cost (nats)", percent=False, title="Cost of full-batch descent on 1,000 images"),
        f"The cost recorded in the way of report B: {len(plain)} points for 250 iterations, "
        f"{len(found['recorded']['30 iterations, momentum 0'])} for 30.",
    )  # fmt: skip
