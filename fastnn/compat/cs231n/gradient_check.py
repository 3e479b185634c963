"""Numerical gradients. As in the hand-out, `f` gets the array `x` itself, which is changed for each difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.compat.cs231n.arrays import Array

__all__ = [
    "eval_numerical_gradient",
    "eval_numerical_gradient_array",
    "eval_numerical_gradient_blobs",
    "eval_numerical_gradient_net",
    "grad_check_sparse",
    "rel_error",
]


def rel_error(x: Any, y: Any) -> float:
    """The relative error of the notebooks, which is the largest |x - y| / max(1e-8, |x| + |y|)."""
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)), initial=0.0))


def _difference(f: Callable[[Array], Any], x: Array, index: tuple[int, ...], h: float) -> Any:
    """Return (f(x + h) - f(x - h)) / 2h for a step at one index; x is restored afterwards, even if f fails."""
    old = x[index]
    try:
        x[index] = old + h
        after = np.array(f(x), copy=True)
        x[index] = old - h
        before = np.array(f(x), copy=True)
    finally:
        x[index] = old
    return (after - before) / (2 * h)


def eval_numerical_gradient(f: Callable[[Array], Any], x: Array, verbose: bool = True, h: float = 1e-5) -> Array:
    """Return the gradient at x of a number f(x) by central differences; `verbose` prints each."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        gradient[index] = _difference(f, x, index, h)
        if verbose:
            print(index, gradient[index])
    return gradient


def eval_numerical_gradient_array(f: Callable[[Array], Any], x: Array, df: Array, h: float = 1e-5) -> Array:
    """Return the gradient at x of sum(f(x) · df) for an array f(x), by central differences."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        gradient[index] = np.sum(_difference(f, x, index, h) * df)
    return gradient


def eval_numerical_gradient_blobs(
    f: Callable[..., object], inputs: Sequence[Any], output: Any, h: float = 1e-5
) -> list[Array]:
    """Return the gradients of sum(output.vals · output.diffs) for each of the inputs, by central differences.

    Inputs and output are objects with arrays `vals` and `diffs`; ``f(*inputs, output)`` writes ``output.vals``.
    """

    def values(_: Array) -> Array:
        f(*inputs, output)
        return np.asarray(output.vals)

    return [eval_numerical_gradient_array(values, blob.vals, output.diffs, h) for blob in inputs]


def eval_numerical_gradient_net(net: Any, inputs: Sequence[Any], output: Any, h: float = 1e-5) -> list[Array]:
    """Return the gradients of `eval_numerical_gradient_blobs` for ``net.forward()``, which reads `inputs`."""
    return eval_numerical_gradient_blobs(lambda *_: net.forward(), inputs, output, h)


def grad_check_sparse(
    f: Callable[[Array], Any], x: Array, analytic_grad: Array, num_checks: int = 10, h: float = 1e-5
) -> None:
    """Print the numerical and the analytic gradient and their relative error at `num_checks` random indices."""
    for _ in range(num_checks):
        index = tuple(np.random.randint(m) for m in x.shape)
        numerical, analytic = _difference(f, x, index, h), analytic_grad[index]
        error = abs(numerical - analytic) / (abs(numerical) + abs(analytic)) if numerical != analytic else 0.0
        print(f"numerical: {numerical:f} analytic: {analytic:f}, relative error: {error:e}")
