"""The file of predictions."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import ArrayLike

from fastnn.files import write_whole

__all__ = ["results_to_csv"]


def results_to_csv(y: ArrayLike, name: str | PathLike[str]) -> None:
    """Write predictions y (N,) as lines ``Id,Category``, where Id counts from 1.

    Raises
    ------
    ValueError
        If y is not a one-dimensional array of whole numbers.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or not np.array_equal(labels, labels.astype(np.int64)):
        raise ValueError(f"results_to_csv: y must be whole numbers (N,), got {labels.dtype} {labels.shape}")
    lines = [f"{i},{int(label)}" for i, label in enumerate(labels, 1)]
    write_whole(name, "\n".join(["Id,Category", *lines]) + "\n")
