"""Rectifiers: ReLU, leaky ReLU, ELU."""

from numpy.typing import ArrayLike

from fastnn.checks import number
from fastnn.functional.checks import Array
from fastnn.functional.elementwise import ActivationCache, backward, forward
from fastnn.kernels import Activation


def relu_forward(x: ArrayLike) -> tuple[Array, ActivationCache]:
    """Rectified linear unit.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.

    Returns
    -------
    out : array like x
        ``max(x, 0)``; NaN stays NaN.
    cache : ActivationCache
        For `relu_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.relu_forward(np.array([-1.0, 0.0, 2.0]))
    >>> out
    array([0., 0., 2.])
    """
    return forward("relu_forward", Activation.RELU, x)


def relu_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `relu_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `relu_forward`.

    Returns
    -------
    dx : array like x
        dout where x > 0, else 0 (also at x = 0).

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `relu_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.relu_forward(np.array([-1.0, 0.0, 2.0]))
    >>> F.relu_backward(np.ones(3), cache)
    array([0., 0., 1.])
    """
    return backward("relu_backward", Activation.RELU, dout, cache)


def leaky_relu_forward(x: ArrayLike, *, alpha: float = 0.01) -> tuple[Array, ActivationCache]:
    """Leaky rectified linear unit.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.
    alpha : float
        Slope below zero, >= 0.

    Returns
    -------
    out : array like x
        ``x`` where x > 0, else ``alpha x``.
    cache : ActivationCache
        For `leaky_relu_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or alpha is not a number.
    ValueError
        If alpha is not finite and >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.leaky_relu_forward(np.array([-2.0, 0.0, 2.0]), alpha=0.1)
    >>> out
    array([-0.2,  0. ,  2. ])
    """
    name = "leaky_relu_forward"
    return forward(name, Activation.LEAKY_RELU, x, number(name, "alpha", alpha, at_least=0))


def leaky_relu_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `leaky_relu_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `leaky_relu_forward`.

    Returns
    -------
    dx : array like x
        dout where x > 0, else ``alpha dout`` (also at x = 0).

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `leaky_relu_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.leaky_relu_forward(np.array([-2.0, 0.0, 2.0]), alpha=0.1)
    >>> F.leaky_relu_backward(np.ones(3), cache)
    array([0.1, 0.1, 1. ])
    """
    return backward("leaky_relu_backward", Activation.LEAKY_RELU, dout, cache)


def elu_forward(x: ArrayLike, *, alpha: float = 1.0) -> tuple[Array, ActivationCache]:
    """Exponential linear unit.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.
    alpha : float
        Scale below zero, > 0: the limit at -inf is ``-alpha``.

    Returns
    -------
    out : array like x
        ``x`` where x > 0, else ``alpha (exp(x) - 1)``.
    cache : ActivationCache
        For `elu_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or alpha is not a number.
    ValueError
        If alpha is not finite and > 0.

    Notes
    -----
    Clevert, Unterthiner & Hochreiter, Fast and accurate deep network learning by exponential linear units
    (ELUs), 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.elu_forward(np.array([-2.0, 0.0, 2.0]))
    >>> out.round(3)
    array([-0.865,  0.   ,  2.   ])
    """
    name = "elu_forward"
    return forward(name, Activation.ELU, x, number(name, "alpha", alpha, above=0))


def elu_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `elu_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `elu_forward`.

    Returns
    -------
    dx : array like x
        dout where x > 0, else ``dout alpha exp(x)``, taken as ``dout (out + alpha)``.

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `elu_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.elu_forward(np.array([-2.0, 0.0, 2.0]))
    >>> F.elu_backward(np.ones(3), cache).round(3)
    array([0.135, 1.   , 1.   ])
    """
    return backward("elu_backward", Activation.ELU, dout, cache)
