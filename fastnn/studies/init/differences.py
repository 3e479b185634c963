"""The derivatives with respect to ten weights, against central differences of the loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import plots
from fastnn.studies.init.network import losses, network
from fastnn.studies.page import Comparison, Page
from fastnn.studies.study import Found, Run

_WEIGHTS = 10  # from hidden units 0 ... 9 into unit 0 of the second layer


def differences(run: Run, hidden: int) -> Found:
    """The derivatives with respect to the ten weights from hidden units 0–9 into unit 0 of the second layer.

    They are compared, for one image, with central differences of step 1/N. The loss with the cap 1e-8 differs from the
    loss whose gradient is computed, which leaves an error that no step size removes. If unit 0 is not active for the
    image, all ten derivatives are zero and so are all differences: a horizontal line, which the report attributes to
    zero pixels. Without the cap, in float64 and with an active unit, the error falls with the step until the rounding
    error raises it again.
    """
    model = network(run, hidden, "glorot_uniform", dtype="float64")
    images, labels = run.data.train_images[:2000], run.data.train_labels[:2000]
    w = model.parameters["dense2.w"]
    first = np.maximum(_affine(model, images * run.data.scale, "dense1"), 0)
    second = _affine(model, first, "dense2")[:, 0]
    useful = (first[:, :_WEIGHTS] > 0).sum(axis=1)
    active = int(np.argmax(np.where(second > 0, useful, -1)))
    inactive = int(np.argmin(second + first[:, :_WEIGHTS].max(axis=1)))  # also if one weight changes by 1
    reported_n = [k * 10.0**i for i in (0, 1, 3, 5) for k in (1, 5)]
    long_n = [k * 10.0**i for i in range(12) for k in (1, 5)][:23]
    cases = {
        "capped, active unit": (active, 0, reported_n),
        "capped, unit not active": (inactive, 0, reported_n),
        "without cap, active unit": (active, 1, long_n),
    }
    found = {}
    for name, (sample, kind, counts) in cases.items():
        x, y = images[sample : sample + 1], labels[sample : sample + 1]
        _, gradients = model.loss_and_gradients(x, y)
        exact = gradients["dense2.w"][:_WEIGHTS, 0]
        errors = []
        for n in counts:
            numeric = np.empty(_WEIGHTS)
            for i in range(_WEIGHTS):
                before = w[i, 0]
                sides = []
                for sign in (1, -1):
                    w[i, 0] = before + sign / n
                    sides.append(losses(model.forward(x), y)[kind])
                w[i, 0] = before
                numeric[i] = (sides[0] - sides[1]) * n / 2
            errors.append(float(np.abs(exact - numeric).max()))
        found[name] = {"n": np.array(counts), "error": np.array(errors), "largest": float(np.abs(exact).max())}
    return found


def _affine(model: Any, x: Any, layer: str) -> Any:
    return x.reshape(len(x), -1) @ model.parameters[f"{layer}.w"] + model.parameters[f"{layer}.b"]


def show_differences(page: Page, found: Found) -> None:
    """Show both figures."""
    capped, dead, free = found.values()
    page.compare([
        Comparison("error with the cap at the smallest step", None, float(capped["error"][-1]), "it levels off",
                   rerun="about 1e-9"),
        ("largest error if the unit is not active", 0.0, float(np.max(dead["error"][1:])),
         f"for N ≥ 5; all derivatives are {dead['largest']:g}"),
        ("smallest error without the cap", None, float(np.min(free["error"])),
         f"at N = {free['n'][int(np.argmin(free['error']))]:.0e}; at the largest N it is {free['error'][-1]:.1e}"),
    ])  # fmt: skip
    label = "max |analytic − numeric| (nats per unit)"
    lines = {"capped loss, active unit": capped["error"]}
    page.figure("capped", plots.gradcheck_error(1 / np.asarray(capped["n"]), lines, ylabel=label,
                                                title="With the capped loss, N up to 500,000"),
                "The check of the report. For a unit that is not active every difference is exactly zero, which this "
                "axis cannot show.")  # fmt: skip
    lines = {"without cap, active unit": free["error"]}
    page.figure("uncapped", plots.gradcheck_error(1 / np.asarray(free["n"]), lines, ylabel=label,
                                                  title="Without the cap, N up to 1e11"),
                "The error falls with the square of the step, then the rounding error rises as one over the "
                "step.")  # fmt: skip
