"""Full-batch descent with and without momentum, as in report B."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots, random
from fastnn.random import Purpose
from fastnn.studies.digits.softmax_descent import Descent, cost_and_accuracy, sets
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run

_RERUN = {  # test accuracy after 500 iterations, by start and momentum
    ("uniform [0, 1)", 0.0): 0.841, ("uniform [0, 1)", 0.9): 0.909,
    ("N(0, 1/784)", 0.0): 0.890, ("N(0, 1/784)", 0.9): 0.920,
}  # fmt: skip
_POINTS = 100  # on a curve, as the report records its cost


def full_batch(run: Run, iterations: int, rate: float, train: int | None) -> Found:
    """The full-batch descent of report B: rate {rate} on the sum, W uniform on [0, 1), seed 3.

    It stops when a step is shorter than 1e-5, or after {iterations} iterations, each over all training images. For
    comparison, the same descent is run from N(0, 1/784) and with momentum 0.9. The cost and the accuracies are recorded
    at every hundredth of the iterations.
    """
    x, labels, xt, lt = sets(run, train)
    starts = {
        "uniform [0, 1)": random.uniform(3, Purpose.INIT, 0, (x.shape[1], 10)),
        "N(0, 1/784)": random.normal(3, Purpose.INIT, 0, (x.shape[1], 10)) / 28,
    }
    jobs = [(name, momentum) for name in starts for momentum in (0.0, 0.9)]
    runs = []
    for done, (name, momentum) in enumerate(jobs):
        curve: list[tuple[float, ...]] = []

        def record(step: int, w: Any, curve: list[tuple[float, ...]] = curve, done: int = done) -> None:
            run.progress.at(done * iterations + step, len(jobs) * iterations)
            (cost, share), (test_cost, test_share) = cost_and_accuracy(x, labels, w), cost_and_accuracy(xt, lt, w)
            curve.append((step, cost / len(x), test_cost / len(xt), share, test_share))

        every = max(1, iterations // _POINTS)
        w = Descent(rate, iterations, None, momentum).run(x, labels, starts[name], record, every, shortest=1e-5)
        runs.append({"start": name, "momentum": momentum, "curve": np.array(curve), "w": w})
    return {"runs": runs}


def show_full_batch(page: Page, found: Found) -> None:
    """Show the accuracies, the curves of the reported start, and what its weights look like."""
    runs = {(one["start"], one["momentum"]): np.asarray(one["curve"]) for one in found["runs"]}
    page.compare(
        Comparison(f"test accuracy, {start}, momentum {m:g}", None, float(curve[-1, 4]),
                   f"after {int(curve[-1, 0]):,} iterations", rerun=_RERUN[start, m])
        for (start, m), curve in runs.items()
    )  # fmt: skip
    plain, moving = runs["uniform [0, 1)", 0.0], runs["uniform [0, 1)", 0.9]
    for name, curve, title in (("plain", plain, "Full-batch descent"),
                               ("momentum", moving, "Full-batch descent with momentum 0.9")):  # fmt: skip
        step, loss, test_loss, share, test_share = curve[1:].T
        columns = {"epoch": step, "loss": loss, "test_loss": test_loss, "accuracy": share, "test_accuracy": test_share}
        page.figure(f"curves-{name}", plots.learning_curve(columns, title=title, xlabel="iteration"),
                    "Mean cost of an image and accuracy, on the training and on the test images. Before the first "
                    f"iteration {curve[0, 4]:.1%} of the test images are right.")  # fmt: skip
    lines = {f"{start}, momentum {m:g}": curve[1:, 1] for (start, m), curve in runs.items()}
    page.figure("cost", plots.sweep(plain[1:, 0], lines, xlabel="iteration", ylabel="cost of an image (nats)",
                                    percent=False, title="Cost with and without momentum"),
                "The cost on all training images, from both starts, by plain descent and with momentum.")  # fmt: skip
    names = [str(k) for k in range(10)]
    for one in found["runs"][:2]:
        kind = "momentum" if one["momentum"] else "plain"
        page.figure(f"weights-{kind}",
                    plots.weight_images(np.asarray(one["w"])[:-1], (28, 28), names=names, columns=5,
                                        title=f"The ten columns of W, momentum {one['momentum']:g}"),
                    "The weights of each digit after full-batch descent from the uniform start. Pixels that no image "
                    "uses keep their first, random weights.")  # fmt: skip
