"""Dropout, whose p is the fraction that is kept or, in early years of the course, the fraction that is dropped."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import choice, number
from fastnn.compat.cs231n.arrays import Array, Cache, Params, common, mode_of
from fastnn.decisions import Decision

__all__ = ["dropout_backward", "dropout_forward", "dropout_means"]

_MEANINGS = ("kept", "dropped")
_OVERRIDE = 'fastnn.compat.cs231n.dropout.dropout_means("dropped")'


class _Reading:
    """How p is read in this process, and whether somebody has been told."""

    means = "kept"
    said = False


def dropout_means(which: str) -> None:
    """Say what the p of `dropout_forward` and the argument `dropout` of `FullyConnectedNet` are.

    Parameters
    ----------
    which : {"kept", "dropped"}
        The fraction of units that is kept, as in the course since 2018 and at first here; or the fraction that is
        dropped, as in 2016 and 2017.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn.compat.cs231n.dropout import dropout_means
    >>> from fastnn.compat.cs231n.layers import dropout_forward
    >>> dropout_means("dropped")
    >>> out, cache = dropout_forward(np.ones((100, 100)), {"mode": "train", "p": 0.1, "seed": 0})
    >>> bool((out == 0).mean() < 0.2)
    True
    >>> dropout_means("kept")
    """
    _Reading.means = choice("dropout_means", "which", which, _MEANINGS)
    _Reading.said = True


def kept(function: str, name: str, p: float) -> float:
    """The fraction that is kept, of a p that has two readings; prints once which one was taken."""
    dropped = _Reading.means == "dropped"
    share = p if type(p) is float and 0 < p < 1 else number(function, name, p, at_least=0, at_most=1)
    if not _Reading.said and share not in (0, 0.5, 1):
        _Reading.said = True
        taken = f"{share:g} is the fraction of units that is kept"
        print(Decision(name, taken, "as in the course since 2018, unlike 2016 and 2017", _OVERRIDE))
    keep = 1 - share if dropped else share
    if keep == 0:
        raise ValueError(f"{function}: {name}: expected units that are left, got {p!r}, of which none is")
    return keep


def dropout_forward(x: ArrayLike, dropout_param: Params) -> tuple[Array, Cache]:
    """Keep each element with probability p and scale it by 1/p; in mode "test" do nothing.

    ``dropout_param`` has "p" (the fraction KEPT, see `dropout_means`), "mode" ("train" or "test") and optionally
    "seed", which seeds NumPy's global generator.
    """
    return masked(x, dropout_param, kept("dropout_forward", "p", dropout_param["p"]))


def masked(x: ArrayLike, dropout_param: Params, keep: float) -> tuple[Array, Cache]:
    """`dropout_forward` with the fraction to keep."""
    (array,) = common(x)
    mode = mode_of("dropout_forward", dropout_param)
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    if mode == "test":
        return array, (dropout_param, None)
    mask = (np.random.random_sample(array.shape) < keep).astype(array.dtype)
    mask *= 1 / keep
    return array * mask, (dropout_param, mask)


def dropout_backward(dout: ArrayLike, cache: Cache) -> Array:
    """Return dout, multiplied by the mask of the forward pass."""
    _, mask = cache
    return np.asarray(dout) if mask is None else dout * mask
