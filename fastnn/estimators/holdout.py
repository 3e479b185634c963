"""The samples that early stopping holds out of the training set."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

Array = NDArray[Any]

LEAST = 2  # R² of one sample is undefined, and its accuracy says next to nothing


def hold_out(
    owner: str, samples: int, fraction: float, labels: Array | None, random_state: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide the samples at random into those to train on and those to validate with.

    Parameters
    ----------
    owner : str
        The class of the estimator, which begins the message of an error.
    samples : int
    fraction : float
        The share to validate with; the product with `samples` is rounded up.
    labels : (N,) array, optional
        The class of each sample, if it has one class. Both parts then get the same share of each class, up to rounding,
        where that is possible: where every class has two samples, and neither part fewer than there are classes.
    random_state : int or RandomState

    Returns
    -------
    training, validation : int64 arrays
        Indices of the samples.

    Raises
    ------
    ValueError
        If there are fewer than two samples to validate with, or none to train on.
    """
    held_out = math.ceil(fraction * samples)
    if not LEAST <= held_out < samples:
        raise ValueError(
            f"{owner}: validation_fraction: expected a share that holds out at least {LEAST} samples for "
            f"early_stopping and leaves some to train on, got {fraction} of {samples} samples, which is {held_out}"
        )
    if labels is not None:
        _, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2 or len(counts) > min(held_out, samples - held_out):
            labels = None
    order = np.arange(samples)
    training, validation = train_test_split(order, test_size=fraction, random_state=random_state, stratify=labels)
    return training, validation
