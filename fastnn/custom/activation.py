"""Activations of one's own: a function of one number becomes a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.caller import warn_caller
from fastnn.custom.check import GRID, check_derivative
from fastnn.custom.compile import Entry, require_numba
from fastnn.custom.definition import Definition, checked_name, joined
from fastnn.custom.dual import NoDerivativeError, dual, warn_of_differences
from fastnn.custom.function import Function, parameters, refuse
from fastnn.custom.source import Source, read
from fastnn.kernels import custom
from fastnn.layers.custom import ActivationMaker

_LOOPS = """def forward(x, out, count):
    wide_vectors()
    xs, outs = carray(x, count), carray(out, count)
    for i in range(count):
        outs[i] = value(xs[i])


def backward(dout, saved, dx, count):
    wide_vectors()
    douts, saveds, dxs = carray(dout, count), carray(saved, count), carray(dx, count)
    for i in range(count):
        dxs[i] = douts[i] * slope(saveds[i])
"""
_ENTRIES = (Entry("forward", "rrn"), Entry("backward", "rrrn"))
DIFFERENCE = """def {name}({arguments}):
    step = real(step_) * maximum(real(1.0), fabs({x}))
    return (value({above}) - value({below})) / (step + step)"""


def activation(
    function: Function | None = None,
    *,
    derivative: Function | None = None,
    name: str | None = None,
    onnx: Callable[[Any, str], str] | None = None,
) -> Any:
    """Make an activation of a function of one number.

    It is compiled by Numba at its first use and runs inside the compiled step wherever the built-in activations do.

    Parameters
    ----------
    function : callable
        ``f(x) -> number``, made with ``def``: arithmetic, comparisons, ``if``, loops over ``range``, functions of
        `math` and `numpy`, numbers and functions defined outside. It may not change anything.
    derivative : callable, optional
        ``d(x)``, ``d(x, out)``, or ``d(out)`` where the output is enough: the name ``out`` says so. An activation whose
        derivative takes the output is fused into the layer before it. Default: derived from the function itself.
    name : str, optional
        By which model files and architecture strings know it. Default: the function's.
    onnx : callable, optional
        ``onnx(graph, x) -> name``: adds the nodes that compute it, with ``graph.node(operator, x)`` and
        ``graph.constant(name, array)``.

    Returns
    -------
    ActivationMaker
        Calling it makes a layer. The estimators take it as `activation`, architecture strings know its name.

    Raises
    ------
    ImportError
        If Numba is not installed.
    TypeError, ValueError
        If the function is not one of a single number, cannot be compiled, or its derivative is wrong.

    Warns
    -----
    UserWarning
        If the derivative is a central difference, because the function has something without a rule, or if it is 0
        everywhere.

    Notes
    -----
    The derivative is found by forward-mode differentiation (Griewank & Walther, "Evaluating derivatives", 2008,
    chapter 3) and compared with central differences at some hundred points; kinks are in the attribute `kinks`. An
    exception that the function raises makes its output NaN.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.activation
    ... def cubed(x):
    ...     return x * x * x if abs(x) < 1 else x
    >>> cubed
    <activation cubed, derivative by dual numbers, kinks at -1.0, 1.0>
    """
    if function is None:
        return lambda f: activation(f, derivative=derivative, name=name, onnx=onnx)
    owner = f"activation: {getattr(function, '__name__', function)!s:.80}"
    require_numba(owner)
    if onnx is not None and not callable(onnx):
        raise TypeError(f"{owner}: onnx: expected a function of a graph and a name, got {onnx!r:.80}")
    given = parameters(owner, function)
    if len(given) != 1:
        refuse(owner, f"expected a function of one number, got one of {len(given)} arguments")
    value = read(owner, function, "value")
    called = checked_name(owner, "activation", function, name)
    slope, how, from_output = _slope(owner, value, derivative)
    definition = Definition(called, joined(value, *slope), function.__module__, how)
    value_of, slope_of = definition.plain("value", "slope")
    of_input: Function = (lambda x: slope_of(value_of(x))) if from_output else slope_of
    kinks = check_derivative(owner, value_of, of_input)
    if not any(of_input(np.float64(x)) for x in GRID):
        warn_caller(
            f"{owner}: its derivative is 0 at every point that was tried, so that layers before it learn nothing"
        )
    whole = Definition(definition.name, definition.text, definition.module, how, kinks)
    return restore(whole, from_output, onnx)


def _slope(owner: str, value: Source, derivative: Function | None) -> tuple[list[Source], str, bool]:
    """What computes the derivative, how it was found, and whether it takes the output."""
    if derivative is None:
        try:
            both = dual(value)
            text = "def slope(x):\n    return value_dual(x, real(1.0))[1]"
            return [both, Source.of("slope", text)], "dual numbers", False
        except NoDerivativeError as error:
            warn_of_differences(owner, error)
            text = DIFFERENCE.format(name="slope", arguments="x", x="x", above="x + step", below="x - step")
            return [Source.of("slope", text)], "central differences", False
    names = [p.name for p in parameters(f"{owner}: derivative", derivative)]
    if len(names) == 2 and names[1] == "out":
        given = read(f"{owner}: derivative", derivative, "derivative")
        text = "def slope(x):\n    return derivative(x, value(x))"
        return [given, Source.of("slope", text)], "given", False
    if len(names) != 1:
        refuse(f"{owner}: derivative", f"expected arguments (x), (x, out) or (out), got ({', '.join(names)})")
    return [read(f"{owner}: derivative", derivative, "slope")], "given", names[0] == "out"


def restore(
    definition: Definition, from_output: bool, onnx: Callable[[Any, str], str] | None = None
) -> ActivationMaker:
    """The activation of a definition, which is made known in this process.

    Parameters
    ----------
    definition : Definition
    from_output : bool
    onnx : callable, optional
    """
    function, slope = definition.plain("value", "slope")

    def compile(dtype: str) -> list[int]:
        return definition.compile(dtype, _LOOPS, _ENTRIES)

    kernel = custom.CustomActivation(
        definition.name, definition.digest, compile, function, slope, not from_output, onnx
    )
    return ActivationMaker(custom.enter(kernel), definition, (restore, (definition, from_output, onnx)))
