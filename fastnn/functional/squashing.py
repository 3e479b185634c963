"""Squashing functions: sigmoid and tanh."""

from numpy.typing import ArrayLike

from fastnn.functional.checks import Array
from fastnn.functional.elementwise import ActivationCache, backward, forward
from fastnn.kernels import Activation


def sigmoid_forward(x: ArrayLike) -> tuple[Array, ActivationCache]:
    """Logistic sigmoid.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.

    Returns
    -------
    out : array like x
        ``1 / (1 + exp(-x))``, without overflow for any x.
    cache : ActivationCache
        For `sigmoid_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.sigmoid_forward(np.array([-2.0, 0.0, 2.0]))
    >>> out.round(3)
    array([0.119, 0.5  , 0.881])
    """
    return forward("sigmoid_forward", Activation.SIGMOID, x)


def sigmoid_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `sigmoid_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `sigmoid_forward`.

    Returns
    -------
    dx : array like x
        ``dout out (1 - out)``.

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `sigmoid_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.sigmoid_forward(np.array([-2.0, 0.0, 2.0]))
    >>> F.sigmoid_backward(np.ones(3), cache).round(3)
    array([0.105, 0.25 , 0.105])
    """
    return backward("sigmoid_backward", Activation.SIGMOID, dout, cache)


def tanh_forward(x: ArrayLike) -> tuple[Array, ActivationCache]:
    """Hyperbolic tangent.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.

    Returns
    -------
    out : array like x
        ``tanh(x)``.
    cache : ActivationCache
        For `tanh_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.tanh_forward(np.array([-2.0, 0.0, 2.0]))
    >>> out.round(3)
    array([-0.964,  0.   ,  0.964])
    """
    return forward("tanh_forward", Activation.TANH, x)


def tanh_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `tanh_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `tanh_forward`.

    Returns
    -------
    dx : array like x
        ``dout (1 - out²)``.

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `tanh_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.tanh_forward(np.array([-2.0, 0.0, 2.0]))
    >>> F.tanh_backward(np.ones(3), cache).round(3)
    array([0.071, 1.   , 0.071])
    """
    return backward("tanh_backward", Activation.TANH, dout, cache)
