"""Layers of one's own that learn numbers: a function of an input and of numbers of its channel becomes a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.checks import number
from fastnn.custom.activation import DIFFERENCE
from fastnn.custom.check import check_derivative
from fastnn.custom.compile import Entry, require_numba
from fastnn.custom.definition import Definition, checked_name, joined
from fastnn.custom.dual import NoDerivativeError, dual, warn_of_differences
from fastnn.custom.function import Function, parameters, refuse
from fastnn.custom.source import Source, read
from fastnn.kernels import custom
from fastnn.layers.custom_elementwise import RESERVED, LayerMaker

_MOST = 3
_NUMBERS = ("w", "w2", "w3")
_ENTRIES = (Entry("forward", "rrrrrnn"), Entry("backward", "rrrrrrrrrnn"))
# `along` says that each element has numbers of its own; otherwise the first ones are those of all
_LOOPS = """def forward(x, w, w2, w3, out, count, along):
    wide_vectors()
    xs, outs = carray(x, count), carray(out, count)
    if along:
{arrays}        for i in range(count):
            outs[i] = value(xs[i], {each})
    else:
{shared}        for i in range(count):
            outs[i] = value(xs[i], {all})


def backward(dout, x, w, w2, w3, dx, dw, dw2, dw3, count, along):
    wide_vectors()
    douts, xs, dxs = carray(dout, count), carray(x, count), carray(dx, count)
{gradients}    if along:
{arrays}        for i in range(count):
            found = slopes(xs[i], {each})
            dxs[i] = douts[i] * found[0]
{store}    else:
{shared}        for i in range(count):
            found = slopes(xs[i], {all})
            dxs[i] = douts[i] * found[0]
{store}"""
_INPUTS = (-3.0, -1.1, -0.4, 0.3, 0.9, 2.7)  # at which the derivatives by the learned numbers are tried
_AROUND = np.linspace(-1.0, 1.0, 11)


def elementwise_layer(
    function: Function | None = None,
    *,
    derivative: Function | None = None,
    name: str | None = None,
    onnx: Callable[..., str] | None = None,
) -> Any:
    """Make a layer of a function of an input and of up to three numbers that are learned.

    It is compiled by Numba at its first use, recorded and compiled into the training step like the built-in layers.

    Parameters
    ----------
    function : callable
        ``f(x, slope=0.25) -> number``, made with ``def``: the arguments behind the first are learned, and their
        defaults are what they begin with. What it may do says `activation`.
    derivative : callable, optional
        ``d(x, slope) -> (by x, by slope)``: the derivatives with respect to all arguments, in their order. Default:
        derived from the function itself.
    name : str, optional
        By which model files and architecture strings know it, and under which its parameters stand in a model. Default:
        the function's.
    onnx : callable, optional
        ``onnx(graph, x, slope) -> name``: adds the nodes that compute it; the learned numbers are given as the names of
        constants that broadcast to the inputs.

    Returns
    -------
    LayerMaker
        Calling it makes a layer: ``scaled(per_channel=True, slope=0.1)``. With `per_channel`, each channel (of rows:
        each column) learns numbers of its own. Weight decay leaves them alone.

    Raises
    ------
    ImportError
        If Numba is not installed.
    TypeError, ValueError
        If the function has other arguments, cannot be compiled, or a derivative is wrong.

    Warns
    -----
    UserWarning
        If the derivatives are central differences, because the function has something without a rule.

    Examples
    --------
    >>> import fastnn, math
    >>> @fastnn.custom.elementwise_layer
    ... def swish_of_slope(x, beta=1.0):
    ...     return x / (1 + math.exp(-beta * x))
    >>> swish_of_slope
    <layer swish_of_slope of (x, beta=1.0), derivative by dual numbers>
    >>> model = fastnn.Sequential([swish_of_slope(beta=2, per_channel=True)], input_shape=(3,))
    >>> model.parameters
    {'swish_of_slope1.beta': array([2., 2., 2.], dtype=float32)}
    """
    if function is None:
        return lambda f: elementwise_layer(f, derivative=derivative, name=name, onnx=onnx)
    owner = f"elementwise_layer: {getattr(function, '__name__', function)!s:.80}"
    require_numba(owner)
    given = parameters(owner, function)
    learned = [p for p in given[1:] if p.default is not inspect.Parameter.empty]
    if not learned or len(learned) != len(given) - 1 or given[0].default is not inspect.Parameter.empty:
        refuse(owner, "expected a number, and behind it numbers to learn with the values that they begin with")
    if len(learned) > _MOST:
        refuse(owner, f"expected at most {_MOST} numbers to learn, got {len(learned)}")
    names = tuple(p.name for p in learned)
    if taken := RESERVED.intersection(names):
        refuse(owner, f"{min(taken)} is an argument of every such layer; give the learned number another name")
    initial = tuple(number(owner, p.name, p.default) for p in learned)
    value = read(owner, function, "value")
    called = checked_name(owner, "layer", function, name)
    if onnx is not None and not callable(onnx):
        raise TypeError(f"{owner}: onnx: expected a function of a graph and names, got {onnx!r:.80}")
    sources, how = _slopes(owner, value, given, derivative)
    definition = Definition(called, joined(value, *sources), function.__module__, how)
    value_of, slopes_of = definition.plain("value", "slopes")
    kinks = _check(owner, value_of, slopes_of, names, initial)
    whole = Definition(definition.name, definition.text, definition.module, how, kinks)
    return restore(whole, given[0].name, names, initial, onnx)


def _slopes(
    owner: str, value: Source, given: list[inspect.Parameter], derivative: Function | None
) -> tuple[list[Source], str]:
    """What computes all derivatives, and how they were found."""
    arguments = [p.name for p in given]
    listed = ", ".join(arguments)
    if derivative is not None:
        got = parameters(f"{owner}: derivative", derivative)
        if len(got) != len(given):
            refuse(f"{owner}: derivative", f"expected a function of {listed}, got one of {len(got)} arguments")
        return [read(f"{owner}: derivative", derivative, "slopes", len(given))], "given"
    try:
        both = dual(value)
        parts = []
        for one in arguments:
            seeds = ", ".join(f"{a}, real({1.0 if a == one else 0.0})" for a in arguments)
            parts.append(f"value_dual({seeds})[1]")
        text = f"def slopes({listed}):\n    return {', '.join(parts)}"
        return [both, Source.of("slopes", text)], "dual numbers"
    except NoDerivativeError as error:
        warn_of_differences(owner, error)
        sources = []
        for place, one in enumerate(arguments):
            above, below = (", ".join(f"{a} {sign} step" if a == one else a for a in arguments) for sign in "+-")
            text = DIFFERENCE.format(name=f"slope{place}", arguments=listed, x=one, above=above, below=below)
            sources.append(Source.of(f"slope{place}", text))
        parts = [f"slope{place}({listed})" for place in range(len(arguments))]
        text = f"def slopes({listed}):\n    return {', '.join(parts)}"
        return [*sources, Source.of("slopes", text)], "central differences"


def _check(
    owner: str, value: Function, slopes: Function, names: tuple[str, ...], initial: tuple[float, ...]
) -> tuple[float, ...]:
    """Compare all derivatives with differences. Returns the kinks in x, with the numbers of the beginning."""
    kinks = check_derivative(owner, lambda x: value(x, *initial), lambda x: slopes(x, *initial)[0])
    for place, name in enumerate(names):

        def moved(a: Any, x: float, place: int = place) -> list[Any]:
            return [np.float64(x), *initial[:place], a, *initial[place + 1 :]]

        for x in _INPUTS:
            points = tuple(initial[place] + _AROUND * max(1.0, abs(initial[place])))
            finite = [point for point in points if np.isfinite(value(*moved(point, x)))]
            if finite:
                check_derivative(
                    f"{owner}: {name} at x = {x:g}",
                    lambda a, x, moved=moved: value(*moved(a, x)),
                    lambda a, x, moved=moved, place=place: slopes(*moved(a, x))[1 + place],
                    finite,
                    x,
                )
    return kinks


def restore(
    definition: Definition,
    x: str,
    names: tuple[str, ...],
    initial: tuple[float, ...],
    onnx: Callable[..., str] | None = None,
) -> LayerMaker:
    """The layer of a definition, which is made known in this process.

    Parameters
    ----------
    definition : Definition
    x : str
        What the function calls its input.
    names : tuple of str
        Its learned numbers.
    initial : tuple of float
        What they begin with.
    onnx : callable, optional
    """
    value, slopes = definition.plain("value", "slopes")

    def compile(dtype: str) -> list[int]:
        return definition.compile(dtype, _loops(len(names)), _ENTRIES)

    kernel = custom.CustomLayer(
        definition.name, definition.digest, compile, value, slopes, dict(zip(names, initial, strict=True)), onnx
    )
    arguments = ", ".join([x, *(f"{name}={value!r}" for name, value in kernel.learned.items())])
    return LayerMaker(
        custom.enter(kernel), definition, f"({arguments})", (restore, (definition, x, names, initial, onnx))
    )


def _loops(count: int) -> str:
    used = _NUMBERS[:count]
    return _LOOPS.format(
        arrays="".join(f"        {w}s = carray({w}, count)\n" for w in used),
        shared="".join(f"        {w}_all = carray({w}, 1)[0]\n" for w in used),
        each=", ".join(f"{w}s[i]" for w in used),
        all=", ".join(f"{w}_all" for w in used),
        gradients="".join(f"    d{w}s = carray(d{w}, count)\n" for w in used),
        store="".join(f"            d{w}s[i] = douts[i] * found[{i}]\n" for i, w in enumerate(used, 1)),
    )
