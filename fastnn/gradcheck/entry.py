"""One function for all checks, which chooses the check by its argument."""

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
        What to check, by :func:`check_function`, :func:`check_layer`, :func:`check_model` or :func:`check_loss`.
    *args, **options
        Passed on: for a function the arguments of ``forward``, for a layer its ``input_shape``, for a model ``X`` and
        ``y`` or nothing, for a loss ``x`` and its further arguments.

    Returns
    -------
    GradCheckResult
        True if the gradients agree; it prints as a table.

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
    """Return whichever of the four functions suits `obj`."""
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
