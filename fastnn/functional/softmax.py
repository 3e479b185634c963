"""Softmax, softmin and log-softmax along the last axis."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.functional.checks import Array, output_gradient, real_array, refuse_cache, rows


class SoftmaxCache(NamedTuple):
    """What the backward function needs; its contents are private."""

    origin: str
    out: Array


def softmax_forward(x: ArrayLike) -> tuple[Array, SoftmaxCache]:
    """Softmax along the last axis.

    Parameters
    ----------
    x : (..., C) array, float32 or float64
        Scores; C >= 1.

    Returns
    -------
    out : array like x
        ``exp(x) / Σ exp(x)``; each row is positive and sums to 1.
    cache : SoftmaxCache
        For `softmax_backward`; it refers to ``out``.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If x has no last axis, or an empty one.

    Notes
    -----
    The maximum of the row is subtracted first, so that nothing overflows. A row that contains NaN or +inf, or only
    -inf, gives NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.softmax_forward(np.log([[1.0, 3.0]]))
    >>> out.round(12)
    array([[0.25, 0.75]])
    >>> F.softmax_backward(np.array([[1.0, 0.0]]), cache)
    array([[ 0.1875, -0.1875]])
    """
    return _forward("softmax_forward", x, 1.0)


def softmax_backward(dout: ArrayLike, cache: SoftmaxCache) -> Array:
    """Gradient of `softmax_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : SoftmaxCache
        From `softmax_forward`.

    Returns
    -------
    dx : array like x
        ``out (dout - Σ dout out)``.

    Raises
    ------
    TypeError
        If the dtype differs, or cache does not come from `softmax_forward`.
    ValueError
        If the shape differs.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.softmax_forward(np.zeros((1, 2)))
    >>> F.softmax_backward(np.array([[1.0, 0.0]]), cache)
    array([[ 0.25, -0.25]])
    """
    return _backward("softmax_backward", dout, cache, 1.0)


def softmin_forward(x: ArrayLike) -> tuple[Array, SoftmaxCache]:
    """Softmin along the last axis: the softmax of ``-x``.

    Parameters
    ----------
    x : (..., C) array, float32 or float64
        Scores; C >= 1.

    Returns
    -------
    out : array like x
        ``exp(-x) / Σ exp(-x)``.
    cache : SoftmaxCache
        For `softmin_backward`; it refers to ``out``.

    Raises
    ------
    TypeError, ValueError
        As for `softmax_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.softmin_forward(np.log([[1.0, 3.0]]))
    >>> out.round(12)
    array([[0.75, 0.25]])
    """
    return _forward("softmin_forward", x, -1.0)


def softmin_backward(dout: ArrayLike, cache: SoftmaxCache) -> Array:
    """Gradient of `softmin_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : SoftmaxCache
        From `softmin_forward`.

    Returns
    -------
    dx : array like x
        ``-out (dout - Σ dout out)``.

    Raises
    ------
    TypeError, ValueError
        As for `softmax_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.softmin_forward(np.zeros((1, 2)))
    >>> F.softmin_backward(np.array([[1.0, 0.0]]), cache)
    array([[-0.25,  0.25]])
    """
    return _backward("softmin_backward", dout, cache, -1.0)


def log_softmax(x: ArrayLike) -> Array:
    """Logarithm of the softmax along the last axis.

    Parameters
    ----------
    x : (..., C) array, float32 or float64
        Scores; C >= 1.

    Returns
    -------
    array like x
        ``x - log Σ exp(x)``, in nats. It is finite also if the softmax itself is too small for a float.

    Raises
    ------
    TypeError, ValueError
        As for `softmax_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    return _log_softmax("log_softmax", x)


def log_softmax_forward(x: ArrayLike) -> tuple[Array, SoftmaxCache]:
    """`log_softmax` with a cache for `log_softmax_backward`.

    Parameters
    ----------
    x : (..., C) array, float32 or float64
        Scores; C >= 1.

    Returns
    -------
    out : array like x
        ``x - log Σ exp(x)``, in nats.
    cache : SoftmaxCache
        For `log_softmax_backward`; it refers to ``out``.

    Raises
    ------
    TypeError, ValueError
        As for `softmax_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.log_softmax_forward(np.zeros((1, 2)))
    >>> F.log_softmax_backward(np.array([[1.0, 0.0]]), cache)
    array([[ 0.5, -0.5]])
    """
    out = _log_softmax("log_softmax_forward", x)
    return out, SoftmaxCache("log_softmax_forward", out)


def log_softmax_backward(dout: ArrayLike, cache: SoftmaxCache) -> Array:
    """Gradient of `log_softmax_forward`.

    Parameters
    ----------
    dout : array of the shape and dtype of the output
        Gradient with respect to the output.
    cache : SoftmaxCache
        From `log_softmax_forward`.

    Returns
    -------
    dx : array like x
        ``dout - exp(out) Σ dout``.

    Raises
    ------
    TypeError, ValueError
        As for `softmax_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.log_softmax_forward(np.zeros((1, 4)))
    >>> F.log_softmax_backward(np.array([[0.0, 0.0, 0.0, 4.0]]), cache).round(12)
    array([[-1., -1., -1.,  3.]])
    """
    gradient, out = _checked("log_softmax_backward", dout, cache)
    dx = np.empty_like(out)
    kernels.get("log_softmax_backward")(gradient, out, dx)
    return dx.reshape(cache.out.shape)


def _forward(name: str, x: ArrayLike, sign: float) -> tuple[Array, SoftmaxCache]:
    values = real_array(name, "x", x)
    matrix = rows(name, "x", values)
    out = np.empty_like(matrix)
    kernels.get("softmax_forward")(matrix, out, sign)
    out = out.reshape(values.shape)
    return out, SoftmaxCache(name, out)


def _log_softmax(name: str, x: ArrayLike) -> Array:
    values = real_array(name, "x", x)
    matrix = rows(name, "x", values)
    out = np.empty_like(matrix)
    kernels.get("log_softmax_forward")(matrix, out)
    return out.reshape(values.shape)


def _backward(name: str, dout: ArrayLike, cache: SoftmaxCache, sign: float) -> Array:
    gradient, out = _checked(name, dout, cache)
    dx = np.empty_like(out)
    kernels.get("softmax_backward")(gradient, out, dx, sign)
    return dx.reshape(cache.out.shape)


def _checked(name: str, dout: ArrayLike, cache: SoftmaxCache) -> tuple[Array, Array]:
    """``dout`` and the output, checked, as matrices."""
    forward = name.replace("_backward", "_forward")
    if not isinstance(cache, SoftmaxCache) or cache.origin != forward:
        refuse_cache(name, forward, cache)
    gradient = output_gradient(name, dout, cache.out, cache.out)
    return rows(name, "dout", gradient), rows(name, "out", cache.out)
