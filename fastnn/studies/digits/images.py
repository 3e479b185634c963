"""The images and the forward pass of the network."""

from __future__ import annotations

import numpy as np

from fastnn import functional, plots, random
from fastnn.compat import csc411
from fastnn.random import Purpose
from fastnn.studies.digits.softmax_descent import start, with_ones
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run

_TRAIN = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
_TEST = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)


def data(run: Run) -> Found:
    """The number of images of each digit, and ten images of each."""
    chosen = []
    for digit in range(10):
        index = np.flatnonzero(run.data.train_labels == digit)
        chosen += index[random.permutation(run.seed, Purpose.SPLIT, digit, len(index))[:10]].tolist()
    counts = [np.bincount(labels, minlength=10) for labels in (run.data.train_labels, run.data.test_labels)]
    return {"train": counts[0], "test": counts[1], "images": run.data.train_images[chosen]}


def show_data(page: Page, found: Found) -> None:
    names = [f"digit {k}, {kind}" for kind in ("train", "test") for k in range(10)]
    ours = [int(n) for kind in ("train", "test") for n in found[kind]]
    page.compare(zip(names, (*_TRAIN, *_TEST), ours, strict=True))
    rows = [f"{k}" for k in range(10)]
    page.figure("grid", plots.image_grid(found["images"], columns=10, row_names=rows, title="Ten images of each digit"),
                "Ten random training images of each digit.")  # fmt: skip


def forward(run: Run, images: int) -> Found:
    """The network is P = softmax(Wᵀ X), where the columns of X are images and its last row is ones.

    It is computed once by the formulas of the hand-out, in float64 and without a shift in the softmax, and once by
    ``fastnn.functional``, where the rows are images.
    """
    x = with_ones(run.data.test_images[:images], run.data.scale).astype(np.float64)
    w = start(1, x.shape[1])
    columns = csc411.forward(x.T, w)
    logits, _ = functional.affine_forward(x[:, :-1], w[:-1], w[-1])
    rows, _ = functional.softmax_forward(logits)
    return {"difference": np.abs(columns.T - rows).max(), "sum": np.abs(columns.sum(axis=0) - 1).max()}


def show_forward(page: Page, found: Found) -> None:
    page.table(["", "largest difference"], [["hand-out against library", found["difference"]],
                                            ["sum of probabilities against 1", found["sum"]]])  # fmt: skip
