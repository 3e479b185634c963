"""The hidden units that speak for and against each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.plots.weight_images import weight_images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class UsefulUnits:
    """The most frequent promoter and inhibitor of each class.

    Attributes
    ----------
    promoters, inhibitors : (C,) int64 array
        Hidden units; -1 for a class without images.
    promoter_shares, inhibitor_shares : (C,) float64 array
        The share of the class's images for which it is that unit.
    """

    promoters: NDArray[np.int64]
    inhibitors: NDArray[np.int64]
    promoter_shares: NDArray[np.float64]
    inhibitor_shares: NDArray[np.float64]


def useful_units(activations: ArrayLike, outgoing: ArrayLike, labels: ArrayLike) -> UsefulUnits:
    """Find the units that speak most for and against each class.

    Parameters
    ----------
    activations : (N, K) array_like
        Of the hidden units, by image.
    outgoing : (K, C) array_like
        Weights from the hidden units to the classes.
    labels : (N,) array_like of int

    Returns
    -------
    UsefulUnits

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    For each image of class c: the unit with the largest activation × outgoing weight to c is its promoter, the one
    with the smallest its inhibitor. Ties go to the first unit.

    Examples
    --------
    >>> from fastnn.plots import useful_units
    >>> found = useful_units([[1.0, 0.5], [0.2, 0.9]], [[2.0, -1.0], [0.0, 3.0]], [0, 1])
    >>> found.promoters.tolist(), found.inhibitors.tolist()
    ([0, 1], [1, 0])
    """
    a, w, y = np.asarray(activations, np.float64), np.asarray(outgoing, np.float64), np.asarray(labels)
    if a.ndim != 2 or w.ndim != 2 or a.shape[1] != w.shape[0] or y.shape != a.shape[:1]:
        raise ValueError(
            f"useful_units: expected activations (N, K), outgoing (K, C), labels (N,), got {a.shape}, {w.shape}, "
            f"{y.shape}"
        )
    classes = w.shape[1]
    units = np.full((2, classes), -1, np.int64)
    shares = np.zeros((2, classes))
    for c in range(classes):
        terms = a[y == c] * w[:, c]
        for row, chosen in enumerate((terms.argmax(axis=1), terms.argmin(axis=1)) if len(terms) else ()):
            counts = np.bincount(chosen, minlength=a.shape[1])
            units[row, c] = counts.argmax()
            shares[row, c] = counts.max() / len(terms)
    return UsefulUnits(units[0], units[1], shares[0], shares[1])


def promoters(
    w: ArrayLike,
    shape: Sequence[int],
    useful: UsefulUnits,
    class_names: Sequence[str],
    *,
    most: int = 6,
    ax: Axes | None = None,
    title: str | None = "Units that speak for (upper row) and against each class",
) -> Figure:
    """Draw the input weights of each class's promoter above those of its inhibitor.

    Parameters
    ----------
    w : (D, K) array_like
        Input weights of the hidden units.
    shape : (H, W) or (3, H, W)
        What a column of `w` is.
    useful : UsefulUnits
    class_names : sequence of str
    most : int
        Classes shown at most, the first ones that have images.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.
    title : str or None

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If no class has images, or the shapes do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.plots import promoters, useful_units
    >>> useful = useful_units(np.eye(4), np.eye(4, 2), [0, 1, 1, 0])
    >>> len(promoters(np.eye(16, 4), (4, 4), useful, ["a", "b"]).axes[0].texts)
    4
    """
    weights = np.asarray(w)
    there = np.flatnonzero(useful.promoters >= 0)[:most]
    if not there.size:
        raise ValueError("promoters: no class has images")
    units = np.concatenate([useful.promoters[there], useful.inhibitors[there]])
    shares = np.concatenate([useful.promoter_shares[there], useful.inhibitor_shares[there]])
    signs = ["for"] * there.size + ["against"] * there.size
    names = [
        f"{sign} {class_names[c]}\nunit {unit} ({share:.0%})"
        for sign, c, unit, share in zip(signs, np.tile(there, 2), units, shares, strict=True)
    ]
    return weight_images(weights[:, units], shape, names=names, columns=int(there.size), ax=ax, title=title)
