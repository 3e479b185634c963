"""The option --precision of `fastnn train`, `predict` and `evaluate`."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.kernels.precisions import PRECISIONS, PrecisionName
from fastnn.model import Sequential


def add_precision(group: argparse._ActionsContainer, what: str, default: PrecisionName | None) -> None:
    """Add --precision.

    Parameters
    ----------
    group : group of arguments
    what : str
        What the products belong to, and the default in words.
    default : str or None
    """
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=default,
        help=f"of the large products in {what}; fast, fast3 and bf16 multiply ever fewer numbers of 16 bits, "
        "which some processors do faster",
    )


def add_precision_of_predictions(group: argparse._ActionsContainer) -> None:
    """Add --precision to a command that predicts."""
    add_precision(group, "predictions (default: that of the model's file)", None)


def set_precision(model: Any, precision: PrecisionName | None) -> None:
    """Give a loaded model the precision of the option, if there is one.

    Raises
    ------
    ValueError
        If it is other than float32 for a model of float64, or for several networks, which have none.
    """
    if precision is None:
        return
    if isinstance(model, Sequential):
        model.precision = precision
    elif precision != "float32":
        raise ValueError(f"--precision: expected float32 for a model of several networks, got {precision}")
