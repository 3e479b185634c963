"""The grid search over sizes, epochs and batches, and the effect of depth."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.mlp.solver import sets, solve, solve_for
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run


def grid(run: Run, hidden: tuple[int, ...], epochs: tuple[int, ...], batches: tuple[int, ...], train: int) -> Found:
    """A grid over {hidden} hidden units, {epochs} epochs and batches of {batches}, one network on each core at a time.

    The best network is the one with the best epoch on the validation images. Trainings that differ in their epochs
    alone have the same steps as far as they go, so that the longest stands for all. The longest trainings start first.
    """
    data = sets(run, train)
    networks = sorted(((h, b) for h in hidden for b in batches), key=lambda network: -network[0] / network[1])

    def several(network: tuple[int, int]) -> list[dict[str, Any]]:
        h, b = network
        found = []
        for e, (columns, model) in solve_for(run, data, (h,), epochs, b).items():
            best = int(np.argmax(columns["val_accuracy"]))
            found.append({"hidden": h, "epochs": e, "batch": b, "val": columns["val_accuracy"], "best": best,
                          "train": columns["accuracy"], "steps": len(columns["steps"]),
                          "seconds": float(columns["seconds"].sum()),
                          "test": model.evaluate(*data["test"])["accuracy"]})  # fmt: skip
        return found

    return {"points": [point for points in run.on_cores(several, networks) for point in points]}


def show_grid(page: Page, found: Found) -> None:
    """Show every point of the grid, and the best one."""
    points = sorted(found["points"], key=lambda p: (p["hidden"], p["epochs"], p["batch"]))
    top = max(points, key=lambda p: float(np.max(p["val"])))
    done = [p for p in points if p["epochs"] == max(q["epochs"] for q in points)]
    steps, seconds = sum(p["steps"] for p in done), sum(p["seconds"] for p in done)
    page.compare([
        ("best validation accuracy", 0.9643, float(np.max(top["val"])),
         f"{top['hidden']} units, {top['epochs']} epochs, batch {top['batch']}; epoch {top['best']}"),
        ("its test accuracy", 0.96580, float(top["test"]), "the report's is of other held-out images"),
        *(Comparison(f"validation accuracy of 200/80/{batch}", reported, float(np.max(p["val"])), note, rerun=rerun)
          for batch, reported, rerun, note in ((8, 0.9643, 0.9644, "the reported best"), (4, None, 0.9647, ""))
          for p in points if (p["hidden"], p["epochs"], p["batch"]) == (200, 80, batch)),
        ("steps", None, sum(p["steps"] for p in points),
         f"{steps:,} done, in {seconds:.0f} s on one core, {1e6 * seconds / steps:.1f} µs per step"),
    ])  # fmt: skip
    epochs = np.arange(1, len(top["val"]))
    columns = {"epoch": epochs, "accuracy": np.asarray(top["train"])[1:], "val_accuracy": np.asarray(top["val"])[1:]}
    page.figure("best", plots.learning_curve(columns, title="The best network of the grid"),
                f"Accuracy by epoch of the best network, {top['hidden']} units in batches of {top['batch']}, on 1,000 "
                "training images and on the validation images.")  # fmt: skip
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
    """{depths} hidden layers of {hidden} units, compared by the *mean* validation accuracy over {epochs} epochs."""
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
        Comparison("hidden layers of the network with the best mean accuracy", 1, best["depth"], as_ratio=False),
        Comparison("its batch size", 4, best["batch"], as_ratio=False),
        ("its accuracy at the best epoch", 0.961, float(np.max(best["val"]))),
    ])  # fmt: skip
    depths = sorted({p["depth"] for p in points})
    lines = {f"{what}, batch {b}": [float(f(p["val"])) for p in points if p["batch"] == b]
             for b in sorted({p["batch"] for p in points})
             for what, f in (("mean", np.mean), ("best epoch", np.max))}  # fmt: skip
    page.figure("depth", plots.sweep(depths, lines, xlabel="hidden layers", ylabel="validation accuracy (%)",
                                     title="Accuracy against depth"),
                "Mean over all epochs, and best epoch, for each number of hidden layers.")  # fmt: skip
