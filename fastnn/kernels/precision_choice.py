"""The option `precision`: checked, and what it is on this machine.

It governs products, those of dense layers and of Winograd's algorithm, and nothing else. A precision that is no
faster here than float32 would cost accuracy for nothing, so that products are then computed in float32, and a sentence
says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.caller import warn_caller
from fastnn.checks import choice
from fastnn.kernels.backend import current_backend, faster_precisions, native_isa
from fastnn.kernels.precisions import PRECISIONS, Precision, PrecisionName


def checked_precision(owner: str, precision: Any, dtype: np.dtype[Any]) -> PrecisionName:
    """The option `precision` of a model of that dtype.

    Raises
    ------
    ValueError
        If it is none of `PRECISIONS`, or other than "float32" for a model of float64.
    """
    name = choice(owner, "precision", precision, PRECISIONS)
    if name != "float32" and dtype != np.float32:
        raise ValueError(f"{owner}: precision: expected 'float32' for a model of {dtype}, got {name!r}")
    return name


def precision_in_use(precision: PrecisionName) -> Precision:
    """The argument of kernels for a precision: it, or float32 where the kernels in use multiply no faster in it.

    Examples
    --------
    >>> from fastnn.kernels.precision_choice import precision_in_use
    >>> precision_in_use("float32").name
    'FLOAT32'
    """
    asked = Precision.of(precision)
    return asked if asked in faster_precisions() else Precision.FLOAT32


def say_if_not_faster(function: str, precision: PrecisionName) -> None:
    """Warn that products are in float32 where another precision was asked for."""
    if precision_in_use(precision) != Precision.of(precision):
        warn_caller(
            f"{function}: precision: the products are in float32, because {current_backend()} kernels of this "
            f"processor ({native_isa() or 'none compiled'}) multiply no faster in {precision!r}"
        )
