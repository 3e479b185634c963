"""Batch norm and group norm: sums in float64, then the results, each in one pass.

Batch norm sees a sample as a row of all channels' pixels, and what belongs to a channel is repeated for its pixels; so
a pass is one loop over rows, whatever the shape. Moments that leave the range of the dtype are left to the reference.
"""

import numpy as np

from fastnn.kernels import reference
from fastnn.kernels.numba.compile import jit
from fastnn.kernels.reference.arrays import Array
from fastnn.kernels.reference.norm import accumulate, deviation, smallest_sound


@jit
def _sums(x: Array, total: Array) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total[j] += np.float64(x[i, j])


@jit
def _squares(x: Array, mean: Array, total: Array) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            d = np.float64(x[i, j]) - mean[j]
            total[j] += d * d


@jit
def _apply(x: Array, mean: Array, deviations: Array, w: Array, b: Array, out: Array) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = (x[i, j] - mean[j]) / deviations[j] * w[j] + b[j]


@jit
def _products(dout: Array, x: Array, mean: Array, factor: Array, sums: Array, products: Array) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            normal = (x[i, j] - mean[j]) * factor[j]
            sums[j] += np.float64(dout[i, j])
            products[j] += np.float64(dout[i, j]) * np.float64(normal)


@jit
def _input_gradient(
    dout: Array, x: Array, mean: Array, factor: Array, scaled: Array, sums: Array, products: Array, dx: Array
) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            normal = (x[i, j] - mean[j]) * factor[j]
            dx[i, j] = (dout[i, j] - sums[j] - normal * products[j]) * scaled[j]


def _rows(x: Array) -> Array:
    return x.reshape(len(x), x.shape[1] * x.shape[2])


def _of_channels(total: Array, x: Array) -> Array:
    """The sums over the pixels of each channel of sums over samples."""
    return np.asarray(total.reshape(x.shape[1:]).sum(axis=1))


def _sound(mean: Array, var: Array, dtype: np.dtype, eps: float) -> bool:
    most = np.finfo(dtype).max
    return bool(((np.abs(mean) <= most) & (var <= most) & (var + eps >= smallest_sound(dtype))).all())


def _each(values: Array | None, x: Array, otherwise: float) -> Array:
    """What belongs to the channels, for each of their pixels."""
    return np.full(x.shape[1] * x.shape[2], otherwise, x.dtype) if values is None else np.repeat(values, x.shape[2])


@np.errstate(all="ignore")
def batch_norm_forward(
    x: Array,
    w: Array | None,
    b: Array | None,
    running_mean: Array | None,
    running_var: Array | None,
    out: Array,
    mean: Array,
    var: Array,
    eps: float,
    momentum: float,
) -> None:
    """Normalise by the statistics of the batch."""
    count = x.shape[0] * x.shape[2]
    total = np.zeros((2, x.shape[1] * x.shape[2]))
    _sums(_rows(x), total[0])
    centre = _of_channels(total[0], x) / max(1, count)
    _squares(_rows(x), np.repeat(centre, x.shape[2]), total[1])
    square = _of_channels(total[1], x) / max(1, count)
    if not count or not _sound(centre, square, x.dtype, eps):
        return reference.batch_norm_forward(x, w, b, running_mean, running_var, out, mean, var, eps, momentum)
    mean[...], var[...] = centre, square
    batch_norm_apply(x, w, b, mean, var, out, eps)
    keep, new = x.dtype.type(momentum), x.dtype.type(1 - momentum)
    if running_mean is not None:
        running_mean[...] = keep * running_mean + new * mean
    if running_var is not None and count > 1:
        running_var[...] = keep * running_var + new * (var * (count / (count - 1)))
    return None


@np.errstate(all="ignore")
def batch_norm_apply(
    x: Array, w: Array | None, b: Array | None, mean: Array, var: Array, out: Array, eps: float
) -> None:
    """Normalise by given statistics."""
    deviations = _each(deviation(var, eps), x, 0)
    _apply(_rows(x), _each(mean, x, 0), deviations, _each(w, x, 1), _each(b, x, 0), _rows(out))


@np.errstate(all="ignore")
def batch_norm_backward(
    dout: Array,
    x: Array,
    w: Array | None,
    mean: Array,
    var: Array,
    dx: Array | None,
    dw: Array | None,
    db: Array | None,
    eps: float,
    fixed: int,
    beta: float,
) -> None:
    """The gradients; with ``fixed`` those of `batch_norm_apply`."""
    count = max(1, x.shape[0] * x.shape[2])
    factor = 1 / deviation(var, eps)
    centre, each = _each(mean, x, 0), _each(factor, x, 0)
    total = np.zeros((2, x.shape[1] * x.shape[2]))
    _products(_rows(dout), _rows(x), centre, each, total[0], total[1])
    sums, products = _of_channels(total[0], x), _of_channels(total[1], x)
    if dx is not None:
        share = 0 if fixed else 1 / count
        of_sums, of_products = (_each((a * share).astype(x.dtype), x, 0) for a in (sums, products))
        scaled = _each(factor if w is None else factor * w, x, 0)
        _input_gradient(_rows(dout), _rows(x), centre, each, scaled, of_sums, of_products, _rows(dx))
    accumulate(dw, products, beta)
    accumulate(db, sums, beta)


