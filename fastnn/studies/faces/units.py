"""The hidden units that promote and inhibit the recognition of a person."""

from __future__ import annotations

import numpy as np

from fastnn import plots
from fastnn.studies.faces.images import fit, people, split
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run


def units(run: Run, side: int, hidden: int, steps: int, people_shown: int) -> Found:
    """The most useful units for each person, on the validation images of that person.

    The promoter of an image is the unit with the largest product of activation and outgoing weight, its inhibitor the
    unit with the smallest. The most frequent promoter and inhibitor of each person are shown by their input weights.
    """
    images, labels = people(run, side)
    sets = split(images, labels, run.seed)
    _, model = fit(sets, hidden, steps, seed=run.seed)
    w, b = model.parameters["dense1.w"], model.parameters["dense1.b"]
    x, who = sets["val"]
    activations = np.tanh(x @ w + b)
    channels = images.shape[-1] if images.ndim == 4 else 1
    return {
        "activations": activations, "labels": who, "outgoing": model.parameters["dense2.w"], "w": w,
        "shape": [channels, side, side] if channels == 3 else [side, side], "shown": people_shown,
        "faces": np.stack([images[np.flatnonzero(labels == k)[0]] for k in range(people_shown)]),
        "names": list(run.data.class_names),
    }  # fmt: skip


def show_units(page: Page, found: Found) -> None:
    """Show promoters and inhibitors, and the first units."""
    useful = plots.useful_units(found["activations"], found["outgoing"], found["labels"])
    names, shown = found["names"], found["shown"]
    page.figure("people", plots.image_grid(found["faces"], names[:shown], columns=shown, title="The people"),
                "The people whose units are shown below.")  # fmt: skip
    page.figure("promoters", plots.promoters(found["w"], found["shape"], useful, names, most=shown),
                "Input weights of each person's promoter (above) and inhibitor; in brackets the share of the person's "
                "validation images for which the unit is that.")  # fmt: skip
    classes = min(len(names), 40)
    one_each = useful.promoters[:classes]
    page.figure("all", plots.weight_images(np.asarray(found["w"])[:, one_each], found["shape"], names=names[:classes],
                                           title="The promoter of every person"),
                "One weight image for each person: the input weights of the promoter.")  # fmt: skip
