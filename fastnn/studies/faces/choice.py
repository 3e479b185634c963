"""The number of hidden units, chosen on the test images, as report A first did, and on the validation images."""

from __future__ import annotations

import numpy as np

from fastnn import plots
from fastnn.studies.faces.images import fit, people, split
from fastnn.studies.page import Comparison, Page, spread
from fastnn.studies.study import Found, Run


def choice(run: Run, side: int, sizes: tuple[int, ...], steps: int, splits: int) -> Found:
    """The first attempt of report A chose the size with the best *test* accuracy and reported that accuracy.

    The largest of several noisy numbers is biased upward: on new images the chosen network is no better than the
    others. If the size is chosen on the validation images, the accuracy on the test images is unbiased. Both choices
    are made here from the same trainings of {steps} steps, for {splits} random splits.
    """
    images, labels = people(run, side)

    def one(job: tuple[int, int]) -> tuple[float, float, float]:
        seed, hidden = job
        sets = split(images, labels, seed)
        columns, _ = fit(sets, hidden, steps, seed=seed)
        return columns["accuracy"][-1], columns["val_accuracy"][-1], columns["test_accuracy"][-1]

    jobs = [(run.seed + k, hidden) for k in range(splits) for hidden in sizes]
    scores = np.array(run.on_cores(one, jobs), np.float64).reshape(splits, len(sizes), 3)
    return {"sizes": sizes, "train": scores[..., 0], "val": scores[..., 1], "test": scores[..., 2]}


def show_choice(page: Page, found: Found) -> None:
    """Show both choices."""
    sizes = list(found["sizes"])
    val, test = np.asarray(found["val"]), np.asarray(found["test"])
    rows = np.arange(len(val))
    on_test, on_val = test.argmax(axis=1), val.argmax(axis=1)
    claimed, unbiased = test[rows, on_test], test[rows, on_val]
    # the choice on the test images did not use the validation images, which therefore give its accuracy on new images
    unseen = val[rows, on_test]
    page.compare([
        Comparison("size chosen on the test images (first split)", 100, sizes[on_test[0]], as_ratio=False),
        ("its test accuracy", 0.908, float(claimed.mean()), f"biased; {spread(claimed, 'split')}"),
        ("accuracy of the same networks on the validation images", None, float(unseen.mean())),
        Comparison("size chosen on the validation images (first split)", 12, sizes[on_val[0]], as_ratio=False),
        ("its test accuracy", None, float(unbiased.mean()), f"unbiased; {spread(unbiased, 'split')}"),
        ("training accuracy of the largest", 1.0, float(np.asarray(found["train"])[:, -1].mean())),
    ])  # fmt: skip
    lines = {
        "training": np.asarray(found["train"]).mean(axis=0),
        "validation": val.mean(axis=0),
        "test": test.mean(axis=0),
    }
    page.figure("sizes", plots.sweep(sizes, lines, xlabel="hidden units", log=True,
                                     title="Accuracy against hidden units"),
                f"Mean of {len(val)} random splits." if len(val) > 1 else "One random split.")  # fmt: skip
