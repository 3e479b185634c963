"""The grid search over sizes, epochs and batches, and the effect of depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.mlp.solver import sets, solve
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run


def grid(run: Run, hidden: tuple[int, ...], epochs: tuple[int, ...], batches: tuple[int, ...], train: int) -> Found:
    """A grid over hidden units, epochs and batch size: 27 networks, one on each core at a time, 21 million steps.

    The best network is the one with the best epoch on the validation images. The longest trainings start first.
    """
    data = sets(run, train)
    points = sorted(((h, e, b) for h in hidden for e in epochs for b in batches), key=lambda p: -p[1] / p[2] * p[0])

    def one(point: tuple[int, int, int]) -> dict[str, Any]:
        h, e, b = point
        columns, model = solve(run, data, (h,), e, b)
        best = int(np.argmax(columns["val_accuracy"]))
        return {"hidden": h, "epochs": e, "batch": b, "val": columns["val_accuracy"], "best": best,
                "steps": len(columns["steps"]), "seconds": float(columns["seconds"].sum()),
                "test": model.evaluate(*data["test"])["accuracy"]}  # fmt: skip

    return {"points": run.on_cores(one, points)}


def show_grid(page: Page, found: Found) -> None:
    """Show every point of the grid, and the best one."""
    points = sorted(found["points"], key=lambda p: (p["hidden"], p["epochs"], p["batch"]))
    top = max(points, key=lambda p: float(np.max(p["val"])))
    steps, seconds = sum(p["steps"] for p in points), sum(p["seconds"] for p in points)
    own = [p for p in points if (p["hidden"], p["epochs"], p["batch"]) == (200, 80, 8)]
    page.compare([
        ("best validation accuracy", 0.9643, float(np.max(top["val"])),
         f"{top['hidden']} units, {top['epochs']} epochs, batch {top['batch']}; epoch {top['best']}"),
        ("its test accuracy", 0.96580, float(top["test"])),
        *(("validation accuracy of 200/80/8", 0.9643, float(np.max(p["val"])), "the reported best") for p in own),
        ("steps", None, steps, f"{seconds:.0f} s on one core, {1e6 * seconds / steps:.1f} µs per step"),
    ])  # fmt: skip
    lines: dict[str, Any] = {}
    xs = sorted({p["epochs"] for p in points})
    for p in points:
        lines.setdefault(f"{p['hidden']} units, batch {p['batch']}", {})[p["epochs"]] = float(np.max(p["val"]))
    page.figure("grid", plots.sweep(xs, {name: [line[x] for x in xs] for name, line in lines.items()},
                                    xlabel="epochs of the training", ylabel="best validation accuracy (%)",
                                    title="The grid"),
                "Best validation accuracy of every point of the grid.")  # fmt: skip
    page.table(["hidden units", "epochs", "batch", "best validation", "at epoch", "test", "seconds"],
               [[p["hidden"], p["epochs"], p["batch"], float(np.max(p["val"])), p["best"], p["test"], p["seconds"]]
                for p in points])  # fmt: skip


def depth(run: Run, hidden: int, depths: tuple[int, ...], epochs: int, batches: tuple[int, ...], train: int) -> Found:
    """One to four hidden layers, compared by the *mean* validation accuracy over the epochs."""
    data = sets(run, train)
    points = sorted(((d, b) for d in depths for b in batches), key=lambda p: -p[0] / p[1])

    def one(point: tuple[int, int]) -> dict[str, Any]:
        columns, _ = solve(run, data, (hidden,) * point[0], epochs, point[1])
        return {"depth": point[0], "batch": point[1], "val": columns["val_accuracy"][1:]}

    return {"points": run.on_cores(one, points)}


def show_depth(page: Page, found: Found) -> None:
    """Show mean and best accuracy by depth."""
    points = sorted(found["points"], key=lambda p: (p["batch"], p["depth"]))
    best = max(points, key=lambda p: float(np.mean(p["val"])))
    page.compare([
        ("hidden layers of the network with the best mean accuracy", 1, best["depth"]),
        ("its batch size", 4, best["batch"]),
        ("its accuracy at the best epoch", 0.961, float(np.max(best["val"]))),
    ])  # fmt: skip
    depths = sorted({p["depth"] for p in points})
    lines = {f"{what}, batch {b}": [float(f(p["val"])) for p in points if p["batch"] == b]
             for b in sorted({p["batch"] for p in points})
             for what, f in (("mean", np.mean), ("best epoch", np.max))}  # fmt: skip
    page.figure("depth", plots.sweep(depths, lines, xlabel="hidden layers", ylabel="validation accuracy (%)",
                                     title="Accuracy against depth"),
                "Mean over all epochs, and best epoch, for each number of hidden layers.")  # fmt: skip
