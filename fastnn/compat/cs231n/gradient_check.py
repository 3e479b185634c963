"""Numerical gradients. As in the hand-out, `f` sees the array `x` itself, changed in place for each difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.compat.cs231n.arrays import Array

__all__ = ["eval_numerical_gradient", "eval_numerical_gradient_array", "grad_check_sparse", "rel_error"]


def rel_error(x: Any, y: Any) -> float:
    """The notebooks' measure: the largest |x - y| / max(1e-8, |x| + |y|)."""
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)), initial=0.0))


def _difference(f: Callable[[Array], Any], x: Array, place: tuple[int, ...], h: float) -> Any:
    """(f(x + h at place) - f(x - h at place)) / 2h; x is as before afterwards, also where f fails."""
    old = x[place]
    try:
        x[place] = old + h
        after = np.array(f(x), copy=True)
        x[place] = old - h
        before = np.array(f(x), copy=True)
    finally:
        x[place] = old
    return (after - before) / (2 * h)


def eval_numerical_gradient(f: Callable[[Array], Any], x: Array, verbose: bool = True, h: float = 1e-5) -> Array:
    """Gradient at x of f(x), a number, by central differences; `verbose` prints each."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        gradient[place] = _difference(f, x, place, h)
        if verbose:
            print(place, gradient[place])
    return gradient


def eval_numerical_gradient_array(f: Callable[[Array], Any], x: Array, df: Array, h: float = 1e-5) -> Array:
    """Gradient at x of sum(f(x) · df), f(x) an array, by central differences."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        gradient[place] = np.sum(_difference(f, x, place, h) * df)
    return gradient


def grad_check_sparse(
    f: Callable[[Array], Any], x: Array, analytic_grad: Array, num_checks: int = 10, h: float = 1e-5
) -> None:
    """Print numerical and analytic gradient, and their relative error, at `num_checks` random places."""
    for _ in range(num_checks):
        place = tuple(np.random.randint(m) for m in x.shape)
        numerical, analytic = _difference(f, x, place, h), analytic_grad[place]
        error = abs(numerical - analytic) / (abs(numerical) + abs(analytic)) if numerical != analytic else 0.0
        print(f"numerical: {numerical:f} analytic: {analytic:f}, relative error: {error:e}")
