"""The error of finite differences for a sequence of step sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import whole
from fastnn.gradcheck.differences import Float64
from fastnn.gradcheck.entry import dispatch
from fastnn.gradcheck.subjects import (
    Subject,
    function_subject,
    layer_subject,
    loss_subject,
    model_subject,
)
from fastnn.gradcheck.target import Target, relative_error


@dataclass(frozen=True)
class GradCheckSweep:
    """The errors of forward and central differences by step, which print as a table.

    Attributes
    ----------
    name : str
        The name of what was checked.
    steps : (S,) float64 array
        The step sizes h.
    forward_errors, central_errors : (S,) float64 array
        The largest error over all arrays at each step.
    relative : bool
        Whether errors are ``max|analytic - numeric|`` of an array divided by ``max|numeric|``, or not divided.
    """

    name: str
    steps: Float64
    forward_errors: Float64
    central_errors: Float64
    relative: bool = True

    @property
    def best(self) -> tuple[float, float]:
        """The step with the smallest error of central differences, and that error."""
        k = int(np.nanargmin(self.central_errors))
        return float(self.steps[k]), float(self.central_errors[k])

    def plot(self, ax: Any = None) -> Any:
        """Draw both errors against the step, log-log.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw into, by default those of a new figure.

        Returns
        -------
        matplotlib Figure
        """
        from fastnn.plots import gradcheck_error

        return gradcheck_error(self, ax=ax)

    def __str__(self) -> str:
        """Return a table with one line for each step."""
        kind = "relative" if self.relative else "absolute"
        lines = [f"gradcheck of {self.name}: {kind} error by step"]
        lines.append(f"  {'h':>9}  {'forward':>10}  {'central':>10}")
        rows = zip(self.steps, self.forward_errors, self.central_errors, strict=True)
        lines += [f"  {h:9.2e}  {forward:10.3e}  {central:10.3e}" for h, forward, central in rows]
        return "\n".join(lines)


def sweep(
    obj: Any,
    *args: Any,
    steps: ArrayLike | None = None,
    samples: int | None = 20,
    seed: int = 0,
    relative: bool = True,
    **options: Any,
) -> GradCheckSweep:
    """Show how the error of finite differences first falls with the step and then rises again.

    The errors of forward differences fall with h and those of central differences with h**2, until rounding errors,
    which grow as 1/h, dominate. If the error does not fall, the gradient is wrong, or zero.

    Parameters
    ----------
    obj : (forward, backward), Layer, model or loss function
        As in :func:`gradcheck`.
    *args
        Passed on, as in :func:`gradcheck`.
    steps : array_like, shape (S,), optional
        Step sizes, the same for all entries; default: 0.1, 0.01, ... 1e-11.
    samples : int or None, default 20
        The number of random entries of each array that are compared; None compares all.
    seed : int, default 0
        Seed of the random numbers.
    relative : bool, default True
        Whether errors are divided by the largest gradient.
    **options
        Passed on, as in :func:`gradcheck`.

    Returns
    -------
    GradCheckSweep
        The steps and errors, which print as a table and can be plotted.

    Raises
    ------
    TypeError
        If `obj` cannot be checked.
    ValueError
        If a step is not positive and finite, or there are no steps.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> from fastnn.gradcheck import sweep
    >>> table = sweep(F.softmax_loss, [[1.0, 2.0, 3.0]], np.array([0]), steps=[1e-2, 1e-3])
    >>> np.round(table.central_errors[0] / table.central_errors[1])
    np.float64(100.0)
    """
    h = np.logspace(-1, -11, 11) if steps is None else np.atleast_1d(np.asarray(steps, np.float64))
    if h.ndim != 1 or h.size == 0 or not ((h > 0) & np.isfinite(h)).all():
        raise ValueError(f"sweep: steps must be a list of positive, finite numbers, got {steps!r}")
    samples = None if samples is None else whole("sweep", "samples", samples, at_least=1)
    build: Callable[..., Subject] = dispatch("sweep", obj, function_subject, layer_subject, model_subject, loss_subject)
    subject = build(*(obj if isinstance(obj, tuple | list) else (obj,)), *args, seed=seed, **options)
    forward, central = np.zeros(h.size), np.zeros(h.size)
    for k, target in enumerate(subject.targets):
        indices = target.sample(samples, seed, 1000 + k)
        for s, step in enumerate(h):
            for errors, is_central in ((forward, False), (central, True)):
                error = _error(target, indices, float(step), is_central, relative)
                errors[s] = np.maximum(errors[s], error)  # keeps a NaN
    return GradCheckSweep(subject.name, h, forward, central, relative)


def _error(target: Target, indices: list[tuple[int, ...]], h: float, central: bool, relative: bool) -> float:
    numeric = np.array([target.numeric(i, h, central=central).value for i in indices])
    analytic = np.array([target.analytic[i] for i in indices])
    if relative:
        return relative_error(analytic, numeric)
    return float(np.abs(analytic - numeric).max())
