"""Normalisation: shift and scale so that values have mean 0 and variance 1.

x̂ = (x - mean) / √(var + eps) and out = w x̂ + b, where ``w`` counts as 1 and ``b`` as 0 if it is None. The variance of N
values is their squared deviations divided by N.

Batch norm has a mean and a variance for each channel, over samples and pixels (Ioffe & Szegedy 2015). Group norm has
them for each sample and group of channels, over the channels of the group and pixels (Wu & He 2018). Layer norm (Ba,
Kiros & Hinton 2016) is group norm with one group, in which each element is a channel of one pixel.

A variance that the dtype cannot hold, because it overflows or loses bits below the smallest normal number, has minus
the deviation in its place: `deviation` knows.
"""

from typing import Any

import numpy as np

from fastnn.kernels.reference.arrays import Array


def _column(values: Array) -> Array:
    """One number for each channel, in a shape that broadcasts with (n, c, s)."""
    return values[:, None]


def _affine(normal: Array, w: Array | None, b: Array | None) -> Array:
    if w is not None:
        normal = normal * _column(w)
    return normal if b is None else normal + _column(b)


def smallest_sound(dtype: np.dtype[Any]) -> float:
    """The smallest sum of a variance and ``eps`` that is held as it is, with all its bits."""
    return float(2.0**-100 if dtype == np.float32 else 2.0**-960)


