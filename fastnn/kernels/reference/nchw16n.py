"""Kernels in the layout NCHW16n: each converts its inputs to plain images, calls the plain kernel and converts back.

``x[g, c, h, w, i]`` is image ``16 g + i``. Lanes behind the last image are zero when images or gradients are converted
to this layout. Operations turn them into other finite values.
"""

import numpy as np

from fastnn.kernels.limits import BLOCK_IMAGES
from fastnn.kernels.reference.activation import activation_backward
from fastnn.kernels.reference.affine import affine_backward_input, affine_backward_weight_update
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.convolution import conv_backward_input, conv_backward_weight, conv_forward
from fastnn.kernels.reference.gather import gather_rows
from fastnn.kernels.reference.norm import batch_norm_apply, batch_norm_backward, batch_norm_forward
from fastnn.kernels.reference.pool import avg_pool_backward, avg_pool_forward, max_pool_backward, max_pool_forward

LANES = BLOCK_IMAGES


def images_of(x: Array) -> Array:
    """The images (16 g, …) of x (g, …, 16)."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)).reshape(-1, *x.shape[1:-1])


def put_images(images: Array, out: Array) -> None:
    """Write the images (16 g, …) to out (g, …, 16)."""
    out[...] = np.moveaxis(images.reshape(len(out), LANES, *images.shape[1:]), 1, -1)


def _like(out: Array) -> Array:
    """Uninitialised images (16 g, …) for out (g, …, 16)."""
    return np.empty((len(out) * LANES, *out.shape[1:-1]), out.dtype)


def rows_to_nchw16n(x: Array, out: Array) -> None:
    """``out[g, j, i] = x[16 g + i, j]``, and zero behind the last row."""
    padded = np.zeros((len(out) * LANES, x.shape[1]), x.dtype)
    padded[: len(x)] = x
    put_images(padded, out)


def nchw16n_to_rows(x: Array, out: Array) -> None:
    """``out[16 g + i, j] = x[g, j, i]`` for as many rows as ``out`` has."""
    out[...] = images_of(x)[: len(out)]


def gather_nchw16n(source: Array, index: Array | None, out: Array, scale: float) -> None:
    """`gather_rows`, then `rows_to_nchw16n`; without an index, of as many rows as there are."""
    n = min(len(source), LANES * len(out)) if index is None else len(index)
    rows = np.empty((n, out.shape[1]), out.dtype)
    gather_rows(source, index, rows, scale)
    rows_to_nchw16n(rows, out)


def affine_backward_input_nchw16n(dout: Array, w: Array, dx: Array) -> None:
    """`affine_backward_input`, then `rows_to_nchw16n`."""
    rows = np.empty((len(dout), dx.shape[1]), dx.dtype)
    affine_backward_input(dout, w, rows, None)
    rows_to_nchw16n(rows, dx)


def affine_backward_update_nchw16n(
    x: Array, dout: Array, w: Array, mw: Array | None, vw: Array | None, b: Array | None, mb: Array | None,
    vb: Array | None, rate: Array, t: Array, dx: Array, rule: int, decay: float, decay_b: float, c0: float = 0.0,
    c1: float = 0.0, c2: float = 0.0,
) -> None:  # fmt: skip
    """`affine_backward_input_nchw16n`, then `affine_backward_weight_update`."""
    affine_backward_input_nchw16n(dout, w, dx)
    affine_backward_weight_update(x, dout, w, mw, vw, b, mb, vb, rate, t, rule, decay, decay_b, c0, c1, c2)


def conv_forward_nchw16n(
    x: Array, weight: Array, b: Array | None, out: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, kind: int = 0, alpha: float = 0.0,
) -> None:  # fmt: skip
    """`conv_forward`."""
    images = _like(out)
    window = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, algorithm)
    conv_forward(images_of(x), weight, b, images, *window, kind, alpha)
    put_images(images, out)


def conv_backward_input_nchw16n(
    dout: Array, weight: Array, dx: Array, saved: Array | None, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, kind: int = 0, alpha: float = 0.0,
) -> None:  # fmt: skip
    """`conv_backward_input`."""
    images = _like(dx)
    window = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, algorithm)
    inner = None if saved is None else images_of(saved)
    conv_backward_input(images_of(dout), weight, images, inner, *window, kind, alpha)
    put_images(images, dx)


def conv_backward_weight_nchw16n(
    x: Array, dout: Array, dw: Array, db: Array | None, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, beta: float,
) -> None:  # fmt: skip
    """`conv_backward_weight` over all lanes, because ``dout`` is zero in those behind the last image."""
    window = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, algorithm)
    conv_backward_weight(images_of(x), images_of(dout), dw, db, *window, beta)


def max_pool_forward_nchw16n(
    x: Array, out: Array, argmax: Array | None, size_h: int, size_w: int, stride_h: int, stride_w: int, pad_h: int,
    pad_w: int,
) -> None:  # fmt: skip
    """`max_pool_forward`."""
    images, places = _like(out), None if argmax is None else _like(argmax)
    max_pool_forward(images_of(x), images, places, size_h, size_w, stride_h, stride_w, pad_h, pad_w)
    put_images(images, out)
    if argmax is not None and places is not None:
        put_images(places, argmax)


def max_pool_backward_nchw16n(
    dout: Array, argmax: Array, dx: Array, size_h: int, size_w: int, stride_h: int, stride_w: int, pad_h: int,
    pad_w: int,
) -> None:  # fmt: skip
    """`max_pool_backward`."""
    images = _like(dx)
    window = (size_h, size_w, stride_h, stride_w, pad_h, pad_w)
    max_pool_backward(images_of(dout), images_of(argmax), images, *window)
    put_images(images, dx)


def avg_pool_forward_nchw16n(
    x: Array, out: Array, size_h: int, size_w: int, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    count_pad: int,
) -> None:  # fmt: skip
    """`avg_pool_forward`."""
    images = _like(out)
    avg_pool_forward(images_of(x), images, size_h, size_w, stride_h, stride_w, pad_h, pad_w, count_pad)
    put_images(images, out)


def avg_pool_backward_nchw16n(
    dout: Array, dx: Array, size_h: int, size_w: int, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    count_pad: int,
) -> None:  # fmt: skip
    """`avg_pool_backward`."""
    images = _like(dx)
    avg_pool_backward(images_of(dout), images, size_h, size_w, stride_h, stride_w, pad_h, pad_w, count_pad)
    put_images(images, dx)


def batch_norm_forward_nchw16n(
    x: Array, w: Array | None, b: Array | None, running_mean: Array | None, running_var: Array | None, out: Array,
    mean: Array, var: Array, images: int, eps: float, momentum: float,
) -> None:  # fmt: skip
    """`batch_norm_forward` with the statistics of the first ``images`` lanes."""
    rows = images_of(x)[: int(images)]
    batch_norm_forward(rows, w, b, running_mean, running_var, np.empty_like(rows), mean, var, eps, momentum)
    batch_norm_apply_nchw16n(x, w, b, mean, var, out, eps)


def batch_norm_apply_nchw16n(
    x: Array, w: Array | None, b: Array | None, mean: Array, var: Array, out: Array, eps: float
) -> None:
    """`batch_norm_apply`."""
    rows = _like(out)
    batch_norm_apply(images_of(x), w, b, mean, var, rows, eps)
    put_images(rows, out)


def batch_norm_backward_nchw16n(
    dout: Array, x: Array, w: Array | None, mean: Array, var: Array, dx: Array | None, dw: Array | None,
    db: Array | None, images: int, eps: float, fixed: int, beta: float,
) -> None:  # fmt: skip
    """`batch_norm_backward` of the first ``images`` lanes; the gradient of the others is zero."""
    n = int(images)
    rows = np.zeros((len(x) * LANES, *x.shape[1:-1]), x.dtype)
    inner = None if dx is None else rows[:n]
    batch_norm_backward(images_of(dout)[:n], images_of(x)[:n], w, mean, var, inner, dw, db, eps, fixed, beta)
    if dx is not None:
        put_images(rows, dx)


def batch_norm_statistics_nchw16n(
    x: Array, running_mean: Array | None, running_var: Array | None, mean: Array, var: Array, work: Array, images: int,
    momentum: float,
) -> None:  # fmt: skip
    """The statistics of `batch_norm_forward_nchw16n` and their running averages, summed in another order."""
    flat = _flat(x)
    out = np.empty_like(flat)
    batch_norm_forward_nchw16n(flat, None, None, running_mean, running_var, out, mean, var, images, 0.0, momentum)


def conv_statistics_forward_nchw16n(
    x: Array, weight: Array, b: Array | None, out: Array, running_mean: Array | None, running_var: Array | None,
    mean: Array, var: Array, work: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int, dilation_h: int,
    dilation_w: int, algorithm: int, kind: int, alpha: float, images: int, momentum: float,
) -> None:  # fmt: skip
    """`conv_forward_nchw16n`, then `batch_norm_statistics_nchw16n`."""
    window = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, algorithm)
    conv_forward_nchw16n(x, weight, b, out, *window, kind, alpha)
    batch_norm_statistics_nchw16n(out, running_mean, running_var, mean, var, work, images, momentum)


def conv_max_pool_forward_nchw16n(
    x: Array, weight: Array, b: Array | None, out: Array, argmax: Array | None, stride_h: int, stride_w: int,
    pad_h: int, pad_w: int, dilation_h: int, dilation_w: int, algorithm: int, kind: int, alpha: float, size_h: int,
    size_w: int,
) -> None:  # fmt: skip
    """`conv_forward_nchw16n`, then `max_pool_forward_nchw16n` with windows that tile its outputs."""
    groups, filters, rows, cols, lanes = out.shape
    image = np.empty((groups, filters, rows * size_h, cols * size_w, lanes), out.dtype)
    window = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, algorithm)
    conv_forward_nchw16n(x, weight, b, image, *window, kind, alpha)
    max_pool_forward_nchw16n(image, out, argmax, *_tiling(image, out))


def _tiling(image: Array, windows: Array) -> tuple[int, ...]:
    """The window size for which ``windows`` (g, c, p, q, 16) tile ``image`` (g, c, h, w, 16)."""
    size = image.shape[2] // max(1, windows.shape[2]), image.shape[3] // max(1, windows.shape[3])
    return (*size, *size, 0, 0)


def _flat(image: Array) -> Array:
    groups, channels, h, w, lanes = image.shape
    return image.reshape(groups, channels, h * w, lanes)


def batch_norm_max_pool_forward_nchw16n(
    x: Array, w: Array | None, b: Array | None, mean: Array, var: Array, out: Array, argmax: Array | None, eps: float
) -> None:
    """`batch_norm_apply_nchw16n`, then `max_pool_forward_nchw16n` with windows that tile the image."""
    normal = np.empty_like(x)
    batch_norm_apply_nchw16n(_flat(x), w, b, mean, var, _flat(normal), eps)
    max_pool_forward_nchw16n(normal, out, argmax, *_tiling(x, out))


def batch_norm_max_pool_backward_nchw16n(
    dout: Array, argmax: Array, x: Array, w: Array | None, mean: Array, var: Array, dx: Array, dw: Array | None,
    db: Array | None, work: Array, images: int, eps: float, fixed: int, beta: float, kind: int, alpha: float,
) -> None:  # fmt: skip
    """`max_pool_backward_nchw16n`, `batch_norm_backward_nchw16n`, and the derivative of the activation that made x."""
    share = np.empty_like(x)
    max_pool_backward_nchw16n(dout, argmax, share, *_tiling(x, dout))
    batch_norm_backward_nchw16n(_flat(share), _flat(x), w, mean, var, _flat(dx), dw, db, images, eps, fixed, beta)
    activation_backward(dx, x, dx, kind, alpha)
