"""Update rules of one's own: how a weight and its state follow from its gradient."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from fastnn.checks import number
from fastnn.custom.compile import Entry, require_numba
from fastnn.custom.definition import Definition, checked_name, joined
from fastnn.custom.function import Function, check_places, parameters, refuse
from fastnn.custom.source import read
from fastnn.kernels import custom
from fastnn.optim.custom import RuleMaker

_SLOTS = ("m", "v")
_FIXED = ("weight", "gradient", "rate", "step")
_USUAL = (("g", "grad", "gradient", "dw"), ("rate", "lr", "learning_rate"), ("t", "step"))  # behind weight and state
_MOST_COEFFICIENTS = 3
_GRADIENTS = (-10.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 10.0)  # at which a rule is tried
_ENTRIES = (Entry("forward", "rrrrnd"),)
# what becomes of state below the smallest normal number, which is slow to compute with, is that of the built-in rules
_LOOPS = """def forward(w, m, v, dw, count, numbers):
    wide_vectors()
    ws, gs, n = carray(w, count), carray(dw, count), carray(numbers, 6)
{states}    rate, decay, t = real(n[0]), real(n[1]), real(n[2])
{coefficients}    if decay == real(0.0):
        for i in range(count):
            g = gs[i]
            {results} = value({arguments})
{kept}    else:
        for i in range(count):
            g = fma(decay, ws[i], gs[i])
            {results} = value({arguments})
{kept}"""


def update_rule(function: Function | None = None, *, name: str | None = None) -> Any:
    """Make an optimiser of a function of one weight.

    It is compiled by Numba at its first use. In a compiled step the gradients of dense layers are used up as they are
    made, as with the built-in rules.

    Parameters
    ----------
    function : callable
        ``f(w, g, rate, t) -> new w``, or with one or two state numbers behind w, ``f(w, m, v, g, rate, t) -> (new w,
        new m, new v)``, in this order; made with ``def``. Up to three more arguments with defaults are numbers of
        the rule's own. `g` is the gradient, with the weight decay; `rate` the learning rate; `t` the number of the
        step, counted from 1. What it may do says `activation`.
    name : str, optional
        By which it is known. Default: the function's.

    Returns
    -------
    RuleMaker
        Calling it makes an optimiser: ``rule(learning_rate, weight_decay=0, ...)``. The state begins at 0.

    Raises
    ------
    ImportError
        If Numba is not installed.
    TypeError, ValueError
        If the function has other arguments or results, or cannot be compiled.

    Examples
    --------
    >>> import fastnn
    >>> @fastnn.custom.update_rule
    ... def sign_momentum(w, m, g, rate, t, beta=0.9):
    ...     m = beta * m + (1 - beta) * g
    ...     return w - rate * (1 if m > 0 else -1), m
    >>> sign_momentum(0.001).beta
    0.9
    """
    if function is None:
        return lambda f: update_rule(f, name=name)
    owner = f"update_rule: {getattr(function, '__name__', function)!s:.80}"
    require_numba(owner)
    given = parameters(owner, function)
    plain = [p.name for p in given if p.default is inspect.Parameter.empty]
    own = [p for p in given if p.default is not inspect.Parameter.empty]
    states = len(plain) - len(_FIXED)
    if not 0 <= states <= len(_SLOTS):
        refuse(
            owner,
            f"expected a weight, up to two numbers of state, a gradient, rate and step, got {len(plain)} arguments",
        )
    check_places(owner, plain, {1 + states + at: usual for at, usual in enumerate(_USUAL)})
    if len(own) > _MOST_COEFFICIENTS:
        refuse(owner, f"expected at most {_MOST_COEFFICIENTS} numbers of the rule's own, got {len(own)}")
    defaults = tuple(number(owner, p.name, p.default) for p in own)
    value = read(owner, function, "value", 1 + states)
    called = checked_name(owner, "update rule", function, name)
    definition = Definition(called, joined(value), function.__module__)
    signature = f"({', '.join(p.name for p in given)})"
    (step,) = definition.plain("value")
    _check(owner, step, states, defaults)
    return restore(definition, states, tuple(p.name for p in own), defaults, signature)


def _check(owner: str, step: Function, states: int, defaults: tuple[float, ...]) -> None:
    """Refuse a step that gives no number whatever the gradient is."""
    state = (0.0,) * states
    results = [np.atleast_1d(step(*map(np.float64, (0.5, *state, g, 0.01, 1.0, *defaults)))) for g in _GRADIENTS]
    if not any(np.isfinite(result).all() for result in results):
        raise ValueError(f"{owner}: expected a rule that gives finite numbers, got NaN or infinity for every gradient")


def restore(
    definition: Definition, states: int, coefficients: tuple[str, ...], defaults: tuple[float, ...], signature: str
) -> RuleMaker:
    """The rule of a definition, which is made known in this process.

    Parameters
    ----------
    definition : Definition
    states : int
        How many numbers of state it keeps for each weight.
    coefficients : tuple of str
    defaults : tuple of float
    signature : str
        Its arguments, to be shown.
    """
    slots = _SLOTS[:states]
    (step,) = definition.plain("value")

    def compile(dtype: str) -> list[int]:
        return definition.compile(dtype, _loops(slots, len(coefficients)), _ENTRIES)

    rule = custom.CustomRule(definition.name, definition.digest, compile, step, slots, coefficients, defaults)
    again = (restore, (definition, states, coefficients, defaults, signature))
    return RuleMaker(custom.enter(rule), definition, signature, again)


def _loops(slots: tuple[str, ...], coefficients: int) -> str:
    held = ", ".join(["ws[i]", *(f"{slot}s[i]" for slot in slots)])
    kept = "            {0}s[i] = select(fabs(new_{0}) < smallest_, real(0.0), new_{0})\n"
    names = [f"c{i}" for i in range(coefficients)]
    return _LOOPS.format(
        states="".join(f"    {slot}s = carray({slot}, count)\n" for slot in slots),
        coefficients="".join(f"    {name} = real(n[{3 + i}])\n" for i, name in enumerate(names)),
        results=", ".join(["ws[i]", *(f"new_{slot}" for slot in slots)]),
        kept="".join(kept.format(slot) for slot in slots),
        arguments=", ".join([held, "g", "rate", "t", *names]),
    )
