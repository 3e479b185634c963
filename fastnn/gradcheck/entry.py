"""One name for all checks: what is handed in says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.gradcheck.checks import check_function, check_layer, check_loss, check_model
from fastnn.gradcheck.result import GradCheckResult
from fastnn.layers import Layer
from fastnn.model import Sequential


def gradcheck(obj: Any, *args: Any, **options: Any) -> GradCheckResult:
    """Check the gradient of a function, a layer or a model.

    Parameters
    ----------
    obj : (forward, backward), Layer, model or loss function
        What to check: :func:`check_function`, :func:`check_layer`, :func:`check_model` or
        :func:`check_loss` does it.
    *args, **options
        Handed on: the arguments of ``forward``; the layer's ``input_shape``; ``X`` and ``y``, or
        nothing, for a model; ``x`` and the rest for a loss.

    Returns
    -------
    GradCheckResult
        True when the gradients agree; a table when printed.

    Raises
    ------
    TypeError
        If `obj` is none of these.

    Examples
    --------
    >>> from fastnn import functional as F
    >>> from fastnn.gradcheck import gradcheck
    >>> from fastnn.layers import Tanh
    >>> import numpy as np
    >>> bool(gradcheck((F.tanh_forward, F.tanh_backward), np.array([[0.5, -1.0]])))
    True
    >>> bool(gradcheck(Tanh(), (3,)))
    True
    """
    check: Callable[..., GradCheckResult] = dispatch(
        "gradcheck", obj, check_function, check_layer, check_model, check_loss
    )
    return check(*(obj if isinstance(obj, tuple | list) else (obj,)), *args, **options)


def dispatch(function: str, obj: Any, pair: Any, layer: Any, model: Any, loss: Any) -> Any:
    """Return the one of the four that suits `obj`."""
    if isinstance(obj, tuple | list) and len(obj) == 2 and all(map(callable, obj)):
        return pair
    if isinstance(obj, Layer):
        return layer
    if isinstance(obj, Sequential):
        return model
    if callable(obj):
        return loss
    raise TypeError(
        f"{function}: expected a pair (forward, backward), a layer, a Sequential or a loss function, "
        f"got {type(obj).__name__}"
    )
