"""The elementwise activations as pairs of functions, one pair for each entry of `fastnn.kernels.Activation`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.checks import in_words, number
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache
from fastnn.kernels import Activation

_FORWARD = """The activation `{name}`, element by element.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.{alpha}

    Returns
    -------
    out : array like x
        ``{kind.formula}``; NaN stays NaN.
    cache : ActivationCache
        For `{name}_backward`; it refers to {kept}.

    Raises
    ------
    TypeError
        If x is not float32 or float64{not_a_number}.{out_of_range}

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> from fastnn.gradcheck import check_function
    >>> check_function(F.{name}_forward, F.{name}_backward, np.array([-2.0, 0.1, 4.0])).passed
    True
    """
_BACKWARD = """Gradient of `{name}_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `{name}_forward`.

    Returns
    -------
    dx : array like x
        ``{kind.gradient}``.

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `{name}_forward`.
    ValueError
        If dout has another shape than the output.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.{name}_forward(np.ones((2, 3)))
    >>> F.{name}_backward(np.zeros((2, 3)), cache).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """


class ActivationCache(NamedTuple):
    """What the backward function of an activation needs; its contents are private."""

    origin: str
    kind: Activation
    alpha: float
    saved: Array  # the output, or the input if the gradient needs that


def _forward(kind: Activation) -> Callable[..., Any]:
    name, takes = f"{kind.name.lower()}_forward", kind.alpha

    def forward(x: ArrayLike, **options: float) -> tuple[Array, ActivationCache]:
        alpha = options.pop(takes.name, takes.default)
        if options:
            raise TypeError(f"{name}: expected {takes.name or 'no options'}, got {', '.join(options)}")
        if takes.name:
            alpha = number(name, takes.name, alpha, **takes.ends)
        values = real_array(name, "x", x)
        out = np.empty(values.shape, values.dtype)
        kernels.get("activation_forward")(values, out, int(kind), alpha)
        return out, ActivationCache(name, kind, alpha, values if kind.backward_needs_input else out)

    return forward


def _backward(kind: Activation) -> Callable[..., Any]:
    name = f"{kind.name.lower()}_backward"

    def backward(dout: ArrayLike, cache: ActivationCache) -> Array:
        if not isinstance(cache, ActivationCache) or cache.kind is not kind:
            refuse_cache(name, f"{kind.name.lower()}_forward", cache)
        gradient = output_gradient(name, dout, cache.saved, cache.saved)
        dx = np.empty(gradient.shape, gradient.dtype)
        kernels.get("activation_backward")(gradient, cache.saved, dx, int(kind), cache.alpha)
        return dx

    return backward


def _signature(kind: Activation) -> inspect.Signature:
    """The signature of a forward function: x, and the parameter of the activation under its name."""
    x = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation="ArrayLike")
    takes = kind.alpha
    if not takes.name:
        return inspect.Signature([x])
    alpha = inspect.Parameter(takes.name, inspect.Parameter.KEYWORD_ONLY, default=takes.default, annotation="float")
    return inspect.Signature([x, alpha])


def _words(kind: Activation) -> dict[str, Any]:
    """The words that the docstrings of an activation need."""
    takes = kind.alpha
    meaning = f"\n    {takes.name} : float\n        {takes.meaning}; {in_words('a finite number', takes.ends)}."
    return {
        "kind": kind,
        "name": kind.name.lower(),
        "alpha": meaning if takes.name else "",
        "kept": "x" if kind.backward_needs_input else "``out``",
        "not_a_number": f", or {takes.name} is not a number" if takes.name else "",
        "out_of_range": f"\n    ValueError\n        If {takes.name} is out of its range." if takes.name else "",
    }


def _pair(kind: Activation) -> tuple[Callable[..., Any], Callable[..., Any]]:
    forward, backward = _forward(kind), _backward(kind)
    forward.__signature__ = _signature(kind)  # type: ignore[attr-defined]
    for function, text in ((forward, _FORWARD), (backward, _BACKWARD)):
        function.__doc__ = text.format(**_words(kind))
        function.__name__ = function.__qualname__ = f"{kind.name.lower()}_{function.__name__}"
    return forward, backward


PAIRS = {f.__name__: f for kind in Activation if kind is not Activation.IDENTITY for f in _pair(kind)}
globals().update(PAIRS)  # so that they can be pickled, and found by name
