"""The time that back-propagation saves, measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from fastnn import plots
from fastnn.compat import csc411
from fastnn.studies.digits.chain_rule import LoopNetwork, expanded_cost, shared_cost
from fastnn.studies.digits.softmax_descent import start, with_ones
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run


def speed(run: Run, updates: int, batch: int, units: tuple[int, ...], layers: tuple[int, ...]) -> Found:
    """The gradient by back-propagation and weight by weight, which takes 7,850 forward passes per update.

    Each makes {updates} updates on batches of {batch}. Only the quotient of the two times can be compared with the
    report's, whose runs were longer.

    Then the same comparison for deep networks. In a network of N layers of K units, including input and output,
    back-propagation costs O(N K²). Expanding the chain rule of every weight over all its paths costs
    K^(N+1) + … + K³ if the K² derivatives of the softmax are expanded too, which is Θ(K^(N+1)). Both are measured in
    the same kind of plain loops.
    """
    x = with_ones(run.data.train_images[: updates * batch], run.data.scale).astype(np.float64).T
    y = np.eye(10)[run.data.train_labels[: updates * batch]].T
    w = start(1, len(x))
    before = _repeated(lambda: csc411.sgd(x, y, w, csc411.df, 1e-3, 1, batch_size=batch))
    began = time.perf_counter()
    slow = csc411.gradient_descent(x, y, w, 1e-3, 1, batch_size=batch)
    weight_by_weight = time.perf_counter() - began
    after = _repeated(lambda: csc411.sgd(x, y, w, csc411.df, 1e-3, 1, batch_size=batch))
    back_propagation = (before + after) / 2
    fast = csc411.sgd(x, y, w, csc411.df, 1e-3, 1, batch_size=batch)
    by_units = [_measure(3, k) for k in run.each(units)]
    by_layers = [_measure(n, 4) for n in run.each(layers)]
    return {
        "weight by weight": weight_by_weight, "back-propagation": back_propagation, "updates": updates,
        "same": float(np.abs(slow - fast).max()), "units": units, "layers": layers,
        "by units": np.array(by_units), "by layers": np.array(by_layers),
    }  # fmt: skip


def _repeated(function: Callable[[], object]) -> float:
    """Seconds of one call, as the mean over one second of calls.

    Other work on the machine then slows this measurement as much as that of a single long call.
    """
    calls, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < 1.0:
        function()
        calls += 1
    return elapsed / calls


def _measure(layers: int, units: int) -> tuple[float, float]:
    """Seconds of both methods for a network of that size, the minimum of several runs."""
    network = LoopNetwork.make(layers, units, 0)
    seconds = []
    for method in (network.back_propagation, network.path_by_path):
        least, total = math.inf, 0.0
        while total < 0.05:
            began = time.perf_counter()
            method()
            elapsed = time.perf_counter() - began
            least, total = min(least, elapsed), total + elapsed
        seconds.append(least)
    return seconds[0], seconds[1]


def show_speed(page: Page, found: Found) -> None:
    slow, fast = found["weight by weight"], found["back-propagation"]
    page.compare([
        Comparison("back-propagation (s)", 5.36, fast, f"{found['updates']} updates here, more in the report",
                   apart="more updates"),
        Comparison("weight by weight (s)", 1263, slow, "the same updates", apart="more updates"),
        ("times faster", 235.7, slow / fast, f"the weights agree to {found['same']:.0e}"),
    ])  # fmt: skip
    for name, sizes, other, label in (("units", found["units"], 3, "units per layer, K (3 layers)"),
                                      ("layers", found["layers"], 4, "layers, N (4 units each)")):  # fmt: skip
        seconds = np.asarray(found[f"by {name}"]).T
        shapes = [(other, size) if name == "units" else (size, other) for size in sizes]
        models = {"back-propagation": [shared_cost(*shape) for shape in shapes],
                  "path by path": [expanded_cost(*shape) for shape in shapes]}  # fmt: skip
        page.figure(
            f"by-{name}",
            plots.scaling(sizes, dict(zip(models, seconds, strict=True)), models, xlabel=label, logx=name == "units",
                          title=f"Time of one gradient against {name}"),
            "Measured times of one gradient in plain loops. The thin lines have the slope of the model and go through "
            "the last point.",
        )  # fmt: skip
