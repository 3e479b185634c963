"""The layer functions, checked against numerical gradients."""

from __future__ import annotations

from fastnn import functional as F
from fastnn import random
from fastnn.architecture import parse
from fastnn.gradcheck import gradcheck
from fastnn.random import Purpose
from fastnn.studies.page import Page
from fastnn.studies.study import Found, Run


def layers(run: Run) -> Found:
    """Affine, ReLU, affine with ReLU, and the softmax loss, forward and backward, in float64."""
    x, w = (random.normal(run.seed, Purpose.INIT, k, shape) for k, shape in enumerate(((6, 4, 3), (12, 5))))
    b = random.normal(run.seed, Purpose.INIT, 2, (5,))
    labels = random.integers(run.seed, Purpose.INIT, 3, 0, 5, (6,))
    checks = {
        "affine, x of any shape flattened": gradcheck((F.affine_forward, F.affine_backward), x, w, b),
        "ReLU": gradcheck((F.relu_forward, F.relu_backward), x),
        "affine and ReLU": gradcheck(parse("mlp:12-5-relu-4", dtype="float64"), x.reshape(6, 12), labels % 4),
        "softmax loss": gradcheck(F.softmax_loss, x.reshape(6, 12)[:, :5], labels),
    }
    return {name: {"passed": bool(check), "errors": check.errors} for name, check in checks.items()}


def show_layers(page: Page, found: Found) -> None:
    """Show the errors."""
    page.table(
        ["function", "largest relative error", "passed"],
        [[name, max(float(e) for e in check["errors"].values()), check["passed"]] for name, check in found.items()],
        "Central differences against the analytic gradient.",
    )
