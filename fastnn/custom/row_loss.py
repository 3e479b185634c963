"""Losses of one's own that see all outputs of a sample at once."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.custom.check import central_difference
from fastnn.custom.compile import Entry, require_numba
from fastnn.custom.definition import Definition, checked_name
from fastnn.custom.function import Function, check_places, parameters, refuse, tree_of
from fastnn.custom.loss import LOSS_PLACES
from fastnn.kernels import custom
from fastnn.losses.custom import CustomRowLoss

# what the function raises, an index beyond the row among it, makes the loss NaN
_LOOPS = """def backward(x, targets, loss, slopes, count):
    found = nan_
    try:
        found = row(carray(x, count), carray(targets, count), carray(slopes, count))
    except Exception:
        found = nan_
    carray(loss, 1)[0] = found
"""
_ENTRIES = (Entry("backward", "rrdrn"),)
_OUTPUTS, _DRAWS = 4, 5
_TOLERANCE = 1e-5


def row_loss(function: Function | None = None, *, labels: bool = False, name: str | None = None) -> Any:
    """Make a loss of a function of all outputs of a sample, which writes its gradient itself.

    The loss of a batch is the mean over samples, with their weights. It is compiled by Numba at its first use and runs
    inside the compiled step.

    Parameters
    ----------
    function : callable
        ``f(out, target, grad) -> number``, made with ``def``: `out` and `target` are (C,) arrays of the model's dtype,
        and the derivatives with respect to `out` are written into `grad`, (C,). It may use what Numba compiles of
        Python, `math` and `numpy`, and numbers that are defined outside.
    labels : bool
        Whether targets are labels (N,); `target` is then 1 at the label and 0 elsewhere.
    name : str, optional
        By which it is known. Default: the function's.

    Returns
    -------
    CustomRowLoss
        A loss for `Trainer`, `evaluate` and the like.

    Raises
    ------
    ImportError
        If Numba is not installed.
    TypeError, ValueError
        If the function has other arguments, uses something else from outside, or its gradient is wrong.

    Examples
    --------
    >>> import fastnn, numpy as np
    >>> @fastnn.custom.row_loss(labels=True)
    ... def brier(out, target, grad):
    ...     p = np.exp(out - out.max())
    ...     p /= p.sum()
    ...     inner = np.sum((p - target) * p)
    ...     grad[:] = 2 * p * (p - target - inner)
    ...     return np.sum((p - target) ** 2)
    >>> brier
    <loss brier of rows, derivative given>
    """
    if function is None:
        return lambda f: row_loss(f, labels=labels, name=name)
    owner = f"row_loss: {getattr(function, '__name__', function)!s:.80}"
    require_numba(owner)
    given = parameters(owner, function)
    if len(given) != 3:
        refuse(owner, f"expected a function of outputs, target and gradient, got one of {len(given)} arguments")
    check_places(owner, [p.name for p in given], LOSS_PLACES)
    text = _text(owner, function)
    called = checked_name(owner, "loss", function, name)
    definition = Definition(called, text, function.__module__, "given")
    _try(owner, *definition.plain("row"))
    _check(owner, _both(definition))
    return restore(definition, labels)


def _text(owner: str, function: Function) -> str:
    """The function under the name `row`, behind what it uses from outside."""
    found = tree_of(owner, function)
    outside = next((n for n in ast.walk(found) if isinstance(n, ast.Global | ast.Nonlocal)), None)
    if outside is not None:
        refuse(
            owner,
            f"expected a function that changes nothing outside itself, got global {outside.names[0]}",
            outside.lineno,
        )
    found.name, found.decorator_list, found.returns = "row", [], None
    for argument in (*found.args.posonlyargs, *found.args.args):
        argument.annotation = None
    closure = inspect.getclosurevars(function)
    lines = []
    for used, value in sorted({**closure.globals, **closure.nonlocals}.items()):
        if isinstance(value, ModuleType) and value.__name__ in ("math", "numpy"):
            lines.append(f"import {value.__name__} as {used}")
        elif isinstance(value, int | float | np.number):
            lines.append(f"{used} = {value.item() if isinstance(value, np.number) else value!r}")
        else:
            refuse(owner, f"expected math, numpy and numbers from outside, got {used}, a {type(value).__name__}")
    return "\n".join([*lines, "", "", ast.unparse(found)])


def _both(definition: Definition) -> Function:
    (row,) = definition.plain("row")

    def both(out: NDArray[Any], target: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        gradient = np.zeros_like(out)
        try:
            return float(row(out.copy(), target.copy(), gradient)), gradient
        except Exception:  # as in compiled code
            return math.nan, gradient

    return both


def _draws(one_hot: bool) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    rng = np.random.default_rng(0)
    for i in range(_DRAWS):
        out, free = rng.normal(size=_OUTPUTS), rng.uniform(0.1, 1.0, _OUTPUTS)
        yield out, np.eye(_OUTPUTS)[i % _OUTPUTS] if one_hot else free


def _check(owner: str, both: Function) -> None:
    """Refuse a gradient that is wrong both for targets of one 1 and for others."""
    wrong = [text for one_hot in (True, False) if (text := _wrong(both, one_hot)) is not None]
    if len(wrong) == 2:
        raise ValueError(f"{owner}: gradient: {wrong[0]}")


def _try(owner: str, row: Function) -> None:
    """Refuse a function that fails for an ordinary row, returns no number, or writes into what it is given."""
    for out, target in _draws(one_hot=True):
        given = out.copy(), target.copy()
        try:
            result = row(*given, np.zeros_like(out))
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"{owner}: it raises {type(error).__name__} for {_OUTPUTS} outputs: {reason:.160}"
            ) from error
        if not isinstance(result, int | float | np.number):
            raise ValueError(f"{owner}: expected a function that returns a number, got {result!r:.80}")
        for name, before, after in zip(("out", "target"), (out, target), given, strict=True):
            if not np.array_equal(before, after):
                raise ValueError(
                    f"{owner}: expected a function that writes into its gradient alone, got one that changes {name}"
                )


def _wrong(both: Function, one_hot: bool) -> str | None:
    for out, target in _draws(one_hot):
        _, gradient = both(out, target)
        for j in range(_OUTPUTS):

            def along(value: float, j: int = j, out: NDArray[Any] = out, target: NDArray[Any] = target) -> float:
                moved = out.copy()
                moved[j] = value
                return float(both(moved, target)[0])

            difference = central_difference(along, float(out[j]))
            if not abs(gradient[j] - difference) <= _TOLERANCE * max(1.0, abs(difference)):
                place = ", ".join(f"{v:.3g}" for v in out)
                return f"expected {difference:.6g} for output {j} at ({place}), got {gradient[j]:.6g}"
    return None


def restore(definition: Definition, labels: bool) -> CustomRowLoss:
    """The loss of a definition, which is made known in this process.

    Parameters
    ----------
    definition : Definition
    labels : bool
    """

    def compile(dtype: str) -> list[int]:
        return [0, *definition.compile(dtype, _LOOPS, _ENTRIES, bounded=True)]

    custom.enter(custom.CustomLoss(definition.name, definition.digest, compile, _both(definition), rows=True))
    return CustomRowLoss(definition.name, labels, definition, (restore, (definition, labels)))
