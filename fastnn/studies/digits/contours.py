"""The cost as a function of two weights, and the paths of two descents over it."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.digits.softmax_descent import sets
from fastnn.studies.digits.two_weights import TwoWeights
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run

# For each scene: the pair of pixels; the learning rate times the largest curvature; the momentum; the start, in units
# of the widths of the valley along the flat and the steep direction; the title; and what the scene shows.
_SCENES = {
    "comparable": ("A", 0.6, 0.3, (-2.0, 1.0), "Comparable speed",
                   "A moderate rate and little momentum: both descend at about the same speed."),
    "raised-rate": ("A", 1.9, 0.3, (-2.0, 1.0), "A raised rate",
                    "Near the largest stable rate, 2/λmax, plain descent zig-zags across the valley; momentum averages "
                    "the zig-zag away."),
    "too-much": ("B", 0.5, 0.97, (-2.0, 1.0), "Momentum too high",
                 "With momentum 0.97 the path overshoots the lowest point and circles it."),
    "steep-start": ("B", 0.8, 0.3, (0.0, 1.5), "A steep start",
                    "From a start on the steep wall both reach the bottom in a few steps."),
    "flat-start": ("B", 0.25, 0.8, (-2.0, 0.0), "A flat start",
                   "Along the flat floor of the valley the steps of plain descent are short; momentum adds them up."),
}  # fmt: skip


def contours(run: Run, steps: int, train: int | None, grid: int) -> Found:
    """All weights except two of digit 2 keep their trained values; both descents take twenty steps from one start.

    Pair A is W[200, 2] and W[201, 2], neighbours near the left edge (the choice of report B); pair B is the pixels
    (14, 12) and (14, 16), which are near the middle and not adjacent (the choice of report A). The rates follow from
    the curvature: plain descent is stable below 2/λmax.
    """
    x, labels, _, _ = sets(run, train)
    w = run.found("descent")["w"]
    pairs = {"A": (200, 201), "B": (404, 408)}
    over = {name: TwoWeights(x, labels, w, rows, 2) for name, rows in pairs.items()}
    scenes, curvature = {}, {}
    for name, two in over.items():
        lowest = two.minimum()
        values, vectors = np.linalg.eigh(two.hessian(lowest))
        vectors *= np.where(vectors[np.abs(vectors).argmax(axis=0), [0, 1]] < 0, -1, 1)  # eigh leaves the sign open
        curvature[name] = {"lowest": lowest, "values": values, "vectors": vectors}
    for name, (pair, speed, m, (flat, steep), title, shows) in run.each(list(_SCENES.items())):
        two, here = over[pair], curvature[pair]
        widths = 1 / np.sqrt(here["values"] / here["values"][1])
        start = here["lowest"] + here["vectors"] @ (np.array([flat, steep]) * widths)
        rate = speed / here["values"][1]
        paths = {kind: two.descend(start, rate, k, steps) for kind, k in (("plain", 0.0), ("momentum", m))}
        reach = max(float(np.abs(path - here["lowest"]).max()) for path in paths.values()) * 1.15
        axes = [here["lowest"][k] + reach * np.linspace(-1, 1, grid) for k in (0, 1)]
        floor = two.cost(*here["lowest"])
        excess = {kind: [two.cost(*point) - floor for point in path] for kind, path in paths.items()}
        scenes[name] = {
            "title": title, "shows": shows, "pair": pair, "rate": rate, "momentum": m, "paths": paths,
            "x": axes[0], "y": axes[1], "cost": plots.cost_grid(two.cost, *axes), "excess": excess,
        }  # fmt: skip
    return {"scenes": scenes, "curvature": {name: here["values"] for name, here in curvature.items()}}


def _steps_to(excess: Any, share: float = 0.02) -> int | None:
    """Number of steps after which the excess of the cost over its minimum stays below a share of the first excess."""
    high = np.flatnonzero(np.asarray(excess) > share * excess[0])
    return None if high[-1] == len(excess) - 1 else int(high[-1]) + 1


def show_contours(page: Page, found: Found) -> None:
    page.compare([
        Comparison(f"curvature of pair {pair}, {kind}", None, float(found["curvature"][pair][k]), rerun=rerun)
        for pair, values in (("A", (3.4, 26)), ("B", (155, 521)))
        for k, (kind, rerun) in enumerate(zip(("flat", "steep"), values, strict=True))
    ])  # fmt: skip
    labels = {"A": ("W[200, 2]", "W[201, 2]"), "B": ("W[404, 2]", "W[408, 2]")}
    rows = []
    for name, scene in found["scenes"].items():
        counts = [_steps_to(scene["excess"][kind]) or "more than 20" for kind in ("plain", "momentum")]
        rows.append([scene["title"], scene["pair"], scene["rate"], scene["momentum"], *counts])
        paths = {"plain": scene["paths"]["plain"], f"momentum {scene['momentum']:g}": scene["paths"]["momentum"]}
        across, up = labels[scene["pair"]]
        page.figure(name, plots.contour(scene["x"], scene["y"], scene["cost"], paths, xlabel=across, ylabel=up,
                                        title=f"{scene['title']} (rate {scene['rate']:.2g})"),
                    f"{scene['shows']} The contours are the summed cost in nats; the ring is the start.")  # fmt: skip
    page.table(["", "pair", "rate", "momentum", "steps, plain", "steps, momentum"], rows,
               "Steps after which the excess over the lowest cost stays below 2 % of its first value.")  # fmt: skip
