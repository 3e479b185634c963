"""The hidden units that promote and inhibit the recognition of a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import plots
from fastnn.model import Sequential
from fastnn.studies.faces.images import fit, people, split
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run
from fastnn.studies.training import Pair

_MOST = 40  # classes whose promoters are shown together


def units(run: Run, side: int, hidden: int, steps: int, people_shown: int) -> Found:
    """The most useful of {hidden} units for each person, on the validation images of that person.

    The promoter of an image is the unit with the largest product of activation and outgoing weight, its inhibitor the
    unit with the smallest. The most frequent promoter and inhibitor of each person are shown by their input weights.
    """
    images, labels = people(run, side)
    sets = split(images, labels, run.seed)
    _, model = fit(sets, hidden, steps, seed=run.seed)
    return units_of(model, sets["val"], images, labels, run.data.class_names, people_shown)


def units_of(
    model: Sequential, pair: Pair, images: NDArray[Any], labels: NDArray[np.int64], names: Any, shown: int
) -> Found:
    """Return what `show_useful` shows: activations on the images of `pair`, weights, and one image of each class."""
    x, who = pair
    w, b = model.parameters["dense1.w"], model.parameters["dense1.b"]
    side = images.shape[1]
    return {
        "activations": np.tanh(x @ w + b), "labels": who, "outgoing": model.parameters["dense2.w"], "w": w,
        "shape": [3, side, side] if images.ndim == 4 else [side, side], "shown": shown,
        "faces": np.stack([images[np.flatnonzero(labels == k)[0]] for k in range(min(shown, len(names)))]),
        "names": [str(name) for name in names],
    }  # fmt: skip


def show_units(page: Page, found: Found) -> None:
    """Show promoters and inhibitors, and the first units."""
    shown, names = len(found["faces"]), found["names"]
    page.figure("people", plots.image_grid(found["faces"], names[:shown], columns=shown, title="The people"),
                "The people whose units are shown below.")  # fmt: skip
    show_useful(page, found)


def show_useful(page: Page, found: Found) -> None:
    """Show the input weights of promoters and inhibitors; for colour images their positive and negative parts."""
    useful = plots.useful_units(found["activations"], found["outgoing"], found["labels"])
    names, shown = found["names"], found["shown"]
    parts = " On the left of each pair are the positive weights, on the right the negative ones, in the colours of "
    parts = parts + "the inputs." if len(found["shape"]) == 3 else ""
    page.figure("promoters", plots.promoters(found["w"], found["shape"], useful, names, most=shown),
                "Input weights of each class's promoter (above) and inhibitor; in brackets the share of its validation "
                f"images for which the unit is that.{parts}")  # fmt: skip
    present = np.flatnonzero(useful.promoters >= 0)[:_MOST]
    page.figure("all", plots.weight_images(np.asarray(found["w"])[:, useful.promoters[present]], found["shape"],
                                           names=[names[k] for k in present],
                                           title="The promoter of every class"),
                f"One weight image for each class: the input weights of the promoter.{parts}")  # fmt: skip
