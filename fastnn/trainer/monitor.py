"""The figure of a history that a callback watches: whether lower is better, and its value in an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastnn.checks import choice
from fastnn.decisions.figures import better
from fastnn.named import suggestion

Mode = Literal["min", "max"]


def mode_for(owner: str, monitor: str, mode: Mode | None) -> Mode:
    """Whether lower or higher values of a figure are better: as `mode` says, otherwise by the name of the figure.

    Raises
    ------
    TypeError
        If `monitor` is not a str.
    ValueError
        If `mode` is something else, or is None and the name does not say.
    """
    if not isinstance(monitor, str):
        raise TypeError(f"{owner}: monitor: expected the name of a figure, got {monitor!r:.80}")
    mode = choice(owner, "mode", mode, ("min", "max", None)) or better(monitor)
    if mode is None:
        raise ValueError(
            f"{owner}: mode: expected 'min' or 'max', because the name {monitor!r} does not say whether lower or "
            "higher is better, got None"
        )
    return mode


def figure_of(owner: str, monitor: str, epoch: Mapping[str, Any]) -> float:
    """The figure of an epoch's line of the history.

    Raises
    ------
    ValueError
        If the epoch does not have the figure.
    """
    if monitor not in epoch:
        no_validation = monitor.startswith("val_") and "val_loss" not in epoch
        raise ValueError(
            f"{owner}: monitor: expected one of {', '.join(epoch)}, got {monitor!r}"
            + (" (there is no validation)" if no_validation else suggestion(monitor, epoch))
        )
    return float(epoch[monitor])
