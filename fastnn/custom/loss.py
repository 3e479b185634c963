"""Losses of one's own: a function of an output and its target."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.custom.activation import DIFFERENCE
from fastnn.custom.check import check_derivative
from fastnn.custom.compile import Entry, require_numba
from fastnn.custom.definition import Definition, checked_name, joined
from fastnn.custom.dual import NoDerivativeError, dual, warn_of_differences
from fastnn.custom.function import Function, check_places, parameters, refuse
from fastnn.custom.source import Source, read
from fastnn.kernels import custom
from fastnn.losses.custom import CustomLoss

_LOOPS = """def forward(x, targets, losses, slopes, count):
    wide_vectors()
    xs, ts = carray(x, count), carray(targets, count)
    values, derivatives = carray(losses, count), carray(slopes, count)
    for i in range(count):
        value_and_slope = both(xs[i], ts[i])
        values[i] = value_and_slope[0]
        derivatives[i] = value_and_slope[1]
"""
_ENTRIES = (Entry("forward", "rrrrn"),)
_OUTPUTS = np.linspace(-3.0, 3.0, 25)
_TARGETS = (0.0, 0.3, 1.0, 2.0)
# what outputs and targets are usually called, by their places among the arguments
LOSS_PLACES = {
    0: (
        "out",
        "output",
        "outputs",
        "pred",
        "prediction",
        "predictions",
        "y_pred",
        "y_hat",
        "score",
        "scores",
        "logits",
    ),
    1: ("target", "targets", "true", "y_true", "label", "labels"),
}


def loss(function: Function | None = None, *, derivative: Function | None = None, name: str | None = None) -> Any:
    """Make a loss of a function of an output and its target.

    The loss of a batch is the mean of it over samples and outputs, with the samples' weights. It is compiled by Numba
    at its first use and runs inside the compiled step.

    Parameters
    ----------
    function : callable
        ``f(out, target) -> number``, made with ``def``; what it may do says `activation`.
    derivative : callable, optional
        ``d(out, target)``: the derivative with respect to the output. Default: derived from the function itself.
    name : str, optional
        By which it is known. Default: the function's.

    Returns
    -------
    CustomLoss
        A loss for `Trainer`, `evaluate` and the like.

    Raises
    ------
    ImportError
        If Numba is not installed.
    TypeError, ValueError
        If the function is not one of an output and its target, cannot be compiled, or its derivative is wrong.

    Warns
    -----
    UserWarning
        If the derivative is a central difference, because the function has something without a rule.

    Examples
    --------
    >>> import fastnn, math
    >>> @fastnn.custom.loss
    ... def cauchy(out, target):
    ...     return math.log(1 + (out - target) ** 2)
    >>> cauchy
    <loss cauchy, derivative by dual numbers>
    """
    if function is None:
        return lambda f: loss(f, derivative=derivative, name=name)
    owner = f"loss: {getattr(function, '__name__', function)!s:.80}"
    require_numba(owner)
    given = parameters(owner, function)
    if len(given) != 2:
        refuse(owner, f"expected a function of an output and its target, got one of {len(given)} arguments")
    check_places(owner, [p.name for p in given], LOSS_PLACES)
    value = read(owner, function, "value")
    called = checked_name(owner, "loss", function, name)
    sources, how = _both(owner, value, derivative)
    definition = Definition(called, joined(value, *sources), function.__module__, how)
    both, value_of = definition.plain("both", "value")
    finite = False
    for target in _TARGETS:
        try:
            check_derivative(owner, value_of, lambda x, t: both(x, t)[1], tuple(_OUTPUTS), target)
            finite = True
        except ValueError as error:
            if "finite numbers" not in str(error):
                raise
    if not finite:
        raise ValueError(f"{owner}: expected a function that gives finite numbers, got none at any point")
    return restore(definition)


def _both(owner: str, value: Source, derivative: Function | None) -> tuple[list[Source], str]:
    """What computes the loss and its derivative, and how that was found."""
    if derivative is not None:
        arguments = parameters(f"{owner}: derivative", derivative)
        if len(arguments) != 2:
            refuse(f"{owner}: derivative", "expected a function of an output and its target")
        check_places(f"{owner}: derivative", [p.name for p in arguments], LOSS_PLACES)
        given = read(f"{owner}: derivative", derivative, "slope")
        return [given, Source.of("both", "def both(x, t):\n    return value(x, t), slope(x, t)")], "given"
    try:
        text = "def both(x, t):\n    return value_dual(x, real(1.0), t, real(0.0))"
        return [dual(value), Source.of("both", text)], "dual numbers"
    except NoDerivativeError as error:
        warn_of_differences(owner, error)
        text = DIFFERENCE.format(name="slope", arguments="x, t", x="x", above="x + step, t", below="x - step, t")
        both = "def both(x, t):\n    return value(x, t), slope(x, t)"
        return [Source.of("slope", text), Source.of("both", both)], "central differences"


def restore(definition: Definition) -> CustomLoss:
    """The loss of a definition, which is made known in this process.

    Parameters
    ----------
    definition : Definition
    """
    (both,) = definition.plain("both")

    def compile(dtype: str) -> list[int]:
        return definition.compile(dtype, _LOOPS, _ENTRIES)

    custom.enter(custom.CustomLoss(definition.name, definition.digest, compile, both))
    return CustomLoss(definition.name, definition, (restore, (definition,)))
