"""The hidden units that promote and inhibit each class."""

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
    """The most frequent promoter and inhibitor of each class, as `useful_units` returns them.

    Attributes
    ----------
    promoters, inhibitors : (C,) int64 array
        Indices of hidden units, -1 for a class without images.
    promoter_shares, inhibitor_shares : (C,) float64 array
        Share of the images of the class for which this unit is the promoter or the inhibitor.
    """

    promoters: NDArray[np.int64]
    inhibitors: NDArray[np.int64]
    promoter_shares: NDArray[np.float64]
    inhibitor_shares: NDArray[np.float64]


def useful_units(activations: ArrayLike, outgoing: ArrayLike, labels: ArrayLike) -> UsefulUnits:
    """Find the hidden unit that promotes each class most often, and the one that inhibits it most often.

    Parameters
    ----------
    activations : (N, K) array_like, real
        Activations of the hidden units for each image.
    outgoing : (K, C) array_like, real
        Weights from the hidden units to the classes.
    labels : (N,) array_like of int
        Class of each image.

    Returns
    -------
    UsefulUnits

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    The promoter of an image of class c is the unit with the largest product of activation and outgoing weight to c,
    its inhibitor the unit with the smallest product. The first of equal units is chosen.

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
    title: str | None = "Units that promote (upper row) and inhibit each class",
) -> Figure:
    """Draw the input weights of each class's promoter above those of its inhibitor.

    Parameters
    ----------
    w : (D, K) array_like, real
        Input weights of the hidden units.
    shape : (H, W) or (3, H, W)
        Shape of the image that a column of `w` forms.
    useful : UsefulUnits
        Result of `useful_units`.
    class_names : sequence of str
    most : int
        The number of classes to draw at most; the first ones that have images are drawn.
    ax : matplotlib Axes, optional
        Axes to draw into, by default those of a new figure.
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
    present = np.flatnonzero(useful.promoters >= 0)[:most]
    if not present.size:
        raise ValueError("promoters: no class has images")
    units = np.concatenate([useful.promoters[present], useful.inhibitors[present]])
    shares = np.concatenate([useful.promoter_shares[present], useful.inhibitor_shares[present]])
    signs = ["for"] * present.size + ["against"] * present.size
    names = [
        f"{sign} {class_names[c]}\nunit {unit} ({share:.0%})"
        for sign, c, unit, share in zip(signs, np.tile(present, 2), units, shares, strict=True)
    ]
    return weight_images(weights[:, units], shape, names=names, columns=int(present.size), ax=ax, title=title)
