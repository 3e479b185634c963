"""The affine function: a matrix product and a bias."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.functional.checks import Array, output_gradient, ready, real_array, refuse_cache


class AffineCache(NamedTuple):
    """What `affine_backward` needs; its contents are private."""

    origin: str
    x: Array  # (N, D)
    w: Array  # (D, M)
    has_bias: bool
    shape: tuple[int, ...]  # the shape of x


def affine_forward(x: ArrayLike, w: ArrayLike, b: ArrayLike | None) -> tuple[Array, AffineCache]:
    """Matrix product of flattened samples with weights, plus a bias.

    Parameters
    ----------
    x : (N, d1, ..., dk) array, float32 or float64
        Samples; each is flattened in C order to D = d1 · ... · dk numbers.
    w : (D, M) array of the dtype of x
        Weights.
    b : (M,) array of the dtype of x, or None
        Bias; None for no bias.

    Returns
    -------
    out : (N, M) array
        ``x w + b``.
    cache : AffineCache
        For `affine_backward`. It refers to x and w themselves if they needed no conversion, so
        do not change them before the backward pass.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, or the dtypes differ.
    ValueError
        If shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]]), np.ones(3)
    >>> out, cache = F.affine_forward(x, w, b)
    >>> out
    array([[2., 3., 9.]])
    >>> dx, dw, db = F.affine_backward(np.ones((1, 3)), cache)
    >>> dx
    array([[3., 4.]])
    """
    name = "affine_forward"
    samples, weights, bias = _arrays(name, x, w, b)
    if samples.ndim < 2:
        raise ValueError(f"{name}: x must have a row for each sample, (N, D) or more axes, got {samples.shape}")
    if weights.ndim != 2 or weights.size == 0:
        raise ValueError(f"{name}: w must be a matrix (D, M), got {weights.shape}")
    features = math.prod(samples.shape[1:])
    if features != weights.shape[0]:
        raise ValueError(
            f"{name}: w has {weights.shape[0]} rows but x has {features} features (x: {samples.shape}, "
            f"w: {weights.shape})"
        )
    if bias is not None and bias.shape != weights.shape[1:]:
        raise ValueError(f"{name}: b must have shape ({weights.shape[1]},), one number a column of w, got {bias.shape}")
    matrix = samples.reshape(len(samples), features)
    out = np.empty((len(samples), weights.shape[1]), samples.dtype)
    kernels.get(name)(matrix, weights, bias, out)
    return out, AffineCache(name, matrix, weights, bias is not None, samples.shape)


def _arrays(name: str, x: ArrayLike, w: ArrayLike, b: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """The arguments as kernels take them, of one dtype."""
    if ready(x, w) if b is None else ready(x, w, b):
        return x, w, b  # type: ignore[return-value]
    samples = real_array(name, "x", x)
    like = ("x", samples)
    return samples, real_array(name, "w", w, like), None if b is None else real_array(name, "b", b, like)


def affine_backward(dout: ArrayLike, cache: AffineCache) -> tuple[Array, Array, Array | None]:
    """Gradients of `affine_forward`.

    Parameters
    ----------
    dout : (N, M) array of the dtype of x
        Gradient with respect to the output.
    cache : AffineCache
        From `affine_forward`.

    Returns
    -------
    dx : (N, d1, ..., dk) array
        ``dout wᵀ``, in the shape of x.
    dw : (D, M) array
        ``xᵀ dout``, a sum over the samples.
    db : (M,) array or None
        Sum of dout over the samples; None if there was no bias.

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `affine_forward`.
    ValueError
        If dout has another shape than the output.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.affine_forward(np.array([[1.0, 2.0]]), np.eye(2), np.zeros(2))
    >>> dx, dw, db = F.affine_backward(np.array([[10.0, 20.0]]), cache)
    >>> dw
    array([[10., 20.],
           [20., 40.]])
    >>> db
    array([10., 20.])
    """
    name = "affine_backward"
    if not isinstance(cache, AffineCache):
        refuse_cache(name, "affine_forward", cache)
    x, w = cache.x, cache.w
    gradient = output_gradient(name, dout, (len(x), w.shape[1]), x)
    dx, dw = np.empty_like(x), np.empty_like(w)
    db = np.empty(w.shape[1], w.dtype) if cache.has_bias else None
    kernels.get("affine_backward_input")(gradient, w, dx, None)
    kernels.get("affine_backward_weight")(x, gradient, dw, db, 0.0)
    return dx.reshape(cache.shape), dw, db
