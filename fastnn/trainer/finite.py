"""Samples that hold NaN or infinity are named by their place, before a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastnn.data.mapped import is_mapped


class Bad(NamedTuple):
    """The first number that is not finite, and how many samples hold one."""

    sample: int
    column: int
    kind: str
    samples: int

    def place(self, names: Sequence[str] | None = None) -> str:
        """Which number it is.

        Parameters
        ----------
        names : sequence of str, optional
            Of the columns.
        """
        column = self.column if names is None else names[self.column]
        return f"{self.kind} in sample {self.sample}, column {column!r}"


def first_bad(x: Any) -> Bad | None:
    """The first number that is not finite; None if there is none, or x is no array of floats in memory.

    Parameters
    ----------
    x : (N, ...) array
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.ndim == 0 or is_mapped(x):
        return None
    with np.errstate(all="ignore"):
        if np.isfinite(np.add.reduce(x, axis=None)):
            return None
    rows = x.reshape(len(x), -1)
    bad = ~np.isfinite(rows)
    samples = bad.any(axis=1)
    if not samples.any():  # the sum overflows
        return None
    sample = int(np.argmax(samples))
    column = int(np.argmax(bad[sample]))
    return Bad(sample, column, "NaN" if np.isnan(rows[sample, column]) else "infinity", int(samples.sum()))


def check_finite(function: str, which: str, x: Any, names: Sequence[str] | None = None) -> None:
    """Refuse samples that hold NaN or infinity; a file is not read for that.

    Parameters
    ----------
    function, which : str
        They begin the message of the error: "fit", "x".
    x : (N, ...) array
    names : sequence of str, optional
        Of the columns.

    Raises
    ------
    ValueError
        It has the place of the first.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.trainer.finite import check_finite
    >>> check_finite("fit", "x", np.array([[1.0, np.inf]]), ["size", "rent"])
    Traceback (most recent call last):
    ValueError: fit: x: expected finite numbers, got infinity in sample 0, column 'rent' (1 of 1 samples)
    """
    bad = first_bad(x)
    if bad is not None:
        advice = "; fill or leave out what is missing, or take fastnn.tabular, which learns from it"
        raise ValueError(
            f"{function}: {which}: expected finite numbers, got {bad.place(names)} ({bad.samples} of {len(x)} samples)"
            + (advice if bad.kind == "NaN" else "")
        )
