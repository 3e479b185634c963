"""Pooling: the maximum or the mean of windows of an image, channel by channel.

Window (y, x) begins at row ``y stride_h - pad_h`` and column ``x stride_w - pad_w``. Cells outside the image never win
a maximum; every window has a cell inside.
"""

from collections.abc import Iterator

import numpy as np

from fastnn.kernels.reference.arrays import Array


def _inside(pad: int, tap: int, stride: int, size: int, count: int) -> tuple[slice, slice]:
    """Along one axis, the windows whose cell number `tap` lies inside the image, and these cells."""
    first = max(0, -((tap - pad) // stride))
    last = min(count, (size - 1 + pad - tap) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    begin = first * stride - pad + tap
    return slice(first, last), slice(begin, begin + (last - first - 1) * stride + 1, stride)


def _cells(
    image: Array, out: Array, sizes: tuple[int, int], strides: tuple[int, int], pads: tuple[int, int]
) -> Iterator[tuple[int, tuple[slice, slice], tuple[slice, slice]]]:
    """Yield for each cell of a window its number, the windows in which it lies inside the image, and where it lies."""
    for r in range(sizes[0]):
        rows, h = _inside(pads[0], r, strides[0], image.shape[2], out.shape[2])
        for s in range(sizes[1]):
            cols, w = _inside(pads[1], s, strides[1], image.shape[3], out.shape[3])
            yield r * sizes[1] + s, (rows, cols), (h, w)


@np.errstate(all="ignore")
def max_pool_forward(
    x: Array,
    out: Array,
    argmax: Array | None,
    size_h: int,
    size_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """``out`` = the largest cell of each window, ``argmax`` = its number in the window, counted row by row.

    The first of equal cells wins, and the first NaN wins over everything.
    """
    best = np.full(out.shape, -np.inf, out.dtype)
    number_of_best = np.full(out.shape, -1)
    cells = _cells(x, out, (size_h, size_w), (stride_h, stride_w), (pad_h, pad_w))
    for number, (rows, cols), (h, w) in cells:
        value, old, at = x[:, :, h, w], best[:, :, rows, cols], number_of_best[:, :, rows, cols]
        wins = (at < 0) | (value > old) | (np.isnan(value) & ~np.isnan(old))
        old[wins], at[wins] = value[wins], number
    out[...] = best
    if argmax is not None:
        argmax[...] = number_of_best


@np.errstate(all="ignore")
def max_pool_backward(
    dout: Array,
    argmax: Array,
    dx: Array,
    size_h: int,
    size_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
) -> None:
    """``dx`` = ``dout`` at the largest cell of each window, added up where windows overlap, and 0 elsewhere."""
    dx[...] = 0
    cells = _cells(dx, dout, (size_h, size_w), (stride_h, stride_w), (pad_h, pad_w))
    for number, (rows, cols), (h, w) in cells:
        won = argmax[:, :, rows, cols] == number
        dx[:, :, h, w] += np.where(won, dout[:, :, rows, cols], 0)


@np.errstate(all="ignore")
def avg_pool_forward(
    x: Array,
    out: Array,
    size_h: int,
    size_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    count_pad: int,
) -> None:
    """``out`` = the sum of each window's cells divided by their number.

    With ``count_pad``, cells outside the image count as zeros, so that all windows are divided by the same number.
    """
    out[...] = 0
    cells = _cells(x, out, (size_h, size_w), (stride_h, stride_w), (pad_h, pad_w))
    for _, (rows, cols), (h, w) in cells:
        out[:, :, rows, cols] += x[:, :, h, w]
    out /= _counts(x, out, (size_h, size_w), (stride_h, stride_w), (pad_h, pad_w), count_pad)


def _counts(
    image: Array,
    out: Array,
    sizes: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int],
    count_pad: int,
) -> Array:
    """The divisors of the windows' sums (p, q)."""
    if count_pad:
        return np.full(out.shape[2:], sizes[0] * sizes[1], out.dtype)
    counts = np.zeros(out.shape[2:], out.dtype)
    for _, (rows, cols), _ in _cells(image, out, sizes, strides, pads):
        counts[rows, cols] += 1
    return counts


@np.errstate(all="ignore")
def avg_pool_backward(
    dout: Array,
    dx: Array,
    size_h: int,
    size_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    count_pad: int,
) -> None:
    """``dx`` = the sum of ``dout``, divided as in the forward pass, over the windows that contain a cell."""
    dx[...] = 0
    share = dout / _counts(dx, dout, (size_h, size_w), (stride_h, stride_w), (pad_h, pad_w), count_pad)
    cells = _cells(dx, dout, (size_h, size_w), (stride_h, stride_w), (pad_h, pad_w))
    for _, (rows, cols), (h, w) in cells:
        dx[:, :, h, w] += share[:, :, rows, cols]
