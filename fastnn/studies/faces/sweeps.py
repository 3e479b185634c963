"""The effect of one setting at a time: hidden units, resolution, activation, initial weights, optimiser and loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn import layers, optim, plots
from fastnn.studies.faces.images import best, fit, people, split
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import Columns

_ACTIVATIONS: dict[str, Callable[[], layers.Layer]] = {
    "linear": layers.Layer,
    "ReLU": layers.ReLU,
    "tanh": layers.Tanh,
    "sigmoid": layers.Sigmoid,
    "tanhshrink": layers.Tanhshrink,
    "softshrink": layers.Softshrink,
    "softmin": layers.Softmin,
    "softmax": layers.Softmax,
}
_FIRST = {
    "uniform ±1/√fan-in": "fan_in_uniform",
    "Glorot": "glorot_uniform",
    "N(0, 0.01²)": "normal(0.01)",
    "N(0, 1)": "normal(1)",
    "uniform [-1, 1)": "uniform(-1, 1)",
    "uniform [-10, 10)": "uniform(-10, 10)",
    "zeros": "zeros",
}
_OPTIMISERS: dict[str, Callable[[], optim.Optimizer]] = {
    "SGD 0.1": lambda: optim.SGD(0.1),
    "momentum 0.02": lambda: optim.Momentum(0.02),
    "Nesterov 0.02": lambda: optim.Nesterov(0.02),
    "RMSProp 0.001": lambda: optim.RMSProp(0.001),
    "Adagrad 0.02": lambda: optim.Adagrad(0.02),
    "Adam 0.001": lambda: optim.Adam(0.001),
    "AdamW 0.001": lambda: optim.AdamW(0.001),
}
_LOSSES = {
    "cross-entropy": "softmax_cross_entropy",
    "binary cross-entropy": "binary_cross_entropy",
    "hinge": "multiclass_hinge",
    "squared error": "mean_squared_error",
}
_AT_BEST_EPOCH = "Test accuracy at the epoch with the best validation accuracy."


def _over_splits(run: Run, values: Sequence[Any], splits: int, one: Callable[[Any, int], Columns]) -> dict[str, Any]:
    """Validation and test accuracy, arrays (values, splits), at the epoch with the best validation accuracy."""
    jobs = [(value, run.seed + k) for value in values for k in range(splits)]
    scores = np.array(run.on_cores(lambda job: best(one(*job))[1:], jobs)).reshape(len(values), splits, 2)
    return {"val": scores[..., 0], "test": scores[..., 1]}


def _lines(found: Any) -> dict[str, Any]:
    return {"validation": np.asarray(found["val"]).mean(axis=1), "test": np.asarray(found["test"]).mean(axis=1)}


def _table(page: Page, names: Sequence[Any], found: Any) -> None:
    val, test = np.asarray(found["val"]), np.asarray(found["test"])
    splits = val.shape[1]
    ranges = [[f"{t.min():.3f}–{t.max():.3f}"] if splits > 1 else [] for t in test]
    rows = [[str(n), float(v.mean()), float(t.mean()), *r] for n, v, t, r in zip(names, val, test, ranges, strict=True)]
    several = f"mean of {splits} random splits" if splits > 1 else "one random split"
    page.table(["", "validation", "test", *(["test, range"] if splits > 1 else [])], rows,
               f"Accuracy at the epoch with the best validation accuracy, {several}.")  # fmt: skip


def hidden(run: Run, side: int, sizes: tuple[int, ...], steps: int, splits: int) -> Found:
    """Networks with {sizes} hidden units, trained for {steps} steps."""
    images, labels = people(run, side)
    return {"sizes": sizes, **_over_splits(
        run, sizes, splits, lambda size, seed: fit(split(images, labels, seed), size, steps, seed=seed)[0]
    )}  # fmt: skip


def show_hidden(page: Page, found: Found) -> None:
    """Show the sweep."""
    page.figure("sweep", plots.sweep(list(found["sizes"]), _lines(found), xlabel="hidden units", log=True,
                                     title="Accuracy against hidden units"), "A few units already tell many people "
                "apart; units beyond the number of people gain little.")  # fmt: skip
    _table(page, found["sizes"], found)


def resolution(run: Run, sides: tuple[int, ...], sizes: tuple[int, ...], steps: int, splits: int) -> Found:
    """Images with a side of {sides} pixels, and networks of {sizes} hidden units.

    Reported: a side near 32 pixels is best; 14 and 64 are slightly worse; 64 improves with more hidden units.
    """
    images = {side: people(run, side) for side in sides}

    def one(value: tuple[int, int], seed: int) -> Columns:
        side, size = value
        return fit(split(*images[side], seed), size, steps, seed=seed)[0]

    return {"sides": sides, "runs": {
        str(size): _over_splits(run, [(side, size) for side in sides], splits, one) for size in sizes
    }}  # fmt: skip


def show_resolution(page: Page, found: Found) -> None:
    """Show the sweep."""
    lines = {f"{size} hidden units": np.asarray(one["test"]).mean(axis=1) for size, one in found["runs"].items()}
    first = next(iter(lines.values()))
    page.compare([Comparison("best side of an image (pixels)", 32, found["sides"][int(first.argmax())],
                             f"with {next(iter(lines))}", as_ratio=False)])  # fmt: skip
    page.figure(
        "sweep",
        plots.sweep(
            list(found["sides"]),
            lines,
            xlabel="side of the image (pixels)",
            ylabel="test accuracy (%)",
            title="Accuracy against resolution",
        ),
        _AT_BEST_EPOCH,
    )
    for size, one in found["runs"].items():
        page.heading(f"{size} hidden units")
        _table(page, found["sides"], one)


def activation(run: Run, side: int, sizes: tuple[int, ...], steps: int, splits: int) -> Found:
    """Eight activations, with {sizes} hidden units and {steps} steps.

    Reported: with many units they are within a few per cent of each other, except that softmin and softmax are poor at
    any size; with few units linear, tanhshrink and softshrink are best.
    """
    images, labels = people(run, side)

    def one(value: tuple[str, int], seed: int) -> Columns:
        name, size = value
        layer = _ACTIVATIONS[name]()
        return fit(split(images, labels, seed), size, steps, seed=seed, activation=layer)[0]

    return {str(size): _over_splits(run, [(name, size) for name in _ACTIVATIONS], splits, one) for size in sizes}


def show_activation(page: Page, found: Found) -> None:
    """Show the sweep for each size."""
    lines = {f"{size} hidden units": np.asarray(one["test"]).mean(axis=1) for size, one in found.items()}
    page.figure(
        "sweep",
        plots.sweep(
            list(_ACTIVATIONS), lines, xlabel="activation", ylabel="test accuracy (%)", title="Accuracy by activation"
        ),
        _AT_BEST_EPOCH,
    )
    for size, one in found.items():
        page.heading(f"{size} hidden units")
        _table(page, list(_ACTIVATIONS), one)


def first_weights(run: Run, side: int, hidden: int, steps: int, splits: int) -> Found:
    """Ways to draw the initial weights and biases of a network of {hidden} units.

    Reported: with weights that are too large the accuracy stays at chance, which was 1/6.
    """
    images, labels = people(run, side)
    return {"classes": int(labels.max()) + 1, **_over_splits(
        run, list(_FIRST), splits,
        lambda name, seed: fit(split(images, labels, seed), hidden, steps, seed=seed, init=_FIRST[name])[0],
    )}  # fmt: skip


def show_first_weights(page: Page, found: Found) -> None:
    """Show the sweep."""
    page.figure("sweep", plots.sweep(list(_FIRST), _lines(found), xlabel="initial weights and biases",
                                     title="Accuracy by initial weights"),
                f"Chance is {1 / found['classes']:.1%}.")  # fmt: skip
    _table(page, list(_FIRST), found)


def optimiser(run: Run, side: int, hidden: int, steps: int, splits: int) -> Found:
    """Seven update rules, each at a suitable learning rate, for {steps} steps."""
    images, labels = people(run, side)
    return _over_splits(
        run, list(_OPTIMISERS), splits,
        lambda name, seed: fit(split(images, labels, seed), hidden, steps, seed=seed, optimizer=_OPTIMISERS[name]())[0],
    )  # fmt: skip


def show_optimiser(page: Page, found: Found) -> None:
    """Show the sweep."""
    page.figure("sweep", plots.sweep(list(_OPTIMISERS), _lines(found), xlabel="optimiser and rate",
                                     title="Accuracy by optimiser"), "After the same number of steps.")  # fmt: skip
    _table(page, list(_OPTIMISERS), found)


def loss(run: Run, side: int, hidden: int, steps: int, splits: int) -> Found:
    """Four losses: of all classes together, and of each output with the one-hot label as its target.

    The softmax cross-entropy and the multi-class hinge compare the outputs with each other; the binary cross-entropy
    and the squared error take each output by itself.
    """
    images, labels = people(run, side)
    return _over_splits(
        run, list(_LOSSES), splits,
        lambda name, seed: fit(split(images, labels, seed), hidden, steps, seed=seed, loss=_LOSSES[name])[0],
    )  # fmt: skip


def show_loss(page: Page, found: Found) -> None:
    """Show the sweep."""
    page.figure("sweep", plots.sweep(list(_LOSSES), _lines(found), xlabel="loss", title="Accuracy by loss"),
                "After the same number of steps.")  # fmt: skip
    _table(page, list(_LOSSES), found)