@jit
def _group_moments(x: Array, mean: Array, var: Array) -> None:
    """Of each row of x, in four chains of sums, because an addition waits for the one before it."""
    size = x.shape[1]
    for i in range(x.shape[0]):
        centre = 0.0
        for second in range(2):
            a0, a1, a2, a3 = 0.0, 0.0, 0.0, 0.0
            for j in range(0, size - size % 4, 4):
                d0, d1 = np.float64(x[i, j]) - centre, np.float64(x[i, j + 1]) - centre
                d2, d3 = np.float64(x[i, j + 2]) - centre, np.float64(x[i, j + 3]) - centre
                if second == 0:
                    a0, a1, a2, a3 = a0 + d0, a1 + d1, a2 + d2, a3 + d3
                else:
                    a0, a1, a2, a3 = a0 + d0 * d0, a1 + d1 * d1, a2 + d2 * d2, a3 + d3 * d3
            for j in range(size - size % 4, size):
                d0 = np.float64(x[i, j]) - centre
                a0 += d0 if second == 0 else d0 * d0
            total = ((a0 + a1) + (a2 + a3)) / size
            if second == 0:
                centre = total
                mean[i] = total
            else:
                var[i] = total


@jit
def _group_apply(x: Array, mean: Array, deviations: Array, w: Array, b: Array, out: Array) -> None:
    """X is (n, groups, elements of a group), w and b are (groups, elements)."""
    for i in range(x.shape[0]):
        for g in range(x.shape[1]):
            centre, d = mean[i, g], deviations[i, g]
            for j in range(x.shape[2]):
                out[i, g, j] = (x[i, g, j] - centre) / d * w[g, j] + b[g, j]


@jit
def _group_gradient(
    dout: Array, x: Array, w: Array, mean: Array, factor: Array, dx: Array, products: Array, sums: Array
) -> None:
    """dx, and the sums over samples of dout x̂ and dout; shapes as above."""
    size = x.shape[2]
    for i in range(x.shape[0]):
        for g in range(x.shape[1]):
            centre, f = mean[i, g], factor[i, g]
            e0, e1, p0, p1 = 0.0, 0.0, 0.0, 0.0
            for j in range(0, size - size % 2, 2):
                first, second = np.float64(dout[i, g, j] * w[g, j]), np.float64(dout[i, g, j + 1] * w[g, j + 1])
                e0, e1 = e0 + first, e1 + second
                p0 += first * np.float64((x[i, g, j] - centre) * f)
                p1 += second * np.float64((x[i, g, j + 1] - centre) * f)
            for j in range(size - size % 2, size):
                first = np.float64(dout[i, g, j] * w[g, j])
                e0 += first
                p0 += first * np.float64((x[i, g, j] - centre) * f)
            of_e, of_p = x.dtype.type((e0 + e1) / size), x.dtype.type((p0 + p1) / size)
            for j in range(size):
                normal = (x[i, g, j] - centre) * f
                d = dout[i, g, j]
                products[g, j] += np.float64(d) * np.float64(normal)
                sums[g, j] += np.float64(d)
                dx[i, g, j] = (d * w[g, j] - of_e - normal * of_p) * f


def _grouped(x: Array, groups: int) -> Array:
    return x.reshape(x.shape[0], groups, x.shape[1] // groups * x.shape[2])


@np.errstate(all="ignore")
def group_norm_forward(
    x: Array, w: Array | None, b: Array | None, out: Array, mean: Array, var: Array, eps: float
) -> None:
    """Normalise by the statistics of each sample's groups of channels."""
    groups = mean.shape[1]
    centre, square = np.empty(mean.size), np.empty(mean.size)
    if x.size:
        _group_moments(x.reshape(mean.size, -1), centre, square)
    if not x.size or not _sound(centre, square, x.dtype, eps):
        return reference.group_norm_forward(x, w, b, out, mean, var, eps)
    mean[...], var[...] = centre.reshape(mean.shape), square.reshape(mean.shape)
    scale, shift = (_each(a, x, n).reshape(groups, -1) for a, n in ((w, 1), (b, 0)))
    _group_apply(_grouped(x, groups), mean, deviation(var, eps), scale, shift, _grouped(out, groups))
    return None


@np.errstate(all="ignore")
def group_norm_backward(
    dout: Array,
    x: Array,
    w: Array | None,
    mean: Array,
    var: Array,
    dx: Array | None,
    dw: Array | None,
    db: Array | None,
    eps: float,
    beta: float,
) -> None:
    """The gradients."""
    groups = mean.shape[1]
    total = np.zeros((2, x.shape[1], x.shape[2]))
    if x.size:
        gradient = np.empty_like(x) if dx is None else dx
        each = _each(w, x, 1).reshape(groups, -1)
        products, sums = (total[k].reshape(groups, -1) for k in range(2))
        factor, into = 1 / deviation(var, eps), _grouped(gradient, groups)
        _group_gradient(_grouped(dout, groups), _grouped(x, groups), each, mean, factor, into, products, sums)
    accumulate(dw, total[0].sum(axis=1), beta)
    accumulate(db, total[1].sum(axis=1), beta)
