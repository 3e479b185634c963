"""Convolution of images, forward and backward, and the windows of images as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastnn import kernels
from fastnn.checks import whole
from fastnn.functional.checks import Array, output_gradient, pair, real_array, refuse_cache
from fastnn.functional.window import Pad, Window, window
from fastnn.kernels import ConvAlgorithm


class ConvCache(NamedTuple):
    """What `conv_backward` needs; its contents are private."""

    origin: str
    x: Array  # (N, C, H, W)
    w: Array  # (F, C / groups, R, S)
    has_bias: bool
    window: Window


def images(function: str, x: ArrayLike) -> Array:
    """`x` as images (N, C, H, W) with at least one channel and one pixel."""
    array = real_array(function, "x", x)
    if array.ndim != 4 or 0 in array.shape[1:]:
        raise ValueError(f"{function}: x must be images (N, C, H, W), got {array.shape}")
    return array


def conv_forward(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    *,
    stride: int | Sequence[int] = 1,
    pad: Pad = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> tuple[Array, ConvCache]:
    """Cross-correlation of images with filters, plus a bias, which networks call convolution.

    Filters are not rotated; `true_convolution` does that.

    Parameters
    ----------
    x : (N, C, H, W) array, float32 or float64
        Images.
    w : (F, C / groups, R, S) array of the dtype of x
        Filters.
    b : (F,) array of the dtype of x, or None
        Bias; None for no bias.
    stride : int or pair of int
        Pixels from one window to the next, along rows and columns.
    pad : int, pair of int, ((top, bottom), (left, right)) or "same"
        Lines of zeros around each image. "same" gives P = ceil(H / stride) and Q = ceil(W / stride), with an extra line
        below or to the right if the number is odd. It may be more than the filter's size: windows outside the image
        give the bias.
    dilation : int or pair of int
        Pixels from one tap of a filter to the next.
    groups : int
        The number of equal groups of neighbours into which channels and filters are divided. A filter sees only the
        channels of its group.

    Returns
    -------
    out : (N, F, P, Q) array
        P = (H + top + bottom - dilation (R - 1) - 1) // stride + 1, and Q likewise.
    cache : ConvCache
        For `conv_backward`. It refers to x and w themselves if they needed no conversion, so do not change
        them before the backward pass.

    Raises
    ------
    TypeError
        If an array is not float32 or float64, the dtypes differ, or an option is not a whole number.
    ValueError
        If shapes do not fit, or the window is larger than the padded image.

    Notes
    -----
    ``out[n, f, y, x] = b[f] + Σ w[f, c, r, s] X[n, c', y stride + r dilation - top, x stride + s dilation - left]``,
    summed over c, r and s, where c' is channel c of the filter's group. The zeros of the padding are multiplied too, so
    an infinite or NaN weight gives NaN there, as IEEE arithmetic says.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> w = np.array([[[[-1.0, 1.0]]]])  # the pixel to the right minus this one
    >>> out, cache = F.conv_forward(x, w, np.array([10.0]))
    >>> out[0, 0]
    array([[11., 11.],
           [11., 11.],
           [11., 11.]])
    >>> dx, dw, db = F.conv_backward(np.ones_like(out), cache)
    >>> dw[0, 0], db
    (array([[21., 27.]]), array([6.]))
    """
    name = "conv_forward"
    samples = images(name, x)
    weights = real_array(name, "w", w, ("x", samples))
    if weights.ndim != 4 or weights.size == 0:
        raise ValueError(f"{name}: w must be filters (F, C / groups, R, S), got {weights.shape}")
    count = whole(name, "groups", groups, at_least=1)
    filters, inner = weights.shape[:2]
    channels = samples.shape[1]
    shapes = f"(x: {samples.shape}, w: {weights.shape})"
    if channels % count or filters % count:
        raise ValueError(
            f"{name}: {channels} channels and {filters} filters do not divide into {count} groups {shapes}"
        )
    if inner * count != channels:
        inside = f" in {count} groups" if count > 1 else ""
        raise ValueError(f"{name}: w has {inner} input channels but x has {channels}{inside} {shapes}")
    bias = None if b is None else real_array(name, "b", b, ("x", samples))
    if bias is not None and bias.shape != (filters,):
        raise ValueError(f"{name}: b must have shape ({filters},), one number a filter, got {bias.shape}")
    height, width, rows, columns = *samples.shape[2:], *weights.shape[2:]
    win = window(name, (height, width), (rows, columns), stride=stride, pad=pad, dilation=dilation)
    out = np.empty((len(samples), filters, *win.count), samples.dtype)
    kernels.get(name)(samples, weights, bias, out, *win.scalars, int(ConvAlgorithm.DIRECT))
    return out, ConvCache(name, samples, weights, bias is not None, win)


def conv_backward(dout: ArrayLike, cache: ConvCache) -> tuple[Array, Array, Array | None]:
    """Gradients of `conv_forward`.

    Parameters
    ----------
    dout : (N, F, P, Q) array of the dtype of x
        Gradient with respect to the output.
    cache : ConvCache
        From `conv_forward`.

    Returns
    -------
    dx : (N, C, H, W) array
        For each pixel, the sum over the windows that read it.
    dw : (F, C / groups, R, S) array
        Sum over images and windows.
    db : (F,) array or None
        Sum of dout over images and pixels; None if there was no bias.

    Raises
    ------
    TypeError
        If dout has another dtype than x, or cache does not come from `conv_forward`.
    ValueError
        If dout has another shape than the output.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> out, cache = F.conv_forward(np.ones((1, 1, 2, 2)), np.full((1, 1, 2, 2), 3.0))
    >>> dx, dw, db = F.conv_backward(np.full((1, 1, 1, 1), 2.0), cache)
    >>> dx[0, 0]
    array([[6., 6.],
           [6., 6.]])
    """
    name = "conv_backward"
    if not isinstance(cache, ConvCache):
        refuse_cache(name, "conv_forward", cache)
    x, w, win = cache.x, cache.w, cache.window
    gradient = output_gradient(name, dout, (len(x), len(w), *win.count), x)
    dx, dw = np.empty_like(x), np.empty_like(w)
    db = np.empty(len(w), w.dtype) if cache.has_bias else None
    direct = int(ConvAlgorithm.DIRECT)
    kernels.get("conv_backward_input")(gradient, w, dx, None, *win.scalars, direct)
    kernels.get("conv_backward_weight")(x, gradient, dw, db, *win.scalars, direct, 0.0)
    return dx, dw, db


def im2col(
    x: ArrayLike,
    size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    pad: Pad = 0,
    dilation: int | Sequence[int] = 1,
) -> Array:
    """The windows of images as the columns of a matrix for each image.

    Parameters
    ----------
    x : (N, C, H, W) array, float32 or float64
        Images.
    size : int or pair of int
        Rows R and columns S of the window.
    stride, pad, dilation
        As for `conv_forward`.

    Returns
    -------
    (N, C·R·S, P·Q) array
        Column ``y Q + x`` is the window of output (y, x). The rows run over channel, window row and window column;
        padding is 0.

    Raises
    ------
    TypeError, ValueError
        As for `conv_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.im2col(np.arange(6.0).reshape(1, 1, 2, 3), 2)[0]
    array([[0., 1.],
           [1., 2.],
           [3., 4.],
           [4., 5.]])
    """
    name = "im2col"
    samples = images(name, x)
    height, width = samples.shape[2:]
    taps = pair(name, "size", size, at_least=1)
    win = window(name, (height, width), taps, stride=stride, pad=pad, dilation=dilation)
    columns = np.empty((*samples.shape[:2], *taps, *win.count), samples.dtype)
    kernels.get(name)(samples, columns, *win.scalars)
    return columns.reshape(len(samples), samples.shape[1] * taps[0] * taps[1], win.count[0] * win.count[1])


def col2im(
    columns: ArrayLike,
    shape: Sequence[int],
    size: int | Sequence[int],
    *,
    stride: int | Sequence[int] = 1,
    pad: Pad = 0,
    dilation: int | Sequence[int] = 1,
) -> Array:
    """The transpose of `im2col`: each element is added to the pixel that `im2col` copied it from.

    Parameters
    ----------
    columns : (N, C·R·S, P·Q) array, float32 or float64
        Columns as `im2col` returns them.
    shape : (C, H, W)
        The shape of one image.
    size, stride, pad, dilation
        As for `im2col`.

    Returns
    -------
    (N, C, H, W) array
        A pixel in several windows gets their sum, and a pixel in no window gets 0.

    Raises
    ------
    TypeError
        If columns is not float32 or float64, or an option is not a whole number.
    ValueError
        If columns does not have as many rows and columns as the windows.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnn import functional as F
    >>> F.col2im(np.ones((1, 4, 2)), (1, 2, 3), 2)[0, 0]
    array([[1., 2., 1.],
           [1., 2., 1.]])
    """
    name = "col2im"
    matrix = real_array(name, "columns", columns)
    if not isinstance(shape, Sequence) or len(shape) != 3:
        raise ValueError(f"{name}: shape must be (C, H, W), got {shape!r}")
    channels, height, width = (whole(name, "shape", n, at_least=1) for n in shape)
    taps = pair(name, "size", size, at_least=1)
    win = window(name, (height, width), taps, stride=stride, pad=pad, dilation=dilation)
    expected = (channels * taps[0] * taps[1], win.count[0] * win.count[1])
    if matrix.ndim != 3 or matrix.shape[1:] != expected:
        raise ValueError(f"{name}: columns must have shape (N, {expected[0]}, {expected[1]}), got {matrix.shape}")
    dx = np.empty((len(matrix), channels, height, width), matrix.dtype)
    kernels.get(name)(matrix.reshape(len(matrix), channels, *taps, *win.count), dx, *win.scalars)
    return dx
