"""Convolution kernels: images n × c × h × w, weights f × k × r × s, outputs n × f × p × q.

What is computed is the cross-correlation, without reversing the filters. For its tap (a, b), output (y, x) of a filter
reads the image at ``(y stride_h - pad_h + a dilation_h, x stride_w - pad_w + b dilation_w)``, and zero outside the
image. So ``pad_h`` rows of padding are above and ``pad_w`` columns to the left; the padding below and to the right
follows from p and q. The c channels are divided into c / k groups of neighbours, and so are the filters; a filter sees
only the channels of its group. ``algorithm`` is a `ConvAlgorithm`, which these kernels ignore: they compute directly.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from fastnn.kernels.reference.activation import activation_backward, activation_forward
from fastnn.kernels.reference.arrays import Array


def _end(taps: int, count: int, stride: int, dilation: int) -> int:
    """The distance from the beginning of the first of `count` windows to the end of the last."""
    return (count - 1) * stride + (taps - 1) * dilation + 1


def _windows(
    x: Array, taps: tuple[int, int], count: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int],
    dilation: tuple[int, int],
) -> Array:  # fmt: skip
    """What tap (r, s) of output (p, q) reads, as a view (n, c, r, s, p, q) of a padded copy."""
    around = [
        (pad[i], max(0, _end(taps[i], count[i], stride[i], dilation[i]) - pad[i] - x.shape[2 + i])) for i in (0, 1)
    ]
    padded = np.pad(x, ((0, 0), (0, 0), *around))
    steps = padded.strides
    strides = (
        *steps[:2],
        *(dilation[i] * steps[2 + i] for i in (0, 1)),
        *(stride[i] * steps[2 + i] for i in (0, 1)),
    )
    return as_strided(padded, (*x.shape[:2], *taps, *count), strides, writeable=False)


def im2col(
    x: Array, columns: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int, dilation_h: int, dilation_w: int
) -> None:
    """``columns[i, c, a, b, y, x]`` = the pixel in channel c of image i that tap (a, b) reads for output (y, x)."""
    shape = columns.shape
    columns[...] = _windows(x, shape[2:4], shape[4:], (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w))


def col2im(
    columns: Array, dx: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int, dilation_h: int, dilation_w: int
) -> None:
    """``dx`` = for each pixel, the sum of ``columns`` over the elements that `im2col` copies it to, tap by tap."""
    n, c, r, s, p, q = columns.shape
    h, w = dx.shape[2:]
    rows = max(pad_h + h, _end(r, p, stride_h, dilation_h), 0)
    cols = max(pad_w + w, _end(s, q, stride_w, dilation_w), 0)
    padded = np.zeros((n, c, rows, cols), dx.dtype)
    if p > 0 and q > 0:
        for a in range(r):
            below = a * dilation_h + (p - 1) * stride_h + 1
            for b in range(s):
                right = b * dilation_w + (q - 1) * stride_w + 1
                padded[:, :, a * dilation_h : below : stride_h, b * dilation_w : right : stride_w] += columns[
                    :, :, a, b
                ]
    dx[...] = padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]


def by_group(weight: Array, channels: int) -> Array:
    """The weights in shape (groups, filters of a group, k r s)."""
    groups = max(channels // weight.shape[1], 1)
    return weight.reshape(groups, weight.shape[0] // groups, -1)


@np.errstate(all="ignore")
def conv_forward(
    x: Array, weight: Array, b: Array | None, out: Array, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, kind: int = 0, alpha: float = 0.0,
) -> None:  # fmt: skip
    """``out[i, j, y, x] = f(b[j] + Σ weight[j, c, a, b] x[i, c of the group, row of (y, a), column of (x, b)])``."""
    filters = by_group(weight, x.shape[1])
    stride, pad, dilation = (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    windows = _windows(x, weight.shape[2:], out.shape[2:], stride, pad, dilation)
    pixels = out.shape[2] * out.shape[3]
    for image, result in zip(windows, out, strict=True):
        columns = image.reshape(len(filters), filters.shape[2], pixels)
        np.matmul(filters, columns, out=result.reshape(*filters.shape[:2], pixels))
    if b is not None:
        out += b[:, None, None]
    activation_forward(out, out, kind, alpha)


@np.errstate(all="ignore")
def conv_backward_input(
    dout: Array, weight: Array, dx: Array, saved: Array | None, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, kind: int = 0, alpha: float = 0.0,
) -> None:  # fmt: skip
    """``dx[i, c, v, u] = Σ weight[j, c, a, b] dout[i, j, y, x]`` over all outputs and taps that read pixel (v, u).

    The result is multiplied by the derivative of the preceding activation if ``saved`` is given.
    """
    filters = by_group(weight, dx.shape[1])
    pixels = dout.shape[2] * dout.shape[3]
    for i, gradient in enumerate(dout):
        columns = filters.transpose(0, 2, 1) @ gradient.reshape(*filters.shape[:2], pixels)
        one = columns.reshape(1, dx.shape[1], *weight.shape[2:], *dout.shape[2:])
        col2im(one, dx[i : i + 1], stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w)
    if saved is not None:
        activation_backward(dx, saved, dx, kind, alpha)


@np.errstate(all="ignore")
def conv_backward_weight(
    x: Array, dout: Array, dw: Array, db: Array | None, stride_h: int, stride_w: int, pad_h: int, pad_w: int,
    dilation_h: int, dilation_w: int, algorithm: int, beta: float,
) -> None:  # fmt: skip
    """``dw = beta dw + Σ dout[i, j, y, x] x[i, c, …]`` over images and pixels, ``db = beta db + Σ dout``.

    ``beta`` is 0 or 1. With 0 the old values of ``dw`` and ``db`` are not read, so NaN there does no harm.
    """
    total = np.zeros_like(by_group(dw, x.shape[1]))
    stride, pad, dilation = (stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w)
    windows = _windows(x, dw.shape[2:], dout.shape[2:], stride, pad, dilation)
    pixels = dout.shape[2] * dout.shape[3]
    for image, gradient in zip(windows, dout, strict=True):
        columns = image.reshape(len(total), total.shape[2], pixels)
        total += gradient.reshape(*total.shape[:2], pixels) @ columns.transpose(0, 2, 1)
    biases = None if db is None else dout.sum(axis=(0, 2, 3))
    if beta == 0:
        dw[...] = total.reshape(dw.shape)
        if db is not None:
            db[...] = biases
    else:
        dw += total.reshape(dw.shape)
        if db is not None:
            db += biases
