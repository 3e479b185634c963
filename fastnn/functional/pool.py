"""Pooling: the largest cell or the mean of each window of an image, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastnn import kernels
from fastnn.checks import flag
from fastnn.functional.checks import Array, output_gradient, pair, real_array, refuse_cache
from fastnn.functional.window import Pad, Window, window

_MOST_IN_A_BYTE = 255


class PoolCache(NamedTuple):
    """What the backward function of a pool needs; its contents are private."""

    origin: str
    scalars: tuple[int, ...]
    argmax: Array | None  # the number of the largest cell of each window
    shape: tuple[int, ...]  # the shape of x
    out: tuple[int, ...]
    like: Array  # an empty array of the dtype of x


def pool_window(
    function: str,
    image: tuple[int, int],
    size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    pad: Pad,
) -> Window:
    """The window of a pool; without a stride, windows stand side by side.

    Raises
    ------
    TypeError, ValueError
        As for `fastnn.functional.window.window`, and also if a window could lie outside the image.
    """
    taps = pair(function, "size", size, at_least=1)
    found = window(function, image, taps, stride=taps if stride is None else stride, pad=pad)
    for i in (0, 1):
        last = (found.count[i] - 1) * found.stride[i] - found.before[i]
        if found.before[i] >= taps[i] or last >= image[i]:
            raise ValueError(f"{function}: pad must be less than size {taps}, or windows would be empty, got {pad}")
    return found


def pool_scalars(found: Window) -> tuple[int, ...]:
    """Size, stride and padding, in the order of the kernels' arguments."""
    return (*found.size, *found.stride, *found.before)


def argmax_dtype(found: Window) -> DTypeLike:
    """The dtype that can hold the numbers of a window's cells."""
    return np.uint8 if found.size[0] * found.size[1] <= _MOST_IN_A_BYTE else np.int32


def _image(name: str, x: ArrayLike) -> Array:
    array = real_array(name, "x", x)
    if array.ndim != 4 or 0 in array.shape[1:]:
        raise ValueError(f"{name}: x must be images (N, C, H, W), got {array.shape}")
    return array


def max_pool_forward(
    x: ArrayLike, *, size: int | Sequence[int], stride: int | Sequence[int] | None = None, pad: Pad = 0
) -> tuple[Array, PoolCache]:
    """The largest cell of each window.

    Parameters
    ----------
    x : (N, C, H, W) array, float32 or float64
    size : int or pair of int
        Rows and columns of a window.
    stride : int or pair of int, optional
        Pixels from one window to the next; default: `size`.
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
        Less than `size`. Cells outside the image never win.

    Returns
    -------
    out : (N, C, P, Q) array
    cache : PoolCache
        For `max_pool_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If x has another number of axes, or the windows do not fit.

    Notes
    -----
    The first of equal cells in row-major order wins; a NaN wins over everything. The cache contains the argmax of each
    window, in one byte if windows have at most 255 cells.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.max_pool_forward(np.arange(16.0).reshape(1, 1, 4, 4), size=2)
    >>> out
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    name = "max_pool_forward"
    image = _image(name, x)
    found = pool_window(name, image.shape[2:], size, stride, pad)
    out = np.empty((*image.shape[:2], *found.count), image.dtype)
    argmax = np.empty(out.shape, argmax_dtype(found))
    kernels.get(name)(image, out, argmax, *pool_scalars(found))
    return out, PoolCache(name, pool_scalars(found), argmax, image.shape, out.shape, image[:0])


def max_pool_backward(dout: ArrayLike, cache: PoolCache) -> Array:
    """Gradient of `max_pool_forward`.

    Parameters
    ----------
    dout : (N, C, P, Q) array of the dtype of x
        Gradient with respect to the output.
    cache : PoolCache
        From `max_pool_forward`.

    Returns
    -------
    dx : (N, C, H, W) array
        The dout of each window at its largest cell, added up where windows overlap.

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `max_pool_forward`.
    ValueError
        If dout has another shape than the output.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.max_pool_forward(np.array([[[[1.0, 3.0], [3.0, 2.0]]]]), size=2)
    >>> F.max_pool_backward(np.array([[[[10.0]]]]), cache)
    array([[[[ 0., 10.],
             [ 0.,  0.]]]])
    """
    name = "max_pool_backward"
    if not isinstance(cache, PoolCache) or cache.argmax is None:
        refuse_cache(name, "max_pool_forward", cache)
    gradient = output_gradient(name, dout, cache.out, cache.like)
    dx = np.empty(cache.shape, gradient.dtype)
    kernels.get(name)(gradient, cache.argmax, dx, *cache.scalars)
    return dx


def avg_pool_forward(
    x: ArrayLike,
    *,
    size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    pad: Pad = 0,
    count_pad: bool = True,
) -> tuple[Array, PoolCache]:
    """The mean of each window.

    Parameters
    ----------
    x : (N, C, H, W) array, float32 or float64
    size, stride, pad
        As for `max_pool_forward`.
    count_pad : bool
        Whether cells outside the image count as zeros, so that every sum is divided by the size of the window. If
        False, it is divided by the number of cells inside the image.

    Returns
    -------
    out : (N, C, P, Q) array
    cache : PoolCache
        For `avg_pool_backward`.

    Raises
    ------
    TypeError
        If x is not float32 or float64.
    ValueError
        If x has another number of axes, or the windows do not fit.

    Notes
    -----
    The cells of a window are added up before the sum is divided: it is infinite where the sum is too large.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.avg_pool_forward(np.arange(16.0).reshape(1, 1, 4, 4), size=2)[0]
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    name = "avg_pool_forward"
    image = _image(name, x)
    found = pool_window(name, image.shape[2:], size, stride, pad)
    scalars = (*pool_scalars(found), int(flag(name, "count_pad", count_pad)))
    out = np.empty((*image.shape[:2], *found.count), image.dtype)
    kernels.get(name)(image, out, *scalars)
    return out, PoolCache(name, scalars, None, image.shape, out.shape, image[:0])


def avg_pool_backward(dout: ArrayLike, cache: PoolCache) -> Array:
    """Gradient of `avg_pool_forward`.

    Parameters
    ----------
    dout : (N, C, P, Q) array of the dtype of x
        Gradient with respect to the output.
    cache : PoolCache
        From `avg_pool_forward`.

    Returns
    -------
    dx : (N, C, H, W) array

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `avg_pool_forward`.
    ValueError
        If dout has another shape than the output.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.avg_pool_forward(np.ones((1, 1, 2, 2)), size=2)
    >>> F.avg_pool_backward(np.array([[[[8.0]]]]), cache)
    array([[[[2., 2.],
             [2., 2.]]]])
    """
    name = "avg_pool_backward"
    if not isinstance(cache, PoolCache) or cache.argmax is not None:
        refuse_cache(name, "avg_pool_forward", cache)
    gradient = output_gradient(name, dout, cache.out, cache.like)
    dx = np.empty(cache.shape, gradient.dtype)
    kernels.get(name)(gradient, dx, *cache.scalars)
    return dx
