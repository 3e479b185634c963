"""The checks of shapes, dtypes and ranges, before any work is done."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checks import number
from fastnn.compat.arguments import Array, floating, real


def matrix(function: str, name: str, value: ArrayLike) -> Array:
    """Return ``value`` as a real array of two dimensions, or raise an error that says what is wrong."""
    a = real(function, name, value)
    if a.ndim != 2 or len(a) == 0:
        raise ValueError(
            f"{function}: {name} must have two dimensions (columns are cases) and at least one row, got shape {a.shape}"
        )
    return a


def inputs(function: str, x: ArrayLike, w: ArrayLike) -> tuple[Array, Array]:
    """Check that the cases and the weights fit together; return them as floating arrays."""
    x_, w_ = matrix(function, "x", x), matrix(function, "w", w)
    if len(x_) != len(w_):
        raise ValueError(
            f"{function}: w has {len(w_)} rows but x has {len(x_)} (x: {x_.shape}, w: {w_.shape}); "
            "columns are cases and the bias is a row of ones in x"
        )
    x_, w_ = floating(x_, w_)
    return x_, w_


def problem(function: str, x: ArrayLike, y: ArrayLike, w: ArrayLike) -> tuple[Array, Array, Array]:
    """Check that cases, targets and weights fit together; return them as arrays."""
    y_ = matrix(function, "y", y)
    x_, w_ = inputs(function, x, w)
    if y_.shape != (w_.shape[1], x_.shape[1]):
        raise ValueError(
            f"{function}: y must have shape {(w_.shape[1], x_.shape[1])} (classes, cases), got {y_.shape} "
            f"(x: {x_.shape}, w: {w_.shape})"
        )
    return x_, y_, w_


def velocity(name: str, init_v: ArrayLike, w: Array) -> Array:
    """Return the initial velocity as an array of the shape of w."""
    v: Array = np.asarray(init_v)
    if v.dtype.kind not in "buif":
        raise TypeError(f"{name}: init_v must be real numbers, got dtype {v.dtype}")
    if v.ndim != 0 and v.shape != w.shape:
        raise ValueError(f"{name}: init_v must be one number or have the shape of w, {w.shape}, got {v.shape}")
    # A single number does not determine the dtype.
    return np.full_like(w, v) if v.ndim == 0 else v


def ranges(name: str, cases: Array, alpha: float, momentum: float) -> None:
    """Check that there are cases, and check the numbers that all kinds of descent have."""
    if cases.shape[1] == 0:
        raise ValueError(f"{name}: x has no cases (columns), got shape {cases.shape}")
    number(name, "alpha (the learning rate)", alpha, at_least=0)  # a sweep of rates may begin with 0
    number(name, "momentum", momentum, at_least=0, below=1)
