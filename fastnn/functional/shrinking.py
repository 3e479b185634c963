"""Shrinking functions: tanhshrink and softshrink."""

from numpy.typing import ArrayLike

from fastnn.checks import number
from fastnn.functional.checks import Array
from fastnn.functional.elementwise import ActivationCache, backward, forward
from fastnn.kernels import Activation


def tanhshrink_forward(x: ArrayLike) -> tuple[Array, ActivationCache]:
    """What tanh takes away.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.

    Returns
    -------
    out : array like x
        ``x - tanh(x)``.
    cache : ActivationCache
        For `tanhshrink_backward`; it refers to x and ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64.

    Notes
    -----
    Near 0, where the difference would cancel, it is taken as ``x³/3 - 2x⁵/15 + ...``, exact to a few ulp.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.tanhshrink_forward(np.array([-2.0, 0.0, 2.0]))
    >>> out.round(3)
    array([-1.036,  0.   ,  1.036])
    """
    return forward("tanhshrink_forward", Activation.TANHSHRINK, x)


def tanhshrink_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `tanhshrink_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `tanhshrink_forward`.

    Returns
    -------
    dx : array like x
        ``dout tanh(x)²``.

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `tanhshrink_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.tanhshrink_forward(np.array([-2.0, 0.0, 2.0]))
    >>> F.tanhshrink_backward(np.ones(3), cache).round(3)
    array([0.929, 0.   , 0.929])
    """
    return backward("tanhshrink_backward", Activation.TANHSHRINK, dout, cache)


def softshrink_forward(x: ArrayLike, *, lambd: float = 0.5) -> tuple[Array, ActivationCache]:
    """Soft thresholding.

    Parameters
    ----------
    x : array of any shape, float32 or float64
        Input.
    lambd : float
        Threshold, >= 0.

    Returns
    -------
    out : array like x
        ``x - lambd`` where x > lambd, ``x + lambd`` where x < -lambd, else 0.
    cache : ActivationCache
        For `softshrink_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64, or lambd is not a number.
    ValueError
        If lambd is not finite and >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.softshrink_forward(np.array([-2.0, 0.2, 2.0]))
    >>> out
    array([-1.5,  0. ,  1.5])
    """
    name = "softshrink_forward"
    return forward(name, Activation.SOFTSHRINK, x, number(name, "lambd", lambd, at_least=0))


def softshrink_backward(dout: ArrayLike, cache: ActivationCache) -> Array:
    """Gradient of `softshrink_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : ActivationCache
        From `softshrink_forward`.

    Returns
    -------
    dx : array like x
        dout where ``|x| > lambd``, else 0.

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `softshrink_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.softshrink_forward(np.array([-2.0, 0.2, 2.0]))
    >>> F.softshrink_backward(np.ones(3), cache)
    array([1., 0., 1.])
    """
    return backward("softshrink_backward", Activation.SOFTSHRINK, dout, cache)