def _moments(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    """Means over some axes, and variances or minus the deviations, in float64.

    Values whose moments leave the range of their dtype, with nothing that hides them in ``eps``, are divided by a power
    of two before, which rounds nothing.
    """
    wide = x.astype(np.float64)
    count = max(1, np.prod([x.shape[axis] for axis in axes], dtype=np.int64))
    mean = wide.sum(axis=axes, keepdims=True) / count
    var = np.square(wide - mean).sum(axis=axes, keepdims=True) / count
    info = np.finfo(x.dtype)
    smallest = smallest_sound(x.dtype)
    sound = (np.abs(mean) <= info.max) & (var <= info.max) & (var + eps >= smallest)
    largest = np.abs(wide).max(axis=axes, keepdims=True, initial=0)
    again = ~sound & np.isfinite(largest) & (largest > 0)
    if again.any():
        exponent = np.where(again, np.frexp(largest)[1], 0)
        small = np.ldexp(wide, -exponent)
        centre = small.sum(axis=axes, keepdims=True) / count
        square = np.square(small - centre).sum(axis=axes, keepdims=True) / count
        held = np.ldexp(square, 2 * exponent)
        held = np.where((held >= smallest) & (held <= info.max) | (square == 0), held, -np.ldexp(square**0.5, exponent))
        mean, var = np.where(again, np.ldexp(centre, exponent), mean), np.where(again, held, var)
    return mean, var


def deviation(var: Array, eps: float) -> Array:
    """``√(var + eps)`` of variances or minus the deviations."""
    return np.asarray(np.where(var < 0, np.hypot(var, var.dtype.type(eps**0.5)), np.sqrt(var + var.dtype.type(eps))))


def accumulate(total: Array | None, gradient: Array, beta: float) -> None:
    """``total = beta total + gradient``, where beta is 0 or 1 and a total of None is not wanted."""
    if total is not None:
        total[...] = gradient if beta == 0 else total + gradient


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
    """Normalise by the statistics of the batch, which are returned in ``mean`` and ``var``.

    Running statistics are updated: ``running = momentum running + (1 - momentum) batch``, with the unbiased variance
    N / (N - 1) ``var``. If a channel has only one value, there is no such variance and ``running_var`` does not change.
    """
    count = x.shape[0] * x.shape[2]
    centre, square = _moments(x, (0, 2), eps)
    mean[...], var[...] = centre[0, :, 0], square[0, :, 0]
    batch_norm_apply(x, w, b, mean, var, out, eps)
    keep, new = x.dtype.type(momentum), x.dtype.type(1 - momentum)
    if running_mean is not None:
        running_mean[...] = keep * running_mean + new * mean
    if running_var is not None and count > 1:
        variance = np.where(var < 0, var * var, var)
        running_var[...] = keep * running_var + new * (variance * (count / (count - 1)))


@np.errstate(all="ignore")
def batch_norm_apply(
    x: Array, w: Array | None, b: Array | None, mean: Array, var: Array, out: Array, eps: float
) -> None:
    """Normalise by given statistics."""
    out[...] = _affine((x - _column(mean)) / _column(deviation(var, eps)), w, b)


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
    """The gradients; with ``fixed`` those of `batch_norm_apply`, whose statistics do not depend on x.

    ``db = beta db + Σ dout``, ``dw = beta dw + Σ dout x̂`` and
    ``dx = w (dout - Σ dout / N - x̂ Σ dout x̂ / N) / √(var + eps)``, with ``fixed`` without the two sums.
    """
    count = max(1, x.shape[0] * x.shape[2])
    factor = 1 / _column(deviation(var, eps))
    normal = (x - _column(mean)) * factor
    sums = dout.sum(axis=(0, 2))
    products = (dout * normal).sum(axis=(0, 2))
    if dx is not None:
        inner = dout if fixed else dout - _column(sums) / count - normal * (_column(products) / count)
        dx[...] = inner * (factor if w is None else factor * _column(w))
    accumulate(dw, products, beta)
    accumulate(db, sums, beta)


def _grouped(x: Array, groups: int) -> Array:
    """`x` in shape (n, groups, elements of a group)."""
    return x.reshape(x.shape[0], groups, x.shape[1] // groups * x.shape[2])


@np.errstate(all="ignore")
def group_norm_forward(
    x: Array, w: Array | None, b: Array | None, out: Array, mean: Array, var: Array, eps: float
) -> None:
    """Normalise by the statistics of each sample's groups of channels, which are returned in ``mean`` and ``var``."""
    groups = mean.shape[1]
    wide = _grouped(x, groups)
    centre, square = _moments(wide, (2,), eps)
    mean[...], var[...] = centre[..., 0], square[..., 0]
    normal = (wide - mean[..., None]) / deviation(var, eps)[..., None]
    out[...] = _affine(normal.reshape(x.shape), w, b)


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
    """The gradients: ``dx = (e - mean e - x̂ mean(e x̂)) / √(var + eps)`` with ``e = w dout`` and means over a group."""
    groups = mean.shape[1]
    factor = 1 / deviation(var, eps)[..., None]
    normal = (_grouped(x, groups) - mean[..., None]) * factor
    if dx is not None:
        e = (dout if w is None else dout * _column(w)).reshape(normal.shape)
        inner = e - e.mean(axis=2, keepdims=True) - normal * (e * normal).mean(axis=2, keepdims=True)
        dx[...] = (inner * factor).reshape(x.shape)
    accumulate(dw, (dout * normal.reshape(x.shape)).sum(axis=(0, 2)), beta)
    accumulate(db, dout.sum(axis=(0, 2)), beta)


def _window_sum(values: Array, before: int, after: int) -> Array:
    """The sums over those of the channels c - before … c + after that exist."""
    channels = values.shape[1]
    total = np.zeros_like(values)
    for shift in range(-before, after + 1):
        low, high = max(0, -shift), min(channels, channels - shift)
        if low < high:
            total[:, low:high] += values[:, low + shift : high + shift]
    return total


def _unit(dtype: np.dtype[Any]) -> Any:
    """The power of two by which numbers are multiplied whose squares would overflow."""
    return dtype.type(2.0**-560 if dtype == np.float64 else 2.0**-72)


@np.errstate(all="ignore")
def local_response_norm_forward(
    x: Array, out: Array, scale: Array | None, size: int, alpha: float, power: float, k: float
) -> None:
    """``scale = k + alpha Σ x²`` over ``size`` neighbouring channels, ``out = x scale^-power`` (Krizhevsky 2012).

    The window of channel c reaches from c - size // 2 to c + (size - 1) // 2. A scale that overflows has minus its
    square root in its place.
    """
    window, kind = (size // 2, (size - 1) // 2), x.dtype.type
    value = kind(k) + kind(alpha) * _window_sum(x * x, *window)
    out[...] = x * value ** kind(-power)
    if (value > np.finfo(x.dtype).max).any():
        unit = _unit(x.dtype)
        root = np.sqrt(kind(k) * unit * unit + kind(alpha) * _window_sum(np.square(x * unit), *window)) / unit
        over = (value > np.finfo(x.dtype).max) & (root <= np.finfo(x.dtype).max)
        out[...] = np.where(over, x * root ** kind(-power) * root ** kind(-power), out)
        value = np.where(over, -root, value)
    if scale is not None:
        scale[...] = value


@np.errstate(all="ignore")
def local_response_norm_backward(
    dout: Array, x: Array, scale: Array, dx: Array, size: int, alpha: float, power: float
) -> None:
    """``dx = dout scale^-power - 2 alpha power x Σ dout x scale^(-power-1)`` over windows that contain a channel."""
    over, kind = scale < 0, x.dtype.type
    root = np.where(over, -scale, 1)
    part = root ** kind(-power)  # of which the square is the factor
    factor = np.where(over, 0, np.abs(scale) ** kind(-power))
    direct = np.where(over, dout * part * part, dout * factor)
    near = np.where(over, 0, dout * x * factor / scale)
    unit = _unit(x.dtype)  # where a scale overflowed, what channels add to each other would underflow
    far = np.where(over, dout * (part / unit) * (x / root) * (part / unit / root), 0)
    window = ((size - 1) // 2, size // 2)
    total = x * _window_sum(near, *window) + x * unit * unit * _window_sum(far, *window)
    dx[...] = direct - kind(2 * alpha * power) * total
