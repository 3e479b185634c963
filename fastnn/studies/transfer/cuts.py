"""The photos, the network's points and first filters, and accuracy by the point at which it is cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.alexnet import feature_shape
from fastnn.alexnet.classifier import one_scale
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run
from fastnn.studies.transfer.heads import fit_b
from fastnn.studies.transfer.photos import features, parts_of_train, weights_of

_TOLD, _FITS = "conv2.relu", "conv3.relu"  # the point that a report names, and the one that has its number of features
_REPORTED_SIZE = 64_896


def data(run: Run, shown: int) -> Found:
    """Photos of each class, and the network that looks at them."""
    weights = weights_of(run)
    names = run.data.class_names
    counts = [[name, int((run.data.train_labels == k).sum()), int((run.data.test_labels == k).sum())]
              for k, name in enumerate(names)]  # fmt: skip
    first = [i for k in range(len(names)) for i in np.flatnonzero(run.data.train_labels == k)[:shown]]
    sizes = {form: {cut: int(np.prod(feature_shape(form, cut))) for cut in (_TOLD, _FITS)}
             for form in ("torchvision", "original")}  # fmt: skip
    return {
        "counts": counts, "images": run.data.train_images[first], "shown": shown, "form": weights.form.name,
        "filters": weights.tensors["conv1.w"], "sizes": sizes, "decisions": [str(d) for d in run.data.decisions],
    }  # fmt: skip


def show_data(page: Page, found: Found) -> None:
    """Show photos, filters, and the sizes that a report mistook."""
    for decision in found["decisions"]:
        page.text(f"Decided: {decision}.")
    page.table(["class", "train", "val"], found["counts"])
    page.text(f"The network has the {found['form']} form.")
    page.figure("photos", plots.image_grid(found["images"], columns=found["shown"], title="Photos"),
                "The first photos of each class.")  # fmt: skip
    page.figure("filters", plots.filters(found["filters"], title="Filters of the first layer"),
                "The weights of conv1, red, green and blue; mid-grey is zero.")  # fmt: skip
    sizes = found["sizes"]
    page.compare([
        Comparison(f"features at {cut}, {form} form", _REPORTED_SIZE, sizes[form][cut], always=True)
        for form in sizes for cut in (_TOLD, _FITS)
    ])  # fmt: skip
    page.text(
        f"One report's table says {_REPORTED_SIZE:,} features for conv2. That label does not fit its size: in the "
        f"torchvision form it is the size of {_FITS}, and {_TOLD} has {sizes['torchvision'][_TOLD]:,}. So both are "
        "shown."
    )


def cut_points(
    run: Run, cuts: tuple[str, ...], largest: int, seeds: int, steps: int, batch: int, share: float
) -> Found:
    """Head B, {steps} steps, at every point, on features as they are and divided by their standard deviation.

    The points are compared on a share of the training photos, held out of each class: val has no part in any choice.
    """
    (_, y), weights = run.data.train, weights_of(run)
    there = [cut for cut in weights.form.cuts if cut.startswith("conv") and (not cuts or cut in cuts)]
    sizes = {c: int(np.prod(feature_shape(weights.form.name, c, weights.description.response))) for c in there}
    chosen = [cut for cut in there if sizes[cut] <= largest]
    rows, held = parts_of_train(y, run.seed, share)

    def at(cut: str) -> Found:
        x = features(run, cut, "train")
        parts = {"": (x[rows], y[rows]), "val": (x[held], y[held])}
        scale = one_scale(parts[""][0])
        numbers = [run.seed + k for k in range(seeds)]
        raw, scaled = (
            [float(fit_b(parts, s, number, steps=steps, batch=batch)[0]["val_accuracy"][-1]) for number in numbers]
            for s in (1.0, scale)
        )
        return {"raw": raw, "scaled": scaled, "size": sizes[cut]}

    found = run.each_cached(at, chosen)
    left = {cut: sizes[cut] for cut in there if cut not in chosen}
    return {"by": dict(zip(chosen, found, strict=True)), "left out": left, "held": len(held), "seeds": seeds}


def _several(seeds: int) -> str:
    return f", mean of {seeds} seeds" if seeds > 1 else ", one seed"


def show_cut_points(page: Page, found: Found) -> None:
    """Show accuracy by point."""
    by: dict[str, Any] = found["by"]
    means = {kind: [float(np.mean(one[kind])) for one in by.values()] for kind in ("raw", "scaled")}
    page.table(["point", "features", "as they are", "scaled"],
               [[cut, one["size"], raw, scaled]
                for (cut, one), raw, scaled in zip(by.items(), means["raw"], means["scaled"], strict=True)],
               f"Accuracy on {found['held']} held-out training photos{_several(found['seeds'])}.")  # fmt: skip
    lines = {"features as they are": means["raw"], "features scaled": means["scaled"]}
    page.figure("cuts", plots.sweep(list(by), lines, xlabel="point at which the network is cut",
                                    title="Accuracy by cut point"),
                f"Head B on {found['held']} held-out training photos{_several(found['seeds'])}.")  # fmt: skip
    best = {kind: list(by)[int(np.argmax(values))] for kind, values in means.items()}
    page.text(
        f"Best as they are: {best['raw']}; best scaled: {best['scaled']}. The reports found conv4 followed by the last "
        "pool, and conv2 after its ReLU, slightly better. Where the accuracy is near that of chance the tanh units are "
        "saturated: a step of Adam moves every weight by about the learning rate, and the movements of thousands of "
        "large features add up. Scaling the features lowers the sum and does not always prevent it."
    )
    if found["left out"]:
        left = ", ".join(f"{cut} ({size:,})" for cut, size in found["left out"].items())
        page.text(f"Left out, because they have too many features: {left}.")
